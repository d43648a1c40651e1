"""What a run does with its cassette, and what it leaves where it can't begin."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from smtpproxy.cassette.lock import LockedError, hold
from smtpproxy.cassette.matching import STRICT
from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.store import load_cassette
from smtpproxy.net import shelf
from smtpproxy.net.local import LocalUpstream
from smtpproxy.settings import OPTIONS
from smtpproxy.tap import Proxy, build
from smtpproxy.transcript import Note
from tests.observed import a_session
from tests.recording import CASSETTE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a cassette; no option comes from the environment."""
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CASSETTE)
    return tmp_path


def a_proxy(mode: str, **options: str) -> Proxy:
    """A proxy of one mode, with the built-in server behind it."""
    given = {"mode": mode, "cassette": "c.yaml", "upstream": "sink:", "log": "none"} | options
    words = {name.replace("_", "-"): (value,) for name, value in given.items()}
    return build(MemoryReactorClock(), words, quiet=True)


def test_a_cassette_that_grows_is_read_once_it_is_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another run might add sessions in between, and two would bear one label."""
    held: list[bool] = []

    def load(path: Path) -> Cassette:
        try:
            hold(folder / "c.yaml.partial", make=False)
        except LockedError:
            held.append(True)
        except FileNotFoundError:
            held.append(False)
        return load_cassette(path)

    monkeypatch.setattr(shelf, "load_cassette", load)
    proxy = a_proxy("append")
    assert held == [True]
    proxy.service.stop()


@pytest.mark.parametrize(
    "options", [{"match": "verb,mesage"}, {"log": "missing/log"}, {"cassette": "torn.yaml"}]
)
def test_a_run_that_can_not_begin_leaves_nothing(folder: Path, options: dict[str, str]) -> None:
    """The next one would take it for a recording that broke off."""
    (folder / "torn.yaml").write_text(CASSETTE[:-9] + '"')
    before = sorted(folder.iterdir())
    with pytest.raises(SystemExit):
        a_proxy("append", **options)
    assert sorted(folder.iterdir()) == before


def test_the_log_hears_what_is_lost_of_a_cassette_that_grows(
    folder: Path,
) -> None:
    """As it does where one is recorded."""
    proxy = a_proxy("append", log="all.log")
    recorder: Any = proxy._shelf.recorder if proxy._shelf is not None else None
    session = a_session()
    recorder.noted(session, Note("departed", "", b"", 0.0))
    recorder._lose(OSError(28, "No space left on device"), session)
    proxy.service.stop()
    assert "recording-failed" in (folder / "all.log").read_text()


@pytest.mark.parametrize(
    ("header", "option", "strict"),
    [("", "", False), ("strict", "", True), ("strict", "any", False), ("any", "strict", True)],
)
def test_the_option_wins_over_the_cassette(
    folder: Path, header: str, option: str, strict: bool
) -> None:
    """`--order` says how it is replayed, else the cassette, else any transaction fits."""
    said = f"\norder: {header}\n---\n" if header else "\n---\n"
    (folder / "c.yaml").write_text(CASSETTE.replace("\n---\n", said, 1))
    proxy = a_proxy("replay", report="report.json", **({"order": option} if option else {}))
    player: Any = proxy._reporting.source if proxy._reporting is not None else None
    assert (player.tree.order == STRICT) is strict
    proxy.service.stop()


@pytest.mark.parametrize("mode", ["replay", "append"])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"order": "strickt"}, "--order: expected any or strict, got 'strickt'"),
        ({"pace": "slow"}, "--pace: expected none, recorded, or how many times as fast"),
    ],
)
def test_a_word_that_is_none_is_told(
    mode: str, options: dict[str, str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """In one line, before anything listens."""
    with pytest.raises(SystemExit) as ended:
        a_proxy(mode, **options)
    assert ended.value.code == 2
    assert told in capfd.readouterr().err


@pytest.mark.parametrize(("pace", "late"), [("none", False), ("x2", True)])
def test_replies_are_late_where_that_is_asked_for(pace: str, late: bool) -> None:
    """Else nobody keeps the time."""
    proxy = a_proxy("replay", pace=pace)
    upstream = proxy._make_upstream("replay", proxy._shelf)("1")
    assert isinstance(upstream, LocalUpstream)
    assert (upstream._clock is not None) is late
    proxy.service.stop()


@pytest.mark.parametrize("listens", [True, False])
def test_a_comparison_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    """Not even one that could not listen: what upstream said is nobody's but this run's."""
    temporary = folder / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    proxy = a_proxy("diff")
    assert list(temporary.iterdir())
    if not listens:
        proxy.service.status = 2
    proxy.service.stop()
    del proxy
    gc.collect()
    assert list(temporary.iterdir()) == []
