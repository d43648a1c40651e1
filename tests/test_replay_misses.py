"""What a cassette does not have: three verdicts, a distinctive reply, and a report at once."""

import pytest

from smtpproxy.cassette.misses import ALREADY_USED, DIFFERENT, MISSING, Miss, read_miss_reply
from smtpproxy.replay import Player
from smtpproxy.reports.reported import ReportedPlace
from tests.cassette.dialogues import SOURCE, Client, cassette, cassette_text
from tests.cassette.replaying import CLOSING, LETTER, OPENING, Replaying, letter, lines, replaying

RECORDED = lines(OPENING, LETTER, CLOSING)
ENVELOPE = lines("C: MAIL FROM:<a@example.org>", "S: 250 2.1.0 Ok")


@pytest.mark.parametrize(
    ("said", "verdict", "stage", "closest"),
    [
        ("MAIL FROM:<z@example.org>", DIFFERENT, "MAIL", "MAIL FROM:<a@example.org>"),
        ("SOML FROM:<a@example.org>", MISSING, "SOML", ""),
        ("VRFY b", MISSING, "VRFY", ""),
        ("RCPT TO:<b@example.net>", MISSING, "RCPT", ""),
        ("DATA", MISSING, "DATA", ""),
        ("XYZZY", MISSING, "XYZZY", ""),
    ],
)
def test_the_verdict_on_a_first_command(said: str, verdict: str, stage: str, closest: str) -> None:
    """Other arguments are different; a verb that the cassette does not have here is missing."""
    replay = replaying(RECORDED)
    replay.opened().says(said)
    assert [miss[1:5] for miss in replay.misses] == [(verdict, stage, said, closest)]
    assert replay.unused == 1


@pytest.mark.parametrize(
    ("said", "verdict", "closest"),
    [
        ("RCPT TO:<z@example.net>", DIFFERENT, "RCPT TO:<b@example.net>"),
        ("RCPT TO:<b@example.net> NOTIFY=NEVER", DIFFERENT, "RCPT TO:<b@example.net>"),
        ("DATA", MISSING, ""),
        ("VRFY b", MISSING, ""),
    ],
)
def test_the_verdict_within_a_transaction(said: str, verdict: str, closest: str) -> None:
    """Within a transaction its own exchanges are what a command is compared with."""
    replay = replaying(RECORDED)
    client = replay.opened()
    assert client.played(ENVELOPE) == ENVELOPE
    client.says(said)
    (miss,) = replay.misses
    assert (miss.verdict, miss.sent, miss.closest) == (verdict, said, closest)


def test_what_was_replayed_is_already_used() -> None:
    """The second of two equal messages, of which one was recorded, is no difference."""
    replay = replaying(RECORDED)
    client = replay.opened()
    assert client.played(LETTER) == LETTER
    client.says("MAIL FROM:<a@example.org>")
    (miss,) = replay.misses
    assert miss.verdict == ALREADY_USED
    assert miss.closest == "MAIL FROM:<a@example.org>"


def test_what_another_holds_is_already_used() -> None:
    """Two clients at once, and one recorded message: the second one hears of it at once."""
    replay = replaying(RECORDED)
    one, two = replay.opened(), replay.opened()
    assert one.played(ENVELOPE) == ENVELOPE
    assert two.says("MAIL FROM:<a@example.org>").startswith(b"554 5.3.0 smtpproxy: replay miss 1")
    assert [miss.verdict for miss in replay.misses] == [ALREADY_USED]


def test_a_miss_names_the_line_of_what_is_closest() -> None:
    """Whoever reads the report finds the recorded exchange in the file."""
    replay = replaying(RECORDED)
    replay.opened().says("MAIL FROM:<z@example.org>")
    line = cassette_text(RECORDED).split("\n").index('- C: "MAIL FROM:<a@example.org>"') + 1
    (miss,) = replay.misses
    assert miss.line == line
    assert f"signup.yaml:{line} has: MAIL FROM:<a@example.org>" in str(miss)
    assert cassette(RECORDED).source == SOURCE


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("MAIL FROM:<z@example.org>", b"554 5.3.0 smtpproxy: replay miss 1"),
        ("STARTTLS", b"454 4.7.0 smtpproxy: replay miss 1"),
        ("AUTH PLAIN", b"454 4.7.0 smtpproxy: replay miss 1"),
        ("HELO app.example.org", b"554 5.3.0 smtpproxy: replay miss 1"),
    ],
)
def test_the_client_hears_a_distinctive_reply(said: str, begins: bytes) -> None:
    """A miss makes a client fail at once, instead of trying again for days."""
    client = replaying(RECORDED).opened()
    assert client.says(said).startswith(begins)
    assert not client.server.closed


def test_an_empty_cassette_is_a_miss_at_connect() -> None:
    """Nothing to greet with: 421, which closes (RFC 5321 §4.2.3)."""
    replay = replaying()
    client = replay.client()
    assert client.greeting.startswith(b"421 4.3.0 smtpproxy: replay miss 1 at CONNECT")
    assert client.server.closed
    assert [miss.verdict for miss in replay.misses] == [MISSING]


def test_recorded_tls_is_a_miss() -> None:
    """What passed unread under TLS can't be replayed: STARTTLS is not offered, and refused."""
    recorded = cassette("S: 220 a\nC: EHLO x\nS: 250-a\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go")
    recorded.sessions[0].opaque = "STARTTLS"
    client = Replaying(recorded).client()
    assert client.says("EHLO x") == b"250 a\r\n"
    assert client.says("STARTTLS").startswith(b"454 4.7.0 smtpproxy: replay miss 1")


@pytest.mark.parametrize(
    "said", ["VRFY " + "x" * 1900, "VRFY a\0b\x1b[31m", "VRFY \xa0é\u2028", "VRFY a\rb", "é" * 300]
)
def test_the_reply_is_one_a_client_can_take(said: str) -> None:
    """RFC 5321 §4.2 and §4.5.3.1.5: one line of at most 512 octets of printable ASCII."""
    heard = replaying(RECORDED).opened().says(said)
    assert len(heard) <= 512
    assert heard.endswith(b"\r\n")
    assert all(0x20 <= octet < 0x7F for octet in heard[:-2])


def test_the_rest_of_a_missed_transaction_hears_the_same() -> None:
    """One miss, however many commands depend on it: a client that goes on can't succeed."""
    replay = replaying(RECORDED)
    client = replay.opened()
    refusal = client.says("MAIL FROM:<z@example.org>")
    assert client.says("RCPT TO:<b@example.net>", "RCPT TO:<c@example.net>", "DATA") == refusal * 3
    assert len(replay.misses) == 1


def test_a_recipient_that_is_missed_spoils_the_message() -> None:
    """The recorded message, which had another recipient, is not taken for this one."""
    replay = replaying(RECORDED)
    client = replay.opened()
    client.says("MAIL FROM:<a@example.org>", "RCPT TO:<z@example.net>")
    assert client.says("DATA").startswith(b"554 5.3.0 smtpproxy: replay miss 1 at RCPT")
    assert len(replay.misses) == 1
    assert replay.unused == 1


@pytest.mark.parametrize("between", [(), ("RSET",), ("EHLO app.example.org",), ("NOOP",)])
def test_after_a_miss_the_next_transaction_is_replayed(between: tuple[str, ...]) -> None:
    """A miss spoils its own transaction and no other."""
    replay = replaying(RECORDED)
    client = replay.opened()
    client.says("MAIL FROM:<a@example.org>", "RCPT TO:<z@example.net>")
    for command in between:
        assert client.says(command).startswith(b"250")
    assert client.played(LETTER) == LETTER
    assert (len(replay.misses), replay.unused) == (1, 0)


def test_rset_ends_a_missed_transaction() -> None:
    """After RSET nothing depends on the miss any more, also where no MAIL follows."""
    replay = replaying(lines(OPENING, "C: VRFY b\nS: 252 2.5.0 Perhaps"))
    client = replay.opened()
    client.says("MAIL FROM:<a@example.org>", "RSET")
    assert client.says("VRFY b") == b"252 2.5.0 Perhaps\r\n"
    assert len(replay.misses) == 1


def test_misses_are_numbered() -> None:
    """Number and order are those in which clients heard of them, over all connections."""
    replay = replaying(RECORDED)
    for number in (1, 2, 3):
        heard = replay.opened().says(f"VRFY {number}")
        assert heard.startswith(b"554 5.3.0 smtpproxy: replay miss %d at VRFY" % number)
    assert [miss.number for miss in replay.misses] == [1, 2, 3]
    assert replay.player.misses == 3


def test_a_miss_does_not_use_up_what_is_closest() -> None:
    """What was recorded and not asked for is reported as unused."""
    replay = replaying(lines(OPENING, letter(1, "b"), letter(2, "c")))
    replay.opened().says("MAIL FROM:<z@example.org>")
    assert replay.unused == 2
    assert [one.stage for one in replay.player.tree.unused()] == ["MAIL"]


@pytest.mark.parametrize(
    ("given", "heard"),
    [
        ("451", b"451 smtpproxy: replay miss 1 at MAIL, different: MAIL FROM:<z@example.org> ("),
        ("451 4.3.0", b"451 4.3.0 smtpproxy: replay miss 1 at MAIL, different: MAIL FROM:<z@"),
        ("550 5.7.1 Not recorded", b"550 5.7.1 Not recorded\r\n"),
        ("421 Later", b"421 Later\r\n"),
    ],
)
def test_a_miss_is_told_with_what_was_asked_for(given: str, heard: bytes) -> None:
    """The reply is the user's; where it has no text, it names the miss."""
    found: list[Miss] = []
    player = Player(cassette(RECORDED), found.append, told=read_miss_reply(given))
    client = Client(player.connection())
    client.says("EHLO app.example.org")
    assert client.says("MAIL FROM:<z@example.org>").startswith(heard)
    assert len(found) == 1


def test_it_is_known_what_was_used_and_what_was_not() -> None:
    """Transactions are told by the place of their first exchange, so that they can be pruned."""
    replay = replaying(lines(OPENING, letter(1, "b"), letter(2, "c")))
    text = cassette_text(lines(OPENING, letter(1, "b"), letter(2, "c"))).split("\n")
    first, second = (
        at for at, line in enumerate(text, 1) if line == '- C: "MAIL FROM:<a@example.org>"'
    )
    client = replay.opened()
    assert client.played(letter(2, "c")) == letter(2, "c")
    assert [(one.line, one.stage) for one in replay.player.used()] == [(second, "MAIL")]
    (unused,) = replay.player.unused()
    assert unused == ReportedPlace("signup.yaml", "1", first, "MAIL", "MAIL FROM:<a@example.org>")


def test_a_miss_knows_its_session() -> None:
    """The report tells whose miss it was."""
    found: list[Miss] = []
    player = Player(cassette(RECORDED), found.append)
    for label in ("run-1", "run-2"):
        Client(player.connection(label)).says("VRFY b")
    assert [miss.session for miss in found] == ["run-1", "run-2"]


def test_the_closest_is_the_nearest() -> None:
    """Of several recorded recipients, the one is told that differs least."""
    recorded = lines(OPENING, letter(1, "zoe"), letter(2, "alice"))
    replay = replaying(recorded)
    client = replay.opened()
    client.says("MAIL FROM:<a@example.org>", "RCPT TO:<alise@example.net>")
    (miss,) = replay.misses
    assert miss.closest == "RCPT TO:<alice@example.net>"
    assert [field.name for field in miss.compared if field.outcome == "differs"] == ["local part"]


def test_what_would_have_fitted_is_told() -> None:
    """Where nothing of the kind stands, a person reads what does."""
    replay = replaying(RECORDED)
    replay.opened().says("MAIL FROM:<a@example.org>", "DATA")
    (miss,) = replay.misses
    assert (miss.verdict, miss.expected) == (MISSING, ("RCPT TO:<b@example.net>",))
