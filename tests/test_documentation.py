"""What README and docs show is true: their commands run, and their YAML can be read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from smtpproxy.cassette.conduct import CONDUCT
from smtpproxy.cassette.model import MAGIC as CASSETTE
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.store import load_cassette
from smtpproxy.documents import read_documents
from smtpproxy.private.redactionrules import MAGIC as REDACTION
from smtpproxy.private.redactionrules import read_privacy
from smtpproxy.rules.examining import problems
from smtpproxy.rules.load import MAGIC as RULES
from smtpproxy.rules.load import read_rules
from smtpproxy.settings import settle
from tests.programs import BIN, environment

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "bench").glob("*.md")])
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [text for found, text in _BLOCK.findall(page.read_text("utf-8")) if found == language]


YAML = [(page.name, text) for page in PAGES for text in blocks(page, "yaml")]


@pytest.mark.parametrize(("name", "text"), YAML, ids=[f"{n}-{i}" for i, (n, _) in enumerate(YAML)])
def test_yaml_in_the_documentation_can_be_read(name: str, text: str, tmp_path: Path) -> None:
    """Each block is a cassette, or a file of rules, redaction or options, without a mistake."""
    octets = text.encode()
    if text.startswith(CASSETTE):
        assert read_cassette(octets, name).sessions
    elif text.startswith(RULES):
        assert read_rules(octets, name)
        assert not list(problems(octets, name))  # each rule can fire
    elif text.startswith(REDACTION):
        assert read_privacy(octets, name).of_mail
    else:
        config = tmp_path / "config.yaml"
        config.write_bytes(octets)
        assert settle({"config": (str(config),)}, {}).text("upstream")
        assert len(list(read_documents(octets, name))) == 1


def test_there_is_yaml_in_the_documentation() -> None:
    """The test above has something to read."""
    assert len(YAML) >= 5


def _run(commands: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run commands as a user would who pastes them."""
    variables = environment() | {"PATH": f"{BIN}:/usr/bin:/bin"}
    return subprocess.run(
        ["sh", "-c", "set -eux\n" + "".join(commands)],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_tools_commands_run(tmp_path: Path) -> None:
    """What the page about cassettes shows of the tools can be pasted, one after the other."""
    shutil.copytree(ROOT / "cassettes", tmp_path / "cassettes")
    ran = _run(blocks(ROOT / "docs" / "cassettes.md", "sh"), tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "they differ" in ran.stdout.splitlines()
    assert len(list((tmp_path / "mails").iterdir())) == 2
    assert [one.label for one in load_cassette(tmp_path / "all.yaml").sessions] == ["2"]
    assert len(list((tmp_path / "faults").iterdir())) > 20


def test_what_lint_tells_is_listed() -> None:
    """Each name that lint can tell of a dialogue is explained on the page about cassettes."""
    page = (ROOT / "docs" / "cassettes.md").read_text()
    assert [name for name, told in CONDUCT.items() if f"| `{name}` | {told} |" not in page] == []


def test_the_readmes_commands_run(tmp_path: Path) -> None:
    """Record, show, replay and refuse, as pasted from the README, do what it says."""
    readme = ROOT / "README.md"
    (program,) = blocks(readme, "python")
    (tmp_path / "signup.py").write_text(program)
    install, *commands = blocks(readme, "sh")
    assert install == "pip install .\n"  # test_packaging installs it
    ran = _run(commands, tmp_path)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.startswith("refused:")][:2] == ["refused: {}"] * 2
    expected = re.search(r"The last prints `(.*?)`", readme.read_text())
    assert expected is not None
    assert lines[-1] == expected[1]
    assert "C: rcpt TO:<carol@example.net>" in lines


def test_the_readme_names_every_page() -> None:
    """Each page of the documentation is found from the README."""
    readme = (ROOT / "README.md").read_text()
    missing = [p.name for p in PAGES if p.name != "README.md" and f"docs/{p.name}" not in readme]
    assert missing == []
