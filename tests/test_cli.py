"""The command line, as a user meets it: refusals, help, version."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpproxy.cli import main
from smtpproxy.version import VERSION
from tests.programs import HOST, SERVE, SMTPPROXY, TWISTD, Outcome, call_all
from tests.recording import CASSETTE

WRONG_RULES = "smtpproxy-rules: 1\nrules:\n- name: greylist\n  RCTP: 450\n"
FILES = {"kept.yaml": CASSETTE, "rules.yaml": WRONG_RULES}

SINK = "--listen 0 --upstream sink:"
REPLAY = "--listen 0 --mode replay --cassette"
# What is asked of the service, and what the one line must have in it.
REFUSED = {
    "unknown mode": (f"{SINK} --mode repaly", ["'repaly'", "did you mean 'replay'?"]),
    "unknown option": ("--upstraem sink:", ["--upstraem", "did you mean '--upstream'?"]),
    "no endpoint": ("--upstream sink: --listen tcp:x:interface=127.0.0.1", ["listen", "tcp:x:"]),
    "remote": ("--upstream sink: --listen 0.0.0.0:0", ["127.0.0.1", "--allow-remote"]),
    "port in use": ("--listen PORT --mode replay --cassette kept.yaml", ["PORT", "in use"]),
    "port in use, record": (
        "--listen PORT --upstream sink: --mode record --cassette kept.yaml",
        ["PORT", "in use"],
    ),
    "missing cassette": (f"{REPLAY} missing.yaml", ["missing.yaml", "No such file"]),
    "unreadable cassette": (f"{REPLAY} folder", ["folder", "not a regular file"]),
    "wrong cassette": (f"{REPLAY} rules.yaml", ["rules.yaml:1:", "smtpproxy-cassette: 1"]),
    "missing rules": (f"{SINK} --rules missing.yaml", ["missing.yaml", "No such file"]),
    "unknown stage": (
        f"{SINK} --mode record --cassette kept.yaml --rules rules.yaml",
        ["rules.yaml:4:", "'greylist'", "'RCTP'", "did you mean 'RCPT'?"],
    ),
}
UNDER_TWISTD = ("unknown mode", "unknown option", "remote", "port in use", "missing cassette")
# The same of the tools, which need no reactor to refuse.
TOOLS_REFUSED: dict[str, tuple[list[str], list[str]]] = {
    "unknown command": (["sevre"], ["'sevre'", "did you mean 'serve'?"]),
    "show nothing": (["show"], ["cassette"]),
    "show what is not there": (["show", "missing.yaml"], ["missing.yaml", "No such file"]),
    "show rules": (["show", "rules.yaml"], ["rules.yaml:1:", "smtpproxy-cassette: 1"]),
    "lint nothing": (["lint"], ["cassette", "rule file"]),
    "unknown code": (["codes", "999"], ["'999'"]),
    "unknown verb": (["codes", "--command", "RCTP"], ["'RCTP'", "did you mean 'RCPT'?"]),
    "unknown option": (["show", "--plian", "kept.yaml"], ["--plian", "did you mean '--plain'?"]),
    "run nothing": (["run", "--upstream", "sink:"], ["--", "command"]),
    "run what is not there": (["run", "--", "no-such-program"], ["no-such-program"]),
    "set nothing": (["run", "--set", "EMAIL_PORT", "--", "true"], ["NAME=VALUE", "'EMAIL_PORT'"]),
}


class Refusals:
    """What became of all the calls, which were made in one folder."""

    def __init__(self, folder: Path, port: int, outcomes: dict[str, Outcome]) -> None:
        self.folder, self._port, self._outcomes = folder, port, outcomes

    def of(self, name: str) -> tuple[Outcome, list[str]]:
        """What became of a call, and what its one line should have in it."""
        expected = REFUSED[name.removeprefix("twistd, ")][1]
        return self._outcomes[name], [word.replace("PORT", str(self._port)) for word in expected]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusals]:
    """Every wrong call of the service, made beside an existing cassette and a port in use."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "folder").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        wrong = {
            name: words.replace("PORT", str(port)).split() for name, (words, _) in REFUSED.items()
        }
        calls = {name: (*SERVE, *words) for name, words in wrong.items()}
        calls |= {f"twistd, {name}": (*TWISTD, *wrong[name]) for name in UNDER_TWISTD}
        yield Refusals(folder, port, call_all(folder, calls))


@pytest.mark.parametrize("name", REFUSED)
def test_serve_refuses_in_one_line(refusals: Refusals, name: str) -> None:
    """What can't be used is told in one line, with the place and the way out, and status 2."""
    outcome, expected = refusals.of(name)
    assert outcome.err.startswith("smtpproxy: ")
    for word in expected:
        assert word in outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert outcome.out == ""
    assert outcome.status == 2


@pytest.mark.parametrize("name", UNDER_TWISTD)
def test_twistd_refuses_in_a_line_of_ours(refusals: Refusals, name: str) -> None:
    """Under twistd, whose log may surround it, there is our one line, no traceback, status 2."""
    outcome, expected = refusals.of(f"twistd, {name}")
    ours = [line for line in outcome.err.splitlines() if line.startswith("smtpproxy: ")]
    assert len(ours) == 1, ours
    for word in expected:
        assert word in ours[0]
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
    assert outcome.status == 2


def test_refusals_leave_files_as_they_were(refusals: Refusals) -> None:
    """A call that is refused changes no file, and leaves nothing beside them."""
    assert {path.name for path in refusals.folder.iterdir()} == {*FILES, "folder"}
    assert list((refusals.folder / "folder").iterdir()) == []
    for name, text in FILES.items():
        assert (refusals.folder / name).read_text() == text


@pytest.mark.parametrize("name", TOOLS_REFUSED)
def test_tools_refuse_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    """The tools refuse as the service does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.yaml").write_text(CASSETTE)
    (tmp_path / "rules.yaml").write_text(WRONG_RULES)
    words, expected = TOOLS_REFUSED[name]
    with pytest.raises(SystemExit) as ended:
        main(words)
    out, err = capfd.readouterr()
    assert err.startswith("smtpproxy: ")
    for word in expected:
        assert word in err
    assert err.count("\n") == 1, err
    assert out == ""
    assert ended.value.code == 2


def test_help_and_version(tmp_path: Path) -> None:
    """Help lists every tool, with examples; everything tells the same version."""
    outcomes = call_all(
        tmp_path,
        {
            "help": (*SMTPPROXY, "--help"),
            "nothing": SMTPPROXY,
            "help of serve": (*SERVE, "--help"),
            "version": (*SMTPPROXY, "--version"),
            "version of serve": (*SERVE, "--version"),
            "version of the plugin": (*TWISTD, "--version"),
        },
    )
    assert {(outcome.status, outcome.err) for outcome in outcomes.values()} == {(0, "")}
    for tool in ("serve", "run", "show", "lint", "codes", "config"):
        assert f"smtpproxy {tool}" in outcomes["help"].out
    assert outcomes["nothing"].out == outcomes["help"].out
    for option in ("--listen", "--upstream", "--mode", "--cassette", "Examples:"):
        assert option in outcomes["help of serve"].out
    for name in ("version", "version of serve", "version of the plugin"):
        assert outcomes[name].out == f"smtpproxy {VERSION}\n"


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    """`smtpproxy codes | head` ends in order: a broken pipe is no error."""
    command = ("sh", "-c", f"{SMTPPROXY[0]} codes | head -n 1")
    outcome = call_all(tmp_path, {"piped": command})["piped"]
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.count("\n") == 1


def test_a_mistake_of_our_own_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever goes wrong inside is told in one line, without a traceback, and status 2."""

    def broken(words: list[str]) -> int:
        raise RuntimeError("out of paper")

    monkeypatch.delenv("SMTPPROXY_DEBUG", raising=False)
    monkeypatch.setattr("smtpproxy.tools.show.show", broken)
    with pytest.raises(SystemExit) as ended:
        main(["show"])
    out, err = capfd.readouterr()
    assert (ended.value.code, out, err.count("\n")) == (2, "", 1)
    assert "out of paper" in err
