"""What peers can make the proxy keep is bounded, part by part and without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

from msgspec import structs

from smtpproxy.log import JsonLog
from smtpproxy.pairing import Pairing
from smtpproxy.relay import Relay
from smtpproxy.smtp.anomalies import reply_anomalies
from smtpproxy.smtp.facts import Command, Reply
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from smtpproxy.smtp.lookalike import MailDataScan
from smtpproxy.smtp.state import State
from smtpproxy.transcript import Entry, Session
from tests.allocated import memory
from tests.net.sessions import Heard

BOUND = 1024 * 1024
LONG = (b"250-" + b"x" * 4090 + b"\r\n") * 127

COMMAND = b"NOOP " + b"x" * 2040 + b"\r\n"  # as long as a command may be
SEGMENT = COMMAND * 16


def long_replies(number: int, beginning: bytes = LONG) -> Iterator[Reply]:
    """Yield replies, each another, and as long as they may be if nothing else is asked for."""
    for at in range(number):
        yield Reply(250, beginning + b"250 %d\r\n" % at)


def test_long_replies_are_not_remembered() -> None:
    """What is odd in a reply is remembered for short ones only: those come often."""
    assert memory(lambda: [reply_anomalies(reply) for reply in long_replies(5)]) < BOUND


def test_the_log_does_not_remember_long_replies() -> None:
    """The text of a reply is remembered for short ones only."""
    session = Session(1, "run-1", "192.0.2.7:40000", "sink:", 0.0)
    log = JsonLog(lambda line: None)

    def act() -> None:
        for reply in long_replies(5):
            log.exchanged(
                session, Entry("NOOP", b"", reply, reply, "upstream", "", True, False, 0.0, 0.0)
            )

    assert memory(act) < BOUND


def forms() -> Iterator[bytes]:
    """Yield look-alikes of the end of mail data, each of another form."""
    invisible = (b"\0", b" ", b"\t", b"\x0b")
    for around in product(invisible, repeat=9):
        yield b"\n%b.%b" % (b"".join(around[:4]), b"".join(around[4:]))


def test_forms_of_look_alikes_are_not_remembered_without_end() -> None:
    """A message may hold any number of them: beyond some, they are found no more."""
    scan = MailDataScan()
    lines = forms()
    found = []

    def act() -> None:
        for _ in range(20):
            found.append(len(scan.look(b"".join(islice(lines, 2000)))))

    assert memory(act) < BOUND
    assert sum(found) < 1000


def test_many_forms_of_one_kind_do_not_hide_another_kind() -> None:
    """Each name is found, however many forms of others were there before."""
    scan = MailDataScan()
    scan.look(b"".join(islice(forms(), 10_000)))
    assert [found.name for found in scan.look(b"\r\n.\n")] == ["look-alike-end"]


def test_a_look_alike_in_each_line_costs_little() -> None:
    """What was found before is not gathered again, whatever the segment holds."""
    scan = MailDataScan()
    assert memory(lambda: scan.look(b".\n" * 32768), peak=True) < BOUND


def test_early_replies_are_kept_up_to_a_bound() -> None:
    """They wait for the commands to come, unless there is too much of them."""
    queue = Pairing(State())

    def act() -> None:
        for reply in long_replies(200, LONG[:40_960]):
            queue.came_early(reply)

    assert memory(act) < BOUND // 2
    assert queue.take_early().wire.endswith(b"250 0\r\n")


def test_room_for_early_replies_comes_back() -> None:
    """What was taken makes room for others."""
    queue = Pairing(State())
    for reply in long_replies(20, LONG[:40_960]):
        queue.came_early(reply)
        assert queue.take_early() == reply
    assert not queue.early


def test_the_log_names_the_recipients_of_a_message_once() -> None:
    """Where each of many has a reply of its own (LMTP), naming all at each would be without end."""
    session = Session(1, "run-1", "192.0.2.7:40000", "sink:", 0.0)
    with_recipients(session.state, [b"u%d@example.net" % at for at in range(2000)])
    lines: list[bytes] = []
    log = JsonLog(lines.append)
    entry = Entry("END-OF-DATA", b"", None, None, "upstream", "", True, False, 0.0, 0.0, more=True)
    log.exchanged(session, entry)
    log.exchanged(session, structs.replace(entry, continues=True, recipient="u1@example.net"))
    first, second = map(len, lines)
    assert first > 2000 * 15
    assert second < 500


def with_recipients(state: State, recipients: list[bytes]) -> State:
    """Let a client be told 250 for each of these recipients."""
    state.observe("MAIL", Command("MAIL", b"MAIL FROM:<a@example.org>\r\n"), 250)
    for recipient in recipients:
        state.observe("RCPT", Command("RCPT", b"RCPT TO:<%b>\r\n" % recipient), 250)
    return state


def test_recipients_without_end_are_counted_and_not_all_remembered() -> None:
    """Where upstream accepts any number of them, their count is what grows."""
    state = State()
    number = 20_000
    recipients = [b"%0900d@example.net" % at for at in range(number)]
    assert memory(lambda: with_recipients(state, recipients)) < BOUND // 2
    assert state.recipients == number
    assert 200 < len(state.accepted) < number
    addresses = state.accepted_addresses()
    assert len(addresses) == number
    assert addresses[0] == recipients[0].decode()
    assert addresses[-1] == ""


def test_as_many_recipients_as_servers_take_are_all_remembered() -> None:
    """Two thousand of usual length are known by name, and forgotten with the transaction."""
    recipients = [b"u%d@example.net" % at for at in range(2000)]
    state = with_recipients(State(), recipients)
    expected = [recipient.decode() for recipient in recipients]
    assert [path.address for path in state.accepted] == expected
    assert state.accepted_addresses() == expected
    state = with_recipients(state, [b"b@example.net"])
    assert state.accepted_addresses() == ["b@example.net"]


def waiting() -> tuple[Relay, int]:
    """Return a relay whose client is not to be read any more, and how much it has sent by then."""
    relay = Relay(Heard(), lambda: 0.0)
    relay.connected()
    relay.upstream_received(b"220 ready\r\n")
    sent = 0
    while not relay.crowded:
        relay.client_received(SEGMENT)
        sent += len(SEGMENT)
    return relay, sent


def test_long_commands_in_flight_are_bounded_in_octets() -> None:
    """Upstream never answers: 256 KiB in flight are enough, also where they are few commands."""
    _, sent = waiting()
    assert sent <= DEFAULT_LIMITS.max_held + len(SEGMENT)


def test_a_client_is_read_again_once_its_long_commands_are_answered() -> None:
    """Replies make room again."""
    relay, sent = waiting()
    relay.upstream_received(b"250 ok\r\n" * (sent // len(COMMAND)))
    assert not relay.crowded
