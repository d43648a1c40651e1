"""What is odd is relayed, or refused where that is asked for."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side
from smtpproxy.refusals import RefusalError, refused_anomalies
from smtpproxy.relay import Relay
from smtpproxy.smtp.anomalies import OF_CLIENT
from tests.dialogue import Conversation
from tests.smtp.dialogue import every_cut
from tests.smtp.test_lookalike import LOOK_ALIKES


def careful(*words: str) -> Conversation:
    """Return a conversation that is in mail data, and whose relay refuses what these words say."""
    talk = Conversation()
    talk.relay = Relay(
        talk.witness, lambda: 0.0, domain="proxy.example.org", refused=refused_anomalies(words)
    )
    talk.take(talk.relay.connected())
    talk.upstream(b"220 mail.example.org\r\n")
    return talk


def in_mail_data(*words: str) -> Conversation:
    """Return a conversation whose client has heard 354."""
    talk = careful(*words)
    talk.client(b"DATA\r\n")
    talk.upstream(b"354 go\r\n")
    talk.unread(Side.CLIENT)
    talk.unread(Side.UPSTREAM)
    return talk


@pytest.mark.parametrize(("octets", "name", "form"), LOOK_ALIKES)
def test_look_alikes_are_refused(octets: bytes, name: str, form: str) -> None:
    """However it is cut, upstream sees no look-alike and no end; the client hears 554."""
    for pieces in every_cut(b"Hi" + octets + b"MAIL FROM:<x@example.org>\r\n.\r\n"):
        talk = in_mail_data(f"{name}=refuse")
        for piece in pieces:
            talk.client(piece)
        sent = talk.unread(Side.UPSTREAM)
        assert (b"Hi" + octets).startswith(sent)
        assert b"." not in sent
        assert talk.unread(Side.CLIENT) == f"554 5.6.0 Message refused: {name}\r\n".encode()
        assert list(talk.done)[-2:] == ["client: close", "upstream: close"]


@pytest.mark.parametrize(("octets", "name", "form"), LOOK_ALIKES)
def test_look_alikes_are_relayed(octets: bytes, name: str, form: str) -> None:
    """By default every octet passes, and the fact is told."""
    talk = in_mail_data()
    data = b"Hi" + octets + b"MAIL FROM:<x@example.org>\r\n.\r\n"
    talk.client(data)
    assert talk.unread(Side.UPSTREAM) == data
    assert (name, form) in talk.witness.notes


def test_a_command_in_mail_data_stays_mail_data_behind_a_line_of_a_megabyte() -> None:
    """No length of a line makes a command of what is mail data."""
    talk = in_mail_data()
    data = b"x" * 1_000_000 + b"\r\nMAIL FROM:<x@example.org>\r\n.\r\n"
    for at in range(0, len(data), 65_536):
        talk.client(data[at : at + 65_536])
    talk.upstream(b"250 Ok\r\n")
    assert talk.unread(Side.UPSTREAM) == data
    assert [stage for stage, _ in talk.witness.codes()] == ["CONNECT", "DATA", "END-OF-DATA"]


def test_what_is_not_odd_passes_all_the_same() -> None:
    """A message with nothing odd in it reaches upstream whole, wherever it is cut."""
    data = b"..\r\nHi.\r\n.x\r\n \r\n.\r\n"
    for pieces in every_cut(data):
        talk = in_mail_data("refuse")
        for piece in pieces:
            talk.client(piece)
        assert talk.unread(Side.UPSTREAM) == data


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"NOOP\n", b"500 5.5.2 Refused: bare-lf\r\n"),
        (b"NOOP \0\r\n", b"500 5.5.2 Refused: nul\r\n"),
        (b"DATA\n", b"500 5.5.2 Refused: bare-lf\r\n"),
    ],
)
def test_a_command_is_refused_and_the_session_goes_on(line: bytes, reply: bytes) -> None:
    """Upstream never sees a command that is refused; what follows is read as before."""
    talk = careful("refuse")
    talk.unread(Side.CLIENT)
    talk.client(line)
    assert (talk.unread(Side.CLIENT), talk.unread(Side.UPSTREAM)) == (reply, b"")
    talk.client(b"QUIT\r\n")
    assert talk.unread(Side.UPSTREAM) == b"QUIT\r\n"


def test_one_anomaly_is_refused_and_another_is_not() -> None:
    """Each can be chosen by its name, and later words change what earlier ones said."""
    assert refused_anomalies(["relay"]) == frozenset()
    assert refused_anomalies(["relay", "bare-lf=refuse"]) == {"bare-lf"}
    assert refused_anomalies(["refuse", "nul=relay"]) == set(OF_CLIENT) - {"nul"}


@pytest.mark.parametrize("word", ["", "reject", "bare-lf", "bare-lf=", "barelf=refuse"])
def test_words_that_mean_nothing(word: str) -> None:
    """What can't be read is an error that says what was expected."""
    with pytest.raises(RefusalError, match=r"expected relay|unknown anomaly"):
        refused_anomalies([word])


@pytest.mark.parametrize("name", ["mixed-codes", "data-without-recipient"])
def test_upstream_is_never_refused(name: str) -> None:
    """What upstream says, or is to judge, is always relayed."""
    with pytest.raises(RefusalError, match="always relayed"):
        refused_anomalies([f"{name}=refuse"])


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("client-timeout", b"421 4.4.2 proxy.example.org Timeout exceeded\r\n"),
        ("too-many-connections", b"421 4.3.2 proxy.example.org Too many connections\r\n"),
        ("shutdown", b"421 proxy.example.org Service not available, closing"),
    ],
)
def test_a_session_that_the_proxy_ends_is_told_why(how: str, said: bytes) -> None:
    """The 421 says what a client's log should show."""
    talk = careful()
    talk.unread(Side.CLIENT)
    talk.take(talk.relay.shut_down(how))
    assert talk.unread(Side.CLIENT).startswith(said.replace(b"proxy.example", b"mail.example"))


def test_a_refused_message_for_several_recipients_of_lmtp() -> None:
    """Each accepted recipient gets its reply (RFC 2033 §4.2), and then the session ends."""
    talk = careful("refuse")
    talk.play("""
        S: 220 mail.example.org
        C: LHLO app.example.org
        > LHLO app.example.org
        U: 250 mail.example.org
        S: 250 mail.example.org
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<a@example.org>
        U: 250 Ok
        S: 250 Ok
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 250 Ok
        S: 250 Ok
        C: RCPT TO:<c@example.net>
        > RCPT TO:<c@example.net>
        U: 250 Ok
        S: 250 Ok
        C: DATA
        > DATA
        U: 354 go
        S: 354 go
    """)
    talk.client(b"Hi\n.\n.\r\n")
    talk.unread(Side.UPSTREAM)
    talk.client(b"\r\n.\r\n")
    assert talk.unread(Side.CLIENT) == b"554 5.6.0 Message refused: bare-lf\r\n" * 2
    assert list(talk.done)[-2:] == ["client: close", "upstream: close"]


def test_a_refusal_behind_an_early_reply_ends_the_session() -> None:
    """The client has taken that reply for its answer: pairing would be one off from there on."""
    talk = careful("refuse")
    talk.upstream(b"250 one\r\n")
    talk.unread(Side.CLIENT)
    talk.client(b"NOOP\nNOOP\r\n")
    assert talk.unread(Side.CLIENT) == b"500 5.5.2 Refused: bare-lf\r\n"
    assert talk.unread(Side.UPSTREAM) == b""
    assert list(talk.done)[-2:] == ["client: close", "upstream: close"]


def test_the_proxys_own_command_waits_for_a_reply_of_its_own() -> None:
    """The reply to RSET, which takes a refused chunk's envelope back, is not for the client."""
    talk = careful("refuse")
    for line in (b"BDAT 0\n", b"NOOP\r\n"):
        talk.client(line)
    talk.upstream(b"250 reset\r\n250 two\r\n")
    assert talk.witness.codes() == [("CONNECT", 220), ("BDAT", 500), ("NOOP", 250)]
    assert talk.unread(Side.CLIENT).endswith(b"bare-lf\r\n250 two\r\n")
