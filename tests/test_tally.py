"""What follows from the counters, and how those of several upstreams add up."""

from __future__ import annotations

import pytest

from smtpproxy.figures import Recipients
from smtpproxy.tally import Tally


def tally_of(*replies: tuple[str, int, float]) -> Tally:
    """Return the counters of replies: stage, code, seconds."""
    tally = Tally()
    for name, code, seconds in replies:
        stage = tally.stages.get(name) or tally.new_stage(name)
        stage.codes[code] = stage.codes.get(code, 0) + 1
        stage.times.add(seconds)
    return tally


def test_what_begins_a_mail_transaction() -> None:
    """MAIL and its kin of RFC 821 do, where they are answered by 2xx; nothing else does."""
    begun = [("MAIL", 250), ("MAIL", 251), ("SEND", 250), ("SOML", 250), ("SAML", 250)]
    other = [("MAIL", 451), ("MAIL", 550), ("SEND", 502), ("RCPT", 250), ("RSET", 250)]
    figures = tally_of(*[(stage, code, 0.001) for stage, code in begun + other]).figures()
    assert figures.transactions == 5


def test_recipients_are_accepted_or_refused() -> None:
    """2xx accepts, 4xx and 5xx refuse, and what is none of these is neither."""
    codes = [250, 251, 252, 450, 550, 553, 354, 0, 999]
    figures = tally_of(*[("RCPT", code, 0.001) for code in codes]).figures()
    assert figures.recipients == Recipients(accepted=3, refused=3)


def test_times_are_in_milliseconds_with_three_digits() -> None:
    """A histogram is right to within a fortieth: more digits would be a lie."""
    times = tally_of(*[("MAIL", 250, 0.0123456)] * 99, ("MAIL", 250, 4.5)).figures().reply_ms
    shown = times["MAIL"]
    percentiles = (shown.p50, shown.p95, shown.p99)
    assert shown.count == 100
    assert percentiles == pytest.approx([12.3456] * 3, rel=0.03)
    assert percentiles == tuple(float(f"{ms:.3g}") for ms in percentiles)


def test_stages_are_in_the_order_of_a_session() -> None:
    """Stages come as in a session, others behind them by name, and codes by number."""
    stages = ["XVERB", "QUIT", "RCPT", "ETRN", "MAIL", "CONNECT", "END-OF-DATA", "DATA"]
    figures = tally_of(*[(stage, code, 0.1) for stage in stages for code in (550, 250)]).figures()
    expected = ["CONNECT", "MAIL", "RCPT", "DATA", "END-OF-DATA", "QUIT", "ETRN", "XVERB"]
    assert list(figures.matrix) == list(figures.reply_ms) == expected
    assert list(figures.matrix["RCPT"]) == [250, 550]


def test_merged_adds_up() -> None:
    """All that was counted of two upstreams is counted once of both."""
    one = tally_of(("MAIL", 250, 0.01), ("RCPT", 550, 0.01))
    other = tally_of(("RCPT", 550, 0.01), ("RCPT", 250, 0.01), ("QUIT", 221, 0.01))
    one.sessions, one.messages, one.mail_data_octets, one.ended = 2, 1, 10, {"quit": 2}
    other.sessions, other.messages, other.mail_data_octets = 3, 2, 5
    other.ended, other.reasons = {"quit": 1, "client-drop": 2}, {"SpamBlock": 1}
    other.anomalies = {"nul": 1}
    both = Tally()
    both.merge(one)
    both.merge(other)
    figures = both.figures()
    assert (figures.sessions, figures.messages, figures.mail_data_octets) == (5, 3, 15)
    assert list(figures.ended.items()) == [("quit", 3), ("client-drop", 2)]
    assert (figures.reasons, figures.anomalies) == ({"SpamBlock": 1}, {"nul": 1})
    assert figures.matrix == {"MAIL": {250: 1}, "RCPT": {250: 1, 550: 2}, "QUIT": {221: 1}}
    assert figures.reply_ms["RCPT"].count == 3
    assert one.figures().matrix == {"MAIL": {250: 1}, "RCPT": {550: 1}}
