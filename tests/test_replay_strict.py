"""`order: strict`: a connection follows one recorded session from its beginning to its end."""

import pytest

from smtpproxy.cassette.matching import STRICT
from smtpproxy.cassette.misses import ALREADY_USED, DIFFERENT, MISSING
from tests.cassette.dialogues import cassette, dialogue
from tests.cassette.replaying import CLOSING, LETTER, OPENING, Replaying, letter, lines

HEALTH = dialogue(
    """
    S: 220 mail.example.org ESMTP ready
    C: QUIT
    S: 221 2.0.0 Bye
    """
)
GREYLISTED = dialogue(
    """
    C: MAIL FROM:<a@example.org>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    S: 450 4.7.1 Greylisted
    """
)


def strictly(*dialogues: str, repeat: bool = False) -> Replaying:
    """Return a replay of whole sessions, one a dialogue."""
    return Replaying(cassette(*dialogues), repeat, order=STRICT)


def verdicts(replay: Replaying) -> list[tuple[str, str]]:
    """Return what was missed, and where."""
    return [(miss.stage, miss.verdict) for miss in replay.misses]


def test_each_connection_follows_the_next_session() -> None:
    """The same dialogues, connection by connection, are replayed to the letter."""
    recorded = [lines(OPENING, letter(number), letter(9), CLOSING) for number in (1, 2, 3)]
    replay = strictly(*recorded)
    for text in recorded:
        assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


def test_a_session_is_not_mixed_with_another() -> None:
    """Concurrent connections each have a session of their own, also where all are alike."""
    replay = strictly(*(lines(OPENING, letter(at), letter(at + 10)) for at in (1, 2)))
    first, second = replay.opened(), replay.opened()
    for client, number in ((second, 2), (first, 1), (second, 12), (first, 11)):
        assert client.played(letter(number)) == letter(number)
    assert replay.misses == []


def test_transactions_come_in_their_order() -> None:
    """What is recorded further down does not fit before its time; then all goes on in step."""
    replay = strictly(lines(OPENING, letter(1, "b"), letter(2, "c"), letter(3, "d")))
    client = replay.opened()
    client.played(letter(3, "d"))
    assert verdicts(replay) == [("RCPT", DIFFERENT)]
    assert replay.misses[0].closest == "RCPT TO:<b@example.net>"
    for text in (letter(2, "c"), letter(3, "d")):
        assert client.played(text) == text
    assert len(replay.misses) == 1


def test_another_hello_between_transactions_is_kept_in_place() -> None:
    """What was said between two transactions is expected between them, and said again is heard."""
    again = OPENING.splitlines()[1:]
    changed = [line.replace("8BITMIME", "SMTPUTF8") for line in again]
    text = lines(OPENING, letter(1), *changed, letter(2), CLOSING)
    replay = strictly(text)
    assert replay.client().played(text) == text
    skipped = strictly(text)
    client = skipped.opened()
    client.played(letter(1))
    client.says("MAIL FROM:<a@example.org>")
    assert verdicts(skipped) == [("MAIL", MISSING)]
    assert skipped.misses[0].expected == ("EHLO app.example.org",)


def test_no_session_is_left() -> None:
    """One connection more than was recorded is told so, and why, at its greeting."""
    replay = strictly(lines(OPENING, LETTER, CLOSING))
    replay.opened()
    client = replay.client()
    assert client.greeting.startswith(b"421 4.3.0 smtpproxy: replay miss 1 at CONNECT, already")
    assert client.server.closed
    assert verdicts(replay) == [("CONNECT", ALREADY_USED)]
    assert replay.misses[0].closest == "CONNECT"


def test_an_empty_cassette_has_no_session() -> None:
    """Nothing was recorded: that is no session which is used up."""
    replay = strictly()
    assert replay.client().server.closed
    assert verdicts(replay) == [("CONNECT", MISSING)]


@pytest.mark.parametrize("asks", [(), ("NOOP",), ("RSET", "QUIT")])
def test_who_asks_for_nothing_uses_nothing(asks: tuple[str, ...]) -> None:
    """The session of a health check is there for the next connection."""
    replay = strictly(lines(OPENING, letter(1)), lines(OPENING, letter(2)))
    client = replay.client()
    for line in asks:
        client.says(line)
    client.server.gone()
    assert replay.opened().played(letter(1)) == letter(1)
    assert replay.opened().played(letter(2)) == letter(2)


def test_a_recorded_health_check_is_a_session() -> None:
    """Where nothing more was recorded, nothing more is needed to use it up."""
    replay = strictly(HEALTH, lines(OPENING, LETTER))
    client = replay.client()
    assert client.played(HEALTH) == HEALTH
    client.server.gone()
    assert replay.opened().played(LETTER) == LETTER
    assert replay.misses == []


def test_a_session_that_was_taken_is_not_given_back() -> None:
    """Who said hello and left has used up its session; what it did not ask for is unused."""
    replay = strictly(lines(OPENING, letter(1)), lines(OPENING, letter(2)))
    replay.opened().server.gone()
    assert replay.opened().played(letter(2)) == letter(2)
    assert replay.unused == 1


def test_with_repeat_sessions_begin_again() -> None:
    """When the last one is used up the first one follows."""
    recorded = [lines(OPENING, letter(1), CLOSING), lines(OPENING, GREYLISTED, CLOSING)]
    replay = strictly(*recorded, repeat=True)
    for text in recorded * 3:
        assert replay.client().played(text) == text
    assert replay.misses == []


def test_an_unfinished_transaction_is_followed_by_the_next() -> None:
    """What was left unfinished when recorded is left in replay, too."""
    text = lines(OPENING, GREYLISTED, LETTER, CLOSING)
    replay = strictly(text)
    assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


def test_each_session_has_its_own_words() -> None:
    """QUIT is answered as in the session that is followed."""
    recorded = [
        lines(OPENING, LETTER, CLOSING),
        lines(OPENING, LETTER, CLOSING.replace("Bye", "So long")),
    ]
    replay = strictly(*recorded)
    for text in recorded:
        assert replay.client().played(text) == text
