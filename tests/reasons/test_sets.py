"""The labelled replies themselves: complete, apart from one another, and each with its source."""

from __future__ import annotations

import re

import pytest

from tests.reasons.labelled import HELD_OUT, TUNING, Labelled, guide

_LINE = re.compile(r"[45][0-9]{2}[ -].*")


def test_there_are_enough_of_many_servers() -> None:
    """300 replies of at least 30 servers; 100 of them were never tuned with."""
    everything = [*HELD_OUT, *TUNING]
    assert len(HELD_OUT) >= 100
    assert len(everything) >= 300
    assert len({one.server for one in everything}) >= 30


@pytest.mark.parametrize("one", [*HELD_OUT, *TUNING], ids=lambda one: f"{one.server} {one.reason}")
def test_each_is_a_reply_with_a_reason_of_the_guide(one: Labelled) -> None:
    """Each line has a code and the right separator, and the page it was seen on is named."""
    *before, last = one.reply.split("\n")
    assert all(_LINE.fullmatch(line) and line[3] == "-" for line in before)
    assert _LINE.fullmatch(last)
    assert last[3] == " "
    assert one.reason in guide()
    assert one.source.startswith(("https://", "http://"))


def test_no_reply_stands_twice() -> None:
    """What rules were tuned with can't judge them."""
    texts = [one.reply for one in (*HELD_OUT, *TUNING)]
    assert len(texts) == len(set(texts))
