"""Faults on the client's side, through a session with fake transports and a fake clock."""

from __future__ import annotations

import pytest

from smtpproxy.net.session import LINGER
from tests.net.sessions import Conversation, greeted
from tests.net.test_late import wait
from tests.net.transports import Socket

HOURS = 3 * 3600
OK = b"250 2.1.0 Ok\r\n"


def asked(rule: str, command: bytes = b"MAIL FROM:<a@example.org>\r\n") -> Conversation:
    """Return a session whose client has sent a command that upstream accepts."""
    talk = greeted(rule)
    talk.client.receive(command)
    if talk.server.taken:
        talk.server.receive(OK * command.count(b"\r\n"))
    return talk


# What is said.


@pytest.mark.parametrize(
    ("rule", "heard"),
    [
        ("MAIL: {edit: {code: 451, text: Later}, upstream: forward}", b"451 4.1.0 Later\r\n"),
        ("MAIL: {edit: {replace: {/Ok/: Sure}}}", b"250 2.1.0 Sure\r\n"),
        ("MAIL: {malformed: bare-lf}", b"250 2.1.0 Ok\n"),
        ("MAIL: {malformed: wrong-class}", b"354 2.1.0 Ok\r\n"),
        ("MAIL: {malformed: code-only, reply: 451}", b"451\r\n"),
        (r"MAIL: {raw: 'x\0\xff\r'}", b"x\0\xff\r"),
        ("MAIL: {raw: {base64: eAA=}, reply: 250, upstream: none}", b"x\0"),
    ],
)
def test_the_client_hears_other_octets(rule: str, heard: bytes) -> None:
    """And the session goes on: the next command is answered as ever."""
    talk = asked(rule)
    assert talk.client.taken == heard
    talk.server.taken = b""
    talk.client.receive(b"NOOP\r\n")
    talk.server.receive(b"250 2.0.0 Ok\r\n")
    assert (talk.client.taken, talk.server.taken) == (heard + b"250 2.0.0 Ok\r\n", b"NOOP\r\n")


@pytest.mark.parametrize("code", [221, 421])
@pytest.mark.parametrize(
    "fault",
    [
        *("reply: {} Bye", "edit: {{code: {}, text: Bye, enhanced: none}}", r"raw: '{} Bye\r\n'"),
        *("reply: {} Bye, delay: 1 s", "reply: {} Bye, dribble: 1 ms"),
        *("reply: {} Bye, cut: {{at: crlf}}", "reply: {} Bye, coalesce: true"),
    ],
)
def test_a_goodbye_closes_whoever_says_it(fault: str, code: int) -> None:
    """RFC 5321 §4.2.3: behind 221 and 421 the connection is closed, once all of it is sent."""
    talk = asked(f"MAIL: {{{fault.format(code)}, upstream: forward}}")
    for _ in range(20):
        talk.clock.advance(1)
    talk.flow()
    assert talk.client.taken == f"{code} Bye\r\n".encode()
    assert (talk.client.ended, talk.heard.how) == ("closed", ["rule"])


def test_a_goodbye_that_is_edited_away_does_not_close() -> None:
    """The client hears no goodbye."""
    talk = greeted("MAIL: {edit: {code: 450}, upstream: forward}", "MAIL: 421 Bye")
    talk.client.receive(b"MAIL FROM:<a@example.org>\r\n")
    talk.flow()
    assert (talk.client.taken, talk.client.ended) == (b"450 Bye\r\n", "")


def test_an_edit_that_breaks_a_promise_ends_upstream() -> None:
    """Upstream waits for mail data that the client will never send."""
    talk = greeted("DATA: {edit: {code: 451}, upstream: forward}")
    talk.client.receive(b"DATA\r\n")
    talk.server.receive(b"354 Go ahead\r\n")
    talk.flow()
    assert talk.client.taken == b"451 Go ahead\r\n"
    assert (talk.server.ended, talk.server.taken) == ("closed", b"DATA\r\n")


# When it is said.


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        *(("2 s", 2, 2), ("{from: 1 s, to: 3 s}", 1, 3), ("{mean: 2 s, deviation: 0 s}", 2, 2)),
        ("{median: 1 s, p95: 1 s}", 1, 1),
    ],
)
def test_a_delay_lasts_as_long_as_it_is_drawn(value: str, least: float, most: float) -> None:
    """Not before, and not after."""
    talk = asked(f"MAIL: {{delay: {value}}}")
    talk.clock.advance(least - 0.01)
    assert talk.client.taken == b""
    talk.clock.advance(most - least + 0.02)
    assert talk.client.taken == OK


def test_a_dribble_sends_one_piece_at_a_time() -> None:
    """Each goes in its own turn of the reactor."""
    talk = asked("MAIL: {dribble: {octets: 4, every: 1 s}}")
    for seconds in range(4):
        assert talk.client.taken == OK[: 4 * (seconds + 1)]
        talk.clock.advance(1)
    assert talk.client.taken == OK


@pytest.mark.parametrize(
    ("then", "taken", "ended"),
    [("rest", OK, ""), ("drop", OK[:1], "closed"), ("reset", OK[:1], "aborted")],
)
def test_what_comes_behind_a_cut(then: str, taken: bytes, ended: str) -> None:
    """The pause lies between: nothing happens in it."""
    talk = asked(f"MAIL: {{cut: {{at: code, pause: 5 s, then: {then}}}}}")
    talk.clock.advance(4.9)
    talk.flow()
    assert (talk.client.taken, talk.client.ended) == (OK[:1], "")
    talk.clock.advance(0.2)
    talk.flow()
    assert (talk.client.taken, talk.client.ended) == (taken, ended)


def test_a_delayed_cut_is_whole_before_its_reset() -> None:
    """What is to be sent before the end is sent, also where it has to wait for its turn."""
    talk = asked("MAIL: {delay: 1 s, cut: {at: code, pause: 1 s, then: reset}}")
    talk.clock.advance(1)
    talk.clock.advance(1)
    talk.flow()
    assert (talk.client.taken, talk.client.ended) == (OK[:1], "aborted")


def test_replies_of_a_group_come_together() -> None:
    """They are held until the last command is answered, whatever delays are between."""
    talk = greeted("MAIL: {coalesce: true}", "RCPT: {delay: 3 s}")
    talk.client.receive(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nNOOP\r\n")
    for _ in range(3):
        assert talk.client.taken == b""
        talk.server.receive(OK)
    assert talk.client.taken == b""
    talk.clock.advance(3)
    assert talk.client.taken == 3 * OK
    talk.client.receive(b"NOOP\r\n")
    talk.server.receive(OK)
    assert talk.client.taken == 4 * OK


def test_replies_that_are_held_are_said_before_upstream_is_gone() -> None:
    """Nothing is kept for commands that nobody answers any more."""
    talk = greeted("MAIL: {coalesce: true}")
    talk.client.receive(b"MAIL FROM:<a@example.org>\r\nNOOP\r\n")
    talk.server.receive(OK)
    talk.server.peer_half_closes()
    talk.flow()
    assert (talk.client.taken, talk.client.ended) == (OK, "half-closed")


# Silence, and ends by half.


@pytest.mark.parametrize("stage", ["CONNECT", "MAIL"])
def test_silence_has_no_end(stage: str) -> None:
    """No timeout counts, what the client sends is read and forgotten, and upstream is closed."""
    talk = Conversation(f"{stage}: silence")
    if stage == "MAIL":
        talk.connect_upstream()
        talk.server.receive(b"220 mail.example.org\r\n")
        talk.client.receive(b"MAIL FROM:<a@example.org>\r\nNOOP\r\n")
        talk.flow()
        assert (talk.server.ended, talk.server.taken) == ("closed", b"")
    taken = talk.client.taken
    for _ in range(200):
        talk.client.receive(b"NOOP\r\n" * 1000)
    wait(talk, HOURS)
    talk.clock.advance(2 * LINGER)
    talk.flow()
    assert (talk.client.taken, talk.client.ended, talk.client.reading) == (taken, "", True)
    assert (talk.upstream.asked, talk.gone) == (0 if stage == "CONNECT" else 1, [])
    talk.client.peer_half_closes()
    talk.flow()
    assert (talk.heard.how, talk.gone) == (["client-drop"], [talk.session])


def test_silence_does_not_keep_the_proxy() -> None:
    """Told to stop, it closes, and says nothing."""
    talk = Conversation("CONNECT: silence")
    talk.session.shut_down("shutdown")
    talk.flow()
    assert (talk.client.ended, talk.client.taken) == ("closed", b"")
    assert talk.gone == [talk.session]


def test_silence_behind_a_client_that_has_ended() -> None:
    """Who says nothing more, and would hear nothing more, is not waited for."""
    talk = greeted("MAIL: {client: silence, upstream: forward}")
    talk.client.receive(b"MAIL FROM:<a@example.org>\r\n")
    talk.client.peer_half_closes()
    talk.server.receive(OK)
    talk.flow()
    assert (talk.client.ended, talk.gone) == ("closed", [talk.session])


def test_half_a_reply_and_then_silence() -> None:
    """The client waits for its other half."""
    talk = asked("MAIL: {cut: {at: crlf, pause: 1 s, then: silence}}")
    talk.flow()
    wait(talk, HOURS)
    assert (talk.client.taken, talk.client.ended) == (OK[:-1], "")
    assert talk.server.ended == "closed"


def test_a_half_close_leaves_the_way_to_upstream() -> None:
    """The client hears the end, and what it sends still arrives."""
    talk = asked("MAIL: half-close")
    talk.flow()
    assert (talk.client.taken, talk.client.ended) == (b"", "half-closed")
    talk.server.taken = b""
    talk.client.receive(b"RCPT TO:<b@example.net>\r\nDATA\r\n")
    talk.server.receive(OK + b"354 Go ahead\r\n")
    talk.client.receive(b"Hi.\r\n.\r\n")
    talk.server.receive(OK)
    talk.flow()
    assert talk.server.taken == b"RCPT TO:<b@example.net>\r\nDATA\r\nHi.\r\n.\r\n"
    assert talk.client.taken == b""
    assert [code for _, code in talk.heard.exchanges[1:]] == [None] * 4
    talk.client.peer_half_closes()
    talk.server.peer_half_closes()
    talk.flow()
    assert talk.gone == [talk.session]


@pytest.mark.parametrize(
    ("command", "said", "sent"),
    [
        (b"DATA\r\n", b"354 Go ahead\r\n", b"Hi.\r\n.\r\n"),
        (b"AUTH PLAIN\r\n", b"334 \r\n", b"AGJvYgB4\r\n"),
    ],
)
def test_a_half_close_does_not_hold_what_was_asked_for(
    command: bytes, said: bytes, sent: bytes
) -> None:
    """Upstream has asked for more, and gets it; its answer to that is nobody's either."""
    talk = greeted(f"{command[:4].decode()}: half-close")
    talk.client.receive(command)
    talk.server.receive(said)
    talk.server.taken = b""
    talk.client.receive(sent)
    assert talk.server.taken == sent
    talk.server.receive(b"250 Ok\r\n")
    talk.flow()
    assert "unsolicited-reply" not in dict(talk.heard.notes)
    assert "early-reply" not in dict(talk.heard.notes)


# What nobody asked for.

IDLE = "MAIL: {idle: {after: 5 s, reply: 421 4.4.2 Bye}}"


def test_an_idle_client_hears_421() -> None:
    """Five seconds behind the reply, and the connection closes."""
    talk = asked(IDLE)
    talk.clock.advance(4.9)
    assert talk.client.taken == OK
    talk.clock.advance(0.2)
    talk.flow()
    assert talk.client.taken == OK + b"421 4.4.2 Bye\r\n"
    assert (talk.client.ended, talk.heard.how) == ("closed", ["rule"])
    assert ("told-unasked", "") in talk.heard.notes


@pytest.mark.parametrize("octets", [b"NOOP\r\n", b"N"])
def test_who_is_not_idle_does_not_hear_it(octets: bytes) -> None:
    """Whatever the client sends keeps it from being said; the rule's next reply begins anew."""
    talk = asked(IDLE)
    talk.clock.advance(4.9)
    talk.client.receive(octets)
    talk.clock.advance(60)
    assert talk.client.taken == OK


def test_idleness_begins_when_the_reply_is_heard() -> None:
    """A reply that comes late is followed late."""
    talk = asked("MAIL: {delay: 3 s, idle: {after: 5 s, reply: 250 Hi}}")
    talk.clock.advance(3)
    talk.clock.advance(4.9)
    assert talk.client.taken == OK
    talk.clock.advance(0.2)
    assert talk.client.taken == OK + b"250 Hi\r\n"
    talk.clock.advance(60)
    talk.flow()
    assert (talk.client.taken, talk.client.ended) == (OK + b"250 Hi\r\n", "")


def test_a_time_that_is_over_does_not_end_the_next() -> None:
    """While a reply is late, no time runs that began behind an earlier one."""
    talk = asked("MAIL: {delay: 3 s, idle: {after: 5 s, reply: 421 Bye}}")
    talk.clock.advance(3)
    talk.clock.advance(4)
    talk.client.receive(b"MAIL FROM:<a@example.org>\r\n")
    talk.server.receive(OK)
    talk.clock.advance(3)
    talk.clock.advance(4.9)
    assert talk.client.taken == OK + OK
    talk.clock.advance(0.2)
    assert talk.client.taken == OK + OK + b"421 Bye\r\n"


def test_who_has_left_hears_nothing() -> None:
    """The session is over, and so is its time."""
    talk = asked(IDLE)
    talk.client.peer_resets()
    talk.flow()
    assert talk.gone == [talk.session]
    talk.clock.advance(60)
    assert talk.client.taken == OK


def test_it_asks_that_nobody_connects() -> None:
    """The session asks for it, and its own connection is reset."""
    talk = Conversation("CONNECT: {refuse: 30 s}")
    talk.flow()
    assert (talk.client.ended, talk.refused, talk.upstream.asked) == ("aborted", [30.0], 0)


# Slow lines.


def test_each_line_is_as_slow_as_its_rule_has_it() -> None:
    """A command is under way to upstream, and its answer to the client."""
    talk = Conversation("CONNECT: {latency: {to-client: 1 s, to-upstream: 2 s}}")
    talk.connect_upstream()
    talk.server.receive(b"220 mail.example.org\r\n")
    talk.flow()
    assert talk.client.taken == b""
    talk.clock.advance(1)
    talk.flow()
    assert talk.client.taken == b"220 mail.example.org\r\n"
    talk.client.receive(b"NOOP\r\n")
    talk.clock.advance(1.9)
    talk.flow()
    assert talk.server.taken == b""
    talk.clock.advance(0.1)
    talk.flow()
    assert talk.server.taken == b"NOOP\r\n"
    talk.server.receive(OK)
    talk.clock.advance(1)
    talk.flow()
    assert talk.client.taken == b"220 mail.example.org\r\n" + OK


def test_a_client_is_not_read_while_its_line_to_upstream_is_full() -> None:
    """It goes on when half of what is under way has arrived."""
    talk = greeted("CONNECT: {bandwidth: {to-upstream: 64 KiB/s}}")
    talk.client.receive(b"DATA\r\n")
    talk.clock.advance(1)
    talk.server.receive(b"354 Go\r\n")
    talk.client.receive((bytes(998) + b"\r\n") * 70)
    assert not talk.client.reading
    for _ in range(13):
        talk.clock.advance(0.05)
        talk.flow()
    assert talk.client.reading
    assert len(talk.server.taken) < 45_000


def test_another_upstream_is_as_far_away() -> None:
    """Where a cassette does not go on, the line to upstream is as slow as the one to that."""
    talk = greeted("CONNECT: {latency: {to-upstream: 1 s}}")
    talk.session.depart([])
    talk.server = Socket()
    talk.connect_upstream()
    talk.server.receive(b"220 other.example.org\r\n")
    talk.client.receive(b"NOOP\r\n")
    talk.flow()
    assert talk.server.taken == b""
    talk.clock.advance(1)
    talk.flow()
    assert talk.server.taken == b"NOOP\r\n"


def test_a_slow_line_outlives_its_sender_by_what_it_has() -> None:
    """A client that has said all may leave: its last octets arrive, however long that takes."""
    talk = greeted("CONNECT: {bandwidth: {to-upstream: 1 B/s}}")
    talk.client.receive(b"NOOP " + b"x" * 2 * int(LINGER) + b"\r\n")
    talk.client.peer_half_closes()
    for _ in range(2 * int(LINGER) + 8):
        talk.clock.advance(1)
        talk.flow()
    assert talk.server.taken.endswith(b"x\r\n")
    assert talk.server.ended == "half-closed"


def test_no_timer_is_left_of_slow_lines() -> None:
    """When both sides are gone nothing runs."""
    talk = greeted("CONNECT: {bandwidth: 1 B/s, latency: 10 s}")
    talk.client.receive(b"NOOP\r\n")
    talk.server.receive(OK)
    talk.client.peer_resets()
    talk.flow()
    assert talk.server.ended == "aborted"
    assert talk.gone == [talk.session]
    assert talk.clock.getDelayedCalls() == []
