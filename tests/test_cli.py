"""The command line, as a user meets it: refusals, and the tools' own words."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpproxy.version import VERSION
from tests.programs import HOST, SMTPPROXY, TWISTD, Outcome, call, call_all
from tests.recording import CASSETTE

WRONG_RULES = "smtpproxy-rules: 1\nrules:\n- name: greylist\n  RCTP: 450\n"
TORN_CASSETTE = CASSETTE[: CASSETTE.index('"250 2.1.0')] + '"250 2.1.0\n'
WRONG_CONFIG = "upstream: 'sink:'\nlog-fromat: json\n"

SINK = "--upstream sink:"
REPLAY = "--mode replay --cassette"
# The words after `smtpproxy serve --listen 0`, and what the one line must have in it.
REFUSED = {
    "unknown mode": (f"{SINK} --mode repaly", ["'repaly'", "did you mean 'replay'?"]),
    "unknown log format": (f"{SINK} --log-format jsno", ["'jsno'", "did you mean 'json'?"]),
    "unknown option": ("--upstraem sink:", ["--upstraem", "did you mean 'upstream'?"]),
    "no value": ("--upstream", ["--upstream"]),
    "a word too many": (f"{SINK} relay", ["smtpproxy: "]),
    "no upstream": ("--mode relay", ["--upstream"]),
    "no cassette": (f"{SINK} --mode record", ["--cassette"]),
    "cassette in relay": (f"{SINK} --cassette kept.yaml", ["--mode", "record"]),
    "no seconds": (f"{SINK} --drain soon", ["--drain", "seconds", "'soon'"]),
    "unknown scheme": ("--upstream http://mail.example.org", ["--upstream", "smtp://HOST"]),
    "half an upstream": ("--upstream tcp:mail.example.org", ["--upstream", "port"]),
    "no place": (f"{SINK} --listen nowhere", ["--listen", "HOST:PORT", "'nowhere'"]),
    "no such port": (f"{SINK} --listen 65536", ["--listen", "65536", "65535"]),
    "no endpoint": (f"{SINK} --listen tcp:smtp:interface=127.0.0.1", ["tcp:smtp:"]),
    "remote": (f"{SINK} --listen 0.0.0.0:0", ["0.0.0.0:0", "127.0.0.1", "--allow-remote"]),
    "remote endpoint": (f"{SINK} --listen tcp:0", ["tcp:0", "127.0.0.1", "--allow-remote"]),
    "port in use": (f"{REPLAY} kept.yaml --listen PORT", [f"{HOST}:PORT", "in use"]),
    "port in use, record": (
        f"{SINK} --mode record --cassette kept.yaml --listen PORT",
        [f"{HOST}:PORT", "in use"],
    ),
    "missing cassette": (f"{REPLAY} missing.yaml", ["missing.yaml", "No such file"]),
    "a folder as cassette": (f"{REPLAY} folder", ["folder", "not a regular file"]),
    "wrong cassette": (f"{REPLAY} rules.yaml", ["rules.yaml:1:", "smtpproxy-cassette: 1"]),
    "torn cassette": (f"{REPLAY} torn.yaml", ["torn.yaml:"]),
    "torn cassette, once": (f"{SINK} --mode once --cassette torn.yaml", ["torn.yaml:"]),
    "recording nowhere": (
        f"{SINK} --mode record --cassette kept.yaml/new.yaml",
        ["kept.yaml"],
    ),
    "recording to a folder": (f"{SINK} --mode record --cassette folder", ["folder"]),
    "missing rules": (f"{SINK} --rules missing.yaml", ["missing.yaml", "No such file"]),
    "a folder as rules": (f"{SINK} --rules folder", ["folder", "not a regular file"]),
    "wrong rules": (f"{SINK} --rules kept.yaml", ["kept.yaml:1:", "smtpproxy-rules: 1"]),
    "unknown stage": (
        f"{SINK} --rules rules.yaml",
        ["rules.yaml:4:", "'greylist'", "'RCTP'", "did you mean 'RCPT'?"],
    ),
    "missing config": ("--config missing.yaml", ["missing.yaml", "No such file"]),
    "unknown key": (
        "--config config.yaml",
        ["config.yaml:2:", "'log-fromat'", "did you mean 'log-format'?"],
    ),
    "no place for the log": (f"{SINK} --log missing/log", ["missing/log", "No such file"]),
    "no place to be ready": (
        f"{SINK} --ready-file missing/ready",
        ["missing/ready", "No such file"],
    ),
}
# In whole, for what takes a word with blanks, and the tools beside serve.
TOOLS_REFUSED = {
    "unknown command": (["sevre"], ["'sevre'", "did you mean 'serve'?"]),
    "unknown stage in a rule": (
        ["serve", "--listen", "0", "--upstream", "sink:", "--rule", "RCTP: 550"],
        ["--rule", "'RCTP'", "did you mean 'RCPT'?"],
    ),
    "no reply in a rule": (
        ["serve", "--listen", "0", "--upstream", "sink:", "--rule", "RCPT 550"],
        ["--rule", "'RCPT 550'", "STAGE: REPLY"],
    ),
    "show nothing": (["show"], ["cassette"]),
    "show what is not there": (["show", "missing.yaml"], ["missing.yaml", "No such file"]),
    "show rules": (["show", "rules.yaml"], ["rules.yaml:1:", "smtpproxy-cassette: 1"]),
    "lint nothing": (["lint"], ["cassette", "rule file"]),
    "unknown code": (["codes", "999"], ["'999'"]),
    "unknown command of codes": (["codes", "--command", "RCTP"], ["'RCTP'", "'RCPT'?"]),
    "unknown option of show": (["show", "--plian", "kept.yaml"], ["--plian", "'plain'?"]),
    "run nothing": (["run", "--upstream", "sink:"], ["--", "command"]),
    "run what is not there": (
        ["run", "--upstream", "sink:", "--", "no-such-command"],
        ["no-such-command"],
    ),
    "set nothing": (
        ["run", "--upstream", "sink:", "--set", "EMAIL_PORT", "--", "true"],
        ["--set", "NAME=VALUE", "'EMAIL_PORT'"],
    ),
    "config of an unknown key": (
        ["config", "--config", "config.yaml"],
        ["config.yaml:2:", "did you mean 'log-format'?"],
    ),
}
UNDER_TWISTD = (
    "unknown mode",
    "unknown option",
    "remote",
    "port in use",
    "missing cassette",
    "unknown stage",
)
FILES = {
    "kept.yaml": CASSETTE,
    "torn.yaml": TORN_CASSETTE,
    "rules.yaml": WRONG_RULES,
    "config.yaml": WRONG_CONFIG,
}


class Refusals:
    """What became of all the calls, which were made in one folder."""

    def __init__(self, folder: Path, port: int, outcomes: dict[str, Outcome]) -> None:
        self.folder, self.port, self._outcomes = folder, port, outcomes

    def of(self, name: str) -> Outcome:
        """What became of a call."""
        return self._outcomes[name]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusals]:
    """Every wrong call, made beside an existing cassette and a port in use."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "folder").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        wrong = {
            name: words.replace("PORT", str(port)).split() for name, (words, _) in REFUSED.items()
        }
        calls = {
            name: [*SMTPPROXY, "serve", *([] if "--listen" in words else ["--listen", "0"]), *words]
            for name, words in wrong.items()
        }
        calls |= {f"twistd, {name}": [*TWISTD, *wrong[name]] for name in UNDER_TWISTD}
        calls |= {name: [*SMTPPROXY, *words] for name, (words, _) in TOOLS_REFUSED.items()}
        yield Refusals(folder, port, call_all(folder, calls))


def _insist_on_one_line(outcome: Outcome, expected: list[str]) -> None:
    assert outcome.err.startswith("smtpproxy: ")
    for word in expected:
        assert word in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""
    assert outcome.status == 2


@pytest.mark.parametrize("name", REFUSED)
def test_serve_refuses_in_one_line(refusals: Refusals, name: str) -> None:
    """What can't be used is told in one line, with the place and the way out, and status 2."""
    expected = [word.replace("PORT", str(refusals.port)) for word in REFUSED[name][1]]
    _insist_on_one_line(refusals.of(name), expected)


@pytest.mark.parametrize("name", TOOLS_REFUSED)
def test_tools_refuse_in_one_line(refusals: Refusals, name: str) -> None:
    """The other tools refuse as serve does."""
    _insist_on_one_line(refusals.of(name), TOOLS_REFUSED[name][1])


@pytest.mark.parametrize("name", UNDER_TWISTD)
def test_twistd_refuses_in_a_line_of_ours(refusals: Refusals, name: str) -> None:
    """Under twistd, whose log may surround it, there is our one line, no traceback, status 2."""
    outcome = refusals.of(f"twistd, {name}")
    ours = [line for line in outcome.err.splitlines() if line.startswith("smtpproxy: ")]
    assert len(ours) == 1
    for word in REFUSED[name][1]:
        assert word.replace("PORT", str(refusals.port)) in ours[0]
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
    assert outcome.status == 2


def test_refusals_leave_files_as_they_were(refusals: Refusals) -> None:
    """A call that is refused changes no file, and leaves nothing beside them."""
    assert {path.name for path in refusals.folder.iterdir()} == {*FILES, "folder"}
    assert list((refusals.folder / "folder").iterdir()) == []
    for name, text in FILES.items():
        assert (refusals.folder / name).read_text() == text


def test_help_and_version(tmp_path: Path) -> None:
    """Help lists every tool, with examples; everything tells the same version."""
    outcomes = call_all(
        tmp_path,
        {
            "help": [*SMTPPROXY, "--help"],
            "nothing": SMTPPROXY,
            "help of serve": [*SMTPPROXY, "serve", "--help"],
            "version": [*SMTPPROXY, "--version"],
            "version of serve": [*SMTPPROXY, "serve", "--version"],
            "version of the plugin": [*TWISTD, "--version"],
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


def test_an_environment_variable_is_refused_as_its_option(tmp_path: Path) -> None:
    """A wrong value is told from wherever it came."""
    outcome = call(
        tmp_path,
        [*SMTPPROXY, "serve", "--listen", "0"],
        {"SMTPPROXY_UPSTREAM": "sink:", "SMTPPROXY_MODE": "recrod"},
    )
    _insist_on_one_line(outcome, ["'recrod'", "did you mean 'record'?"])


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    """`smtpproxy codes | head` ends in order: a broken pipe is not an error of ours."""
    outcome = call(tmp_path, ["sh", "-c", f"{SMTPPROXY[0]} codes | head -n 1"])
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.count("\n") == 1
