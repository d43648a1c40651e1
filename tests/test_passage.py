"""The way of a message to upstream."""

from __future__ import annotations

from smtpproxy.passage import Passage
from smtpproxy.smtp.anomalies import LOOK_ALIKE
from smtpproxy.smtp.facts import MailData
from tests.smtp.dialogue import every_cut

MESSAGE = b"Hi.\r\n..\r\n\r\n.x\r\n \r\n.\r\n"


def passed(passage: Passage, pieces: list[bytes]) -> list[bytes]:
    """Return what of mail data goes to upstream, piece by piece."""
    passage.begin(swallowing=False)
    gone = []
    for at, piece in enumerate(pieces, start=1):
        data = MailData(piece, last=at == len(pieces))
        passage.look(data)
        if not passage.swallowing:
            gone.append(passage.cleared(data))
    return gone


def test_all_passes_at_once_where_nothing_is_refused() -> None:
    """No octet waits for the next ones."""
    for pieces in every_cut(MESSAGE):
        assert passed(Passage(frozenset()), list(pieces)) == list(pieces)


def test_what_could_become_an_anomaly_waits() -> None:
    """The message arrives whole, and nothing that was sent could still turn out to be refused."""
    for pieces in every_cut(MESSAGE):
        gone = passed(Passage(frozenset({LOOK_ALIKE})), list(pieces))
        assert b"".join(gone) == MESSAGE
        assert all(not sent.endswith(b"\n.") for sent in gone[:-1])


def test_a_refused_message_stops_where_the_anomaly_begins() -> None:
    """Its dot, and what stands behind it, never pass; the refusal is known by its name."""
    for pieces in every_cut(b"Hi\n.\nMAIL FROM:<x@example.org>\r\n.\r\n"):
        passage = Passage(frozenset({LOOK_ALIKE}))
        assert b"Hi\n".startswith(b"".join(passed(passage, list(pieces))))
        assert passage.refusal == LOOK_ALIKE


def test_the_next_message_begins_anew() -> None:
    """A refusal, and what was withheld, belong to one message."""
    passage = Passage(frozenset({LOOK_ALIKE}))
    passed(passage, [b"Hi\r", b"\n.\nMAIL FROM:<x@example.org>\r\n.\r\n"])
    assert b"".join(passed(passage, [MESSAGE])) == MESSAGE
    assert not passage.refusal


def test_a_message_for_nobody_is_swallowed() -> None:
    """Where upstream did not ask for mail data, none of it passes."""
    passage = Passage(frozenset())
    passage.begin(swallowing=True)
    assert passage.look(MailData(b"Hi\n.\n", last=False))
    assert passage.swallowing
    assert not passage.refusal
