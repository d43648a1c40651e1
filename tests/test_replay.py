"""A cassette in the place of upstream: who says the same hears the same."""

import pytest

from smtpproxy.cassette.misses import Miss
from smtpproxy.replay import Player
from smtpproxy.responder import LocalServer
from tests.cassette.dialogues import cassette, dialogue
from tests.cassette.replaying import CLOSING, LETTER, OPENING, Replaying, letter, lines, replaying


@pytest.mark.parametrize(
    "middle",
    [
        pytest.param("", id="nothing"),
        pytest.param(LETTER, id="one message"),
        pytest.param(lines(letter(1), letter(2), letter(3, "c")), id="three messages"),
        pytest.param(lines(LETTER, "C: RSET\nS: 250 flushed", LETTER), id="RSET between"),
        pytest.param("C: NOOP\nS: 250 yes\nC: VRFY b\nS: 252 try\nC: HELP\nS: 214 me", id="others"),
        pytest.param("C: XYZZY a b\nS: 502 5.5.1 No\nC: 123\nS: 500 what", id="unknown verbs"),
        pytest.param(
            lines("C: EHLO again.example.org", *OPENING.splitlines()[2:], LETTER), id="EHLO twice"
        ),
        pytest.param(
            """
            C: MAIL FROM:<a@example.org> SIZE=100 BODY=8BITMIME
            C: RCPT TO:<b@example.net>
            C: RCPT TO:<c@example.net>
            C: DATA
            S: 250 2.1.0 Ok
            S: 250 2.1.5 Ok
            S: 550 5.1.1 No such user
            S: 354 go
            C: .
            S: 554 5.6.0 Empty
            """,
            id="pipelined",
        ),
        pytest.param(
            """
            C: MAIL FROM:<a@example.org>
            S: 250 2.1.0 Ok
            C: RCPT TO:<b@example.net>
            S: 550 5.1.1 No such user
            C: DATA
            S: 554 5.5.1 No valid recipients
            C: RSET
            S: 250 2.0.0 Ok
            C: MAIL FROM:<>
            S: 452 4.3.1 Full
            """,
            id="refusals",
        ),
        pytest.param(
            "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: Ym9i\nS: 334 UGFzc3dvcmQ6\nC: *\nS: 501 no",
            id="AUTH cancelled",
        ),
        pytest.param("C: AUTH PLAIN\nS: 504 no\n" + LETTER, id="AUTH refused"),
    ],
)
def test_the_same_client_hears_the_same(middle: str) -> None:
    """A client that says what it said hears what it heard, and all of the cassette is used."""
    text = dialogue(lines(OPENING, *map(str.strip, middle.strip().splitlines()), CLOSING))
    replay = replaying(text)
    client = replay.client()
    assert client.played(text) == text
    assert client.server.closed
    assert (replay.misses, replay.unused) == ([], 0)


@pytest.mark.parametrize("step", [1, 3])
def test_a_pipelining_client_gets_its_answers_in_order(step: int) -> None:
    """However the recording was grouped, and however the client groups its commands."""
    one_by_one = lines(OPENING, LETTER)
    commands = [line[3:] for line in LETTER.splitlines() if line.startswith("C: ")][:3]
    client = replaying(one_by_one).opened()
    heard = [client.says(*commands[at : at + step]) for at in range(0, 3, step)]
    assert b"".join(heard) == b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n"


def test_replies_are_as_late_as_recorded() -> None:
    """Each in its place; what was said between transactions, and a miss, are not forgotten."""
    recorded = cassette(lines(OPENING, LETTER, CLOSING))
    recorded.sessions[0].timing_ms = [1000, 2000, 3000, 4000, 5000, 6000, 7000]
    missed: list[Miss] = []
    server = LocalServer(Player(recorded, missed.append, times=2).connection())
    server.spoken = []
    server.connected()
    asked = [line[3:] for line in lines(OPENING, LETTER, CLOSING).splitlines() if line[0] == "C"]
    server.receive("".join(f"{line}\r\n" for line in asked).encode())
    assert [wait for wait, _ in server.spoken] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert missed == []


@pytest.mark.parametrize("recorded", [1, 2])
def test_with_repeat_nothing_is_used_up(recorded: int) -> None:
    """The same messages may be sent again and again."""
    replay = replaying(lines(OPENING, *(letter(number) for number in range(recorded))), repeat=True)
    for round_ in range(5):
        text = lines(OPENING, letter(round_ % recorded))
        assert replay.client().played(text) == text
    assert replay.misses == []


@pytest.mark.parametrize(
    ("recorded", "live"),
    [
        ("MAIL FROM:<a@example.org>", "MAIL FROM:<a@example.org> SIZE=4711"),
        ("MAIL FROM:<a@example.org> SIZE=1", "MAIL FROM:<a@example.org> SIZE=2 ENVID=x"),
        ("MAIL FROM:<a@example.org>", "mail from: <a@EXAMPLE.ORG>"),
        ("AUTH PLAIN [redacted]", "AUTH PLAIN AGJvYgBzZWNyZXQ="),
    ],
)
def test_what_differs_at_every_run_is_no_difference(recorded: str, live: str) -> None:
    """SIZE, ENVID, credentials and spelling are not compared."""
    replay = replaying(lines(OPENING, f"C: {recorded}\nS: 250 2.1.0 Ok"))
    assert replay.opened().says(live) == b"250 2.1.0 Ok\r\n"
    assert replay.misses == []


def test_credentials_are_not_compared() -> None:
    """A recorded AUTH holds placeholders: any credentials are taken, and mail follows."""
    auth = """
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: {}
        S: 334 UGFzc3dvcmQ6
        C: {}
        S: 235 2.7.0 Authenticated
        """
    recorded = lines(OPENING, dialogue(auth.format("[redacted]", "[redacted]")), LETTER)
    live = lines(OPENING, dialogue(auth.format("Ym9i", "c2VjcmV0")), LETTER)
    replay = replaying(recorded)
    assert replay.client().played(live) == live
    assert (replay.misses, replay.unused) == ([], 0)


def test_lines_behind_a_refused_auth_are_the_recorded_ones() -> None:
    """Credentials that were pipelined behind a refused AUTH were recorded as placeholders."""
    refused = "C: AUTH LOGIN\nC: {}\nC: {}\nS: 504 5.5.4 No\nS: 500 what\nS: 500 again"
    replay = replaying(lines(OPENING, refused.format("[redacted]", "[redacted]")))
    live = refused.format("Ym9i", "c2VjcmV0cGFzcw")
    assert replay.opened().played(live) == live
    assert replay.misses == []


def test_a_client_is_not_offered_what_cannot_be_replayed() -> None:
    """The EHLO that a client hears is the one without."""
    replay = replaying("S: 220 a\nC: EHLO x\nS: 250-a\nS: 250-STARTTLS\nS: 250 SIZE")
    assert replay.client().says("EHLO x") == b"250-a\r\n250 SIZE\r\n"


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("C: NOOP\nS: 421 4.3.2 Shutting down", b"421 4.3.2 Shutting down\r\n"),
        ("C: VRFY b\nS: 421 4.3.2 Shutting down", b"421 4.3.2 Shutting down\r\n"),
        ("C: VRFY b", b""),
    ],
)
def test_where_the_server_closed_the_connection_is_closed(ending: str, said: bytes) -> None:
    """After 421, and where upstream went away without an answer, nothing more is said."""
    client = replaying(lines(OPENING, ending)).opened()
    assert client.says(ending.splitlines()[0][3:]) == said
    assert client.server.closed


def test_a_greeting_of_421_closes() -> None:
    """A server that was busy is busy again."""
    client = replaying("S: 421 4.3.2 Busy").client()
    assert client.greeting == b"421 4.3.2 Busy\r\n"
    assert client.server.closed


def test_what_a_rule_said_is_replayed() -> None:
    """A client hears again what it heard, not what upstream said."""
    recorded = cassette(lines(OPENING, "C: VRFY b\nS: 252 upstream"))
    one = recorded.sessions[0].dialogue[-1]
    recorded.sessions[0].dialogue[-1] = one._replace(changed=True, saw=b"550 rule\r\n")
    assert Replaying(recorded).opened().says("VRFY b") == b"550 rule\r\n"
