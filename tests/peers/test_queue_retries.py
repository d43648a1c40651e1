"""A Postfix that tries again by itself, as one does that nobody flushes, and then gives up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.queue_fates import Row, bounced, kept
from tests.peers.queue_play import look
from tests.peers.queue_postfix import POLL_SECONDS, QueueingPostfix, run_queueing_postfix
from tests.peers.queue_stage import put_in, staged, take_back
from tests.peers.queue_words import BOB
from tests.peers.smtp_sink import SmtpSink

pytestmark = pytest.mark.peer("postfix")

SECONDS = 30.0
EAGER = """
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
"""
SHORT_LIVED = """
maximal_queue_lifetime = 2s
"""


@pytest.fixture
def eager_postfix() -> Iterator[QueueingPostfix]:
    """A Postfix that tries again each second."""
    with run_queueing_postfix(settings=EAGER) as postfix:
        yield postfix


@pytest.fixture
def short_lived_postfix() -> Iterator[QueueingPostfix]:
    """One that soon gives up, too."""
    with run_queueing_postfix(settings=EAGER + SHORT_LIVED) as postfix:
        yield postfix


def _await_tries(postfix: QueueingPostfix, identity: str, count: int) -> None:
    """Wait until a delivery was tried so often."""
    deadline = time.monotonic() + SECONDS
    while postfix.tries(identity) < count:
        assert time.monotonic() < deadline, postfix.queued()
        time.sleep(POLL_SECONDS)


def test_postfix_tries_again(
    eager_postfix: QueueingPostfix, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    """What is put off is tried until the rule is gone, and arrives once."""
    row = Row("put off", 'RCPT: "450 4.7.1 Later"', ({BOB: kept("450 4.7.1 Later")},))
    with staged([row], {"smtp": smtp_sink}, tmp_path) as stages:
        put_in(stages, eager_postfix, {})
        (letter,) = stages[0].letters
        _await_tries(eager_postfix, letter.identity, 3)
        assert look([letter], eager_postfix, [smtp_sink]).copies == {}
        take_back(stages)
        eager_postfix.await_empty()
    seen = look([letter], eager_postfix, [smtp_sink])
    assert seen.copies == {(letter.sender, BOB): 1}
    assert seen.bounces == {}


def test_postfix_gives_up(
    short_lived_postfix: QueueingPostfix, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    """What is put off for too long bounces, with the enhanced code that it was put off with."""
    row = Row("put off for ever", 'RCPT: "450 4.7.1 Later"', ({BOB: bounced("4.7.1")},))
    with staged([row], {"smtp": smtp_sink}, tmp_path) as stages:
        put_in(stages, short_lived_postfix, {})
        (letter,) = stages[0].letters
        _await_tries(short_lived_postfix, letter.identity, 2)
        short_lived_postfix.await_empty()
    seen = look([letter], short_lived_postfix, [smtp_sink])
    assert seen.bounces == {(letter.sender, BOB): "4.7.1"}
    assert seen.copies == {}
