"""Lines on their way to a file."""

from __future__ import annotations

import errno
from io import BytesIO

from twisted.internet.task import Clock

from smtpproxy.net.linelog import LineLog


class Memory(BytesIO):
    """A file that is none."""

    def reopen(self) -> None:
        """There is nothing to open."""


class Full(Memory):
    """A file on a full disk."""

    def write(self, octets: object) -> int:
        """Take nothing."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_lines_are_gathered_and_then_written_in_order() -> None:
    """Lines wait a moment for others: soon after, all are in the file."""
    clock, file = Clock(), Memory()
    log = LineLog(file, clock)
    log.write(b"first\n")
    log.write(b"second\n")
    assert file.getvalue() == b""
    clock.advance(1)
    assert file.getvalue() == b"first\nsecond\n"
    log.write(b"third\n")
    clock.advance(1)
    assert file.getvalue() == b"first\nsecond\nthird\n"


def test_an_idle_log_has_no_timer() -> None:
    """Where nothing is written, nothing runs."""
    clock = Clock()
    log = LineLog(Memory(), clock)
    assert clock.getDelayedCalls() == []
    log.write(b"line\n")
    clock.advance(1)
    assert clock.getDelayedCalls() == []


def test_a_busy_log_does_not_grow() -> None:
    """Many lines are written without waiting: what is gathered is bounded."""
    file = Memory()
    log = LineLog(file, Clock())
    for _ in range(100):
        log.write(b"x" * 9999 + b"\n")
    assert len(file.getvalue()) > 900_000


def test_closing_writes_the_rest_and_leaves_the_file_open() -> None:
    """Nothing is lost at the end, no timer is left, and standard output is not ours to close."""
    clock, file = Clock(), Memory()
    log = LineLog(file, clock)
    log.write(b"last\n")
    log.close()
    assert file.getvalue() == b"last\n"
    assert clock.getDelayedCalls() == []
    assert not file.closed
    assert log.error == ""


def test_what_can_not_be_written_is_said_and_stops_nobody() -> None:
    """A full disk raises nothing: the first problem is kept in words."""
    clock = Clock()
    log = LineLog(Full(), clock)
    log.write(b"lost\n")
    clock.advance(1)
    assert "No space left on device" in log.error
    first = log.error
    log.write(b"lost, too\n")
    log.close()
    assert log.error == first


def test_a_file_that_was_closed_is_a_problem_like_others() -> None:
    """Whoever closes the file under it causes no exception."""
    clock, file = Clock(), Memory()
    log = LineLog(file, clock)
    file.close()
    log.write(b"lost\n")
    clock.advance(1)
    assert log.error != ""
