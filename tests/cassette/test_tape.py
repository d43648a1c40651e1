"""However long a session is, and whatever its peers do, little of it is kept in memory."""

from __future__ import annotations

from tests.allocated import memory
from tests.cassette.recording import Conversation, Recording

BOUND = 512 * 1024


def recorded(recording: Recording, first: str) -> Conversation:
    """Return a conversation that is recorded, with a greeting and one more exchange."""
    conversation = recording.begin()
    conversation.play(f"S: 220 ready\nC: {first}\nS: 250 ok\n")
    return conversation


def test_chunks_that_nobody_answers_do_not_stay_in_memory(recording: Recording) -> None:
    """Many chunks, each small enough to be kept in memory, are too much of it together."""
    conversation = recorded(recording, "EHLO a")
    chunks = [bytes((65 + number,)) * 60_000 for number in range(20)]

    def act() -> None:
        for chunk in chunks:
            conversation.client(b"BDAT 60000\r\n" + chunk)
        conversation.asked = b""

    assert memory(act) < BOUND
    for _ in chunks:
        conversation.upstream(b"250 ok\r\n")
    conversation.client_leaves()
    assert kept_octets(recording) == chunks


def kept_octets(recording: Recording) -> list[bytes]:
    """Return the chunks of the only session, as read back."""
    (session,) = recording.cassette().sessions
    kept = [one.kept for one in session.dialogue if one.kept is not None]
    folder = recording.file.folder
    return [(folder / one.file).read_bytes() if one.file else one.octets for one in kept]


def test_a_chunk_in_small_pieces_takes_no_more_than_its_octets(recording: Recording) -> None:
    """A peer chooses how its octets are cut: they are one piece all the same."""
    conversation = recorded(recording, "EHLO a")
    conversation.client(b"BDAT 60000\r\n")

    def act() -> None:
        for _ in range(30_000):
            conversation.relay.client_received(bytes(bytearray(b"ab")))

    assert memory(act) < BOUND // 2


def test_what_answers_nothing_is_kept_up_to_a_bound_within_a_chunk(recording: Recording) -> None:
    """It has to wait for the chunk: what is too much of it is lost, and said once."""
    conversation = recorded(recording, "EHLO a")
    conversation.client(b"BDAT 1000000000000\r\nHi")
    conversation.upstream(b"250 ok\r\n")

    def act() -> None:
        for _ in range(1000):
            conversation.upstream(b"221 " + b"x" * 1000 + b"\r\n")
            conversation.heard = b""

    assert memory(act) < BOUND
    conversation.client_leaves()
    assert len(recording.problems) == 1
    (session,) = recording.cassette().sessions
    assert 100 < len(session.dialogue) < 500


def test_commands_sent_in_one_go_without_end(recording: Recording) -> None:
    """A client that always has one command more on its way fills no memory with them."""
    conversation = recorded(recording, "EHLO a")
    number = 5000

    def act() -> None:
        conversation.client(b"NOOP\r\n")
        for _ in range(number - 1):
            conversation.client(b"NOOP\r\n")
            conversation.upstream(b"250 ok\r\n")
            conversation.heard = conversation.asked = b""
        conversation.upstream(b"250 ok\r\n")

    assert memory(act) < BOUND
    conversation.client_leaves()
    (session,) = recording.cassette().sessions
    assert len(session.dialogue) == len(session.timing_ms) == number + 2
    assert sum(one.pipelined for one in session.dialogue) == number - 1


def test_the_times_of_a_long_session(recording: Recording) -> None:
    """They are written down now and then, and all are there in the end."""
    conversation = recorded(recording, "EHLO a")
    number = 20_000

    def act() -> None:
        for at in range(number):
            conversation.client(b"NOOP\r\n")
            conversation.now += 10 + at % 7
            conversation.upstream(b"250 ok\r\n")
            conversation.heard = conversation.asked = b""

    assert memory(act) < BOUND
    conversation.client_leaves()
    (session,) = recording.cassette().sessions
    expected = [0, 0, *(1000 * (10 + at % 7) for at in range(number))]
    assert session.timing_ms == expected


def test_a_long_reply_does_not_wait_for_the_next_exchange(recording: Recording) -> None:
    """What can't be part of a list is written down at once."""
    conversation = recorded(recording, "EHLO a")
    conversation.client(b"NOOP\r\n")

    def act() -> None:
        for _ in range(127):
            conversation.upstream(b"250-" + b"x" * 4090 + b"\r\n")
        conversation.upstream(b"250 ok\r\n")
        conversation.heard = b""

    assert memory(act) < BOUND // 2
