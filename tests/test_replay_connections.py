"""Clients spread their messages over connections as they like: the cassette does not mind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cassette.dialogues import dialogue
from tests.cassette.replaying import CLOSING, LETTER, OPENING, letter, lines, replaying


def test_one_session_may_be_spread_over_connections() -> None:
    """Messages of one recorded session are replayed to clients that send one each."""
    replay = replaying(lines(OPENING, letter(1), letter(2), letter(3), CLOSING))
    for number in (1, 2, 3):
        text = lines(OPENING, letter(number), CLOSING)
        assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


def test_sessions_may_be_joined_in_one_connection() -> None:
    """Messages of many recorded sessions are replayed to a client that keeps its connection."""
    replay = replaying(*(lines(OPENING, letter(number), CLOSING) for number in (1, 2, 3)))
    text = lines(OPENING, letter(1), letter(2), letter(3), CLOSING)
    assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


def test_another_order_is_no_difference() -> None:
    """Any unused transaction fits that has the same envelope."""
    replay = replaying(lines(OPENING, letter(1, "b"), letter(2, "c")))
    client = replay.opened()
    for text in (letter(2, "c"), letter(1, "b")):
        assert client.played(text) == text
    assert replay.misses == []


def test_a_prologue_is_taken_while_it_has_transactions_left() -> None:
    """Where servers offered different keywords, each message is found under its own EHLO."""
    other = OPENING.replace("S: 250 8BITMIME", "S: 250-8BITMIME\nS: 250 SMTPUTF8")
    replay = replaying(lines(OPENING, letter(1, "b")), lines(other, letter(2, "c")))
    for text in (lines(OPENING, letter(1, "b")), lines(other, letter(2, "c"))):
        assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


@pytest.mark.parametrize("recipients", ["bcd", "dcb", "cdb"])
def test_concurrent_connections_do_not_starve_one_another(recipients: str) -> None:
    """Three clients begin alike, and each finds the transaction that its recipient belongs to."""
    replay = replaying(*(lines(OPENING, letter(at, name)) for at, name in enumerate("bcd")))
    clients = [replay.opened() for _ in recipients]
    for client in clients:
        assert client.says("MAIL FROM:<a@example.org>") == b"250 2.1.0 Ok\r\n"
    for client, name in zip(clients, recipients, strict=True):
        assert client.says(f"RCPT TO:<{name}@example.net>") == b"250 2.1.5 Ok\r\n"
    for client in clients:
        assert client.says("DATA") == b"354 go\r\n"
    for client, name in zip(clients, recipients, strict=True):
        assert client.says("Hi.", ".").endswith(b"as %d\r\n" % "bcd".index(name))
    assert (replay.misses, replay.unused) == ([], 0)


GREYLISTED = dialogue(
    """
    C: MAIL FROM:<a@example.org>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    S: 450 4.7.1 Greylisted
    """
)


@pytest.mark.parametrize("how", [CLOSING, "C: RSET\nS: 250 2.0.0 Ok\n" + CLOSING])
def test_greylisting_over_two_connections(how: str) -> None:
    """Refused first and accepted later, as recorded: never the other way round."""
    first, second = lines(OPENING, GREYLISTED, how), lines(OPENING, LETTER, CLOSING)
    replay = replaying(first, second)
    assert replay.client().played(first) == first
    assert replay.client().played(second) == second
    assert (replay.misses, replay.unused) == ([], 0)


@pytest.mark.parametrize("how", ["", "C: RSET\nS: 250 2.0.0 Ok"])
def test_greylisting_on_one_connection(how: str) -> None:
    """The same where the client tries again at once, with or without RSET."""
    text = dialogue(lines(OPENING, GREYLISTED, *how.splitlines(), LETTER, CLOSING))
    replay = replaying(text)
    assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


def test_a_client_that_sends_nothing_uses_up_nothing() -> None:
    """Health checks connect, and leave at once, after EHLO, or after QUIT."""
    replay = replaying(lines(OPENING, LETTER, CLOSING))
    for text in (OPENING.splitlines()[0], OPENING, lines(OPENING, CLOSING)):
        client = replay.client()
        assert client.played(text) == text
        client.server.gone()
    assert replay.unused == 1
    assert replay.opened().played(LETTER) == LETTER


def test_noop_rset_and_quit_use_up_nothing() -> None:
    """They are answered as often as they come, recorded or not, and leave transactions alone."""
    replay = replaying(lines(OPENING, LETTER))
    client = replay.opened()
    for _ in range(3):
        assert client.says("NOOP").startswith(b"250 ")
        assert client.says("RSET").startswith(b"250 ")
    first, rest = LETTER.split("\n", 2)[:2], LETTER.split("\n", 2)[2]
    assert client.played("\n".join(first)) == "\n".join(first)
    assert client.says("NOOP").startswith(b"250 ")
    assert client.played(rest) == rest
    assert client.says("QUIT").startswith(b"221 ")
    assert client.server.closed
    assert (replay.misses, replay.unused) == ([], 0)


@pytest.mark.parametrize("said", ["", "C: RCPT TO:<b@example.net>", "C: RSET"])
def test_a_transaction_that_is_given_up_is_given_back(said: str) -> None:
    """A client that leaves, or takes its transaction back, leaves it to the next one."""
    replay = replaying(lines(OPENING, LETTER))
    client = replay.opened()
    client.played(lines("C: MAIL FROM:<a@example.org>", "S: 250 2.1.0 Ok", said))
    client.server.gone()
    assert replay.unused == 1
    assert replay.opened().played(LETTER) == LETTER
    assert (replay.misses, replay.unused) == ([], 0)


def test_a_transaction_that_was_recorded_as_given_up_is_used_up() -> None:
    """Where the recorded client left, too, leaving is the end of that transaction."""
    begun = "C: MAIL FROM:<a@example.org>\nS: 250 2.1.0 Ok"
    replay = replaying(lines(OPENING, begun))
    client = replay.opened()
    assert client.played(begun) == begun
    client.server.gone()
    assert (replay.misses, replay.unused) == ([], 0)


def test_only_as_many_are_given_up_as_were_recorded() -> None:
    """Of two clients that leave, where one did, the second leaves its transaction to the next."""
    begun = "C: MAIL FROM:<a@example.org>\nS: 250 2.1.0 Ok"
    replay = replaying(lines(OPENING, LETTER), lines(OPENING, begun))
    for unused in (1, 1):
        client = replay.opened()
        assert client.played(begun) == begun
        client.server.gone()
        assert replay.unused == unused
    assert replay.opened().played(LETTER) == LETTER
    assert (replay.misses, replay.unused) == ([], 0)


def test_a_message_in_chunks_is_used_up_by_its_last() -> None:
    """BDAT LAST ends the transaction (RFC 3030 §2), whatever the client does next."""
    envelope = LETTER.partition("C: DATA")[0].strip()
    recorded = lines(OPENING, envelope, "C: BDAT 0 LAST\nS: 250 Ok\nC: RSET\nS: 250 Ok", CLOSING)
    replay = replaying(recorded)
    text = lines(OPENING, envelope, "C: BDAT 0 LAST\nS: 250 Ok", CLOSING)
    assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from("bcd"), min_size=1, max_size=6).flatmap(
        lambda names: st.tuples(st.just(names), st.permutations(names))
    ),
    st.lists(st.integers(1, 3), min_size=6, max_size=6),
    st.lists(st.integers(1, 3), min_size=6, max_size=6),
    st.lists(st.integers(0, 5), max_size=60),
)
def test_no_spreading_starves_anybody(
    orders: tuple[list[str], list[str]], recorded: list[int], live: list[int], turns: list[int]
) -> None:
    """However messages were recorded, and however they are sent at once, each finds its own."""
    names, sent = orders
    replay = replaying(*(lines(OPENING, *map(message, part)) for part in parts(names, recorded)))
    clients = [commands(part) for part in parts(sent, live)]
    connections = [replay.opened() for _ in clients]
    for turn in [*turns, *list(range(len(clients))) * 21]:
        at = turn % len(clients)
        if clients[at]:
            assert connections[at].says(clients[at].pop(0))[:1] in (b"2", b"3", b"")
    assert (replay.misses, replay.unused) == ([], 0)


def message(recipient: str) -> str:
    """Return a transaction with one recipient."""
    return letter(1, recipient)


def parts(names: list[str], sizes: list[int]) -> list[list[str]]:
    """Return names cut into parts of these sizes."""
    found = []
    for size in sizes:
        found.append(names[:size])
        names = names[size:]
    return [part for part in found if part]


def commands(recipients: list[str]) -> list[str]:
    """Return all that a client sends for letters to these recipients."""
    return [
        line[2:].removeprefix(" ")
        for recipient in recipients
        for line in message(recipient).splitlines()
        if line.startswith("C:")
    ]
