"""Whatever the system refuses while a recording goes on: it is said, and nothing good is lost."""

import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smtpproxy.cassette.names import partial_of
from smtpproxy.cassette.partial import extent_of, load_unfinished
from smtpproxy.cassette.store import CassetteFile, load_cassette
from tests.cassette.killing import CALLS, LABELS, OLD, RECORDED, prepared, record


class Faults:
    """What the system refuses: the N-th call, or all from there on; a write is half done first."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int, lasting: bool) -> None:
        self._number = number
        self._lasting = lasting
        self._calls = itertools.count(1)
        self.refused = 0
        for name in CALLS:
            patch.setattr(os, name, self._faulty(name))

    def _faulty(self, name: str) -> Callable[..., Any]:
        real: Callable[..., Any] = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            at = next(self._calls)
            if at == self._number or (self._lasting and at > self._number):
                self.refused += 1
                if name == "write":
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **options)

        return call


def labels(path: Path) -> list[str]:
    """Return the labels of what can be read of a recording."""
    with path.open("rb") as file:
        extent = extent_of(file)
    if not extent.sessions:
        return []
    warnings: list[str] = []
    return [session.label for session in load_unfinished(path, warnings.append).sessions]


def faulty_run(path: Path, number: int, lasting: bool) -> tuple[bool, list[str]]:
    """Record; return whether anything was refused, and the problems that were told."""
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        faults = Faults(patch, number, lasting)
        try:
            record(path, 1, told.append)
        except OSError as error:
            assert error.strerror == "No space left on device"
            assert told == []  # it could not even begin, and is told by whoever began it
            told.append("problem at the start")
    return faults.refused > 0, [word for word in told if word.startswith("problem")]


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_what_is_refused_is_told_and_the_rest_is_kept(
    tmp_path: Path, again: bool, lasting: bool
) -> None:
    """At each call: the relay goes on, a loss is told, and no cassette is there with a hole."""
    for number in itertools.count(1):
        path = prepared(tmp_path / str(number), again)
        refused, problems = faulty_run(path, number, lasting)
        if not refused:
            break
        new = path.exists() and path.read_text() != OLD
        if new:
            assert [one.label for one in load_cassette(path).sessions] == LABELS
        else:
            assert problems, number
            assert path.exists() is again
        if partial_of(path).exists():
            found = [label for label in labels(partial_of(path)) if label != "earlier"]
            assert found == [label for label in LABELS if label in found]
        CassetteFile(path, "run-9", RECORDED).discard()  # nothing is locked
    assert number > 20


def test_a_loss_is_told_once(tmp_path: Path) -> None:
    """A disk that stays full is one line, and where the rest lies another."""
    path = prepared(tmp_path / "full", again=True)
    _, problems = faulty_run(path, 12, lasting=True)
    lost, left = problems
    assert lost == f"problem recording to {path} failed: No space left on device"
    assert left.startswith("problem the recording is incomplete; it lies in ")
