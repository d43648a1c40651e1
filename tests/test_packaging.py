"""What is installed: the plugin is in the wheel, twistd finds it, and there is one version."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from email.parser import Parser
from pathlib import Path

import pytest

from smtpproxy import __version__
from smtpproxy.version import VERSION
from tests.programs import call_all

TREE = Path(__file__).parent.parent
# What a distribution is made of.
SOURCES = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", "smtpproxy", "twisted")
PLUGIN = "twisted/plugins/smtpproxy_plugin.py"
SECONDS = 60
TWISTD = "from twisted.scripts.twistd import run; run()"


def _do(*words: str | Path, folder: Path) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Environment:
    """A fresh virtual environment. What is installed beside this process's project is there."""

    def __init__(self, folder: Path) -> None:
        # pip is this environment's own, told to work for the new one: that is quicker.
        _do(sys.executable, "-m", "venv", "--without-pip", folder.name, folder=folder.parent)
        self.python = folder / "bin" / "python"
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def install(self, *words: str | Path, folder: Path) -> None:
        """Install the project by pip, and nothing else; no network is needed."""
        pip = (sys.executable, "-m", "pip", "--python", self.python)
        quick = ("--no-deps", "--no-index", "--no-build-isolation", "--no-compile")
        # The project of the other environment is in sight, and to be left alone.
        _do(*pip, "install", "--ignore-installed", *quick, *words, folder=folder)

    def calls(self) -> dict[str, Sequence[str]]:
        """How to ask what is installed."""
        python = str(self.python)
        where = "import smtpproxy; print(smtpproxy.__file__)"
        return {
            "twistd": (python, "-c", TWISTD, "--help"),
            "plugin": (python, "-c", TWISTD, "smtpproxy", "--version"),
            "script": (str(self.python.with_name("smtpproxy")), "--version"),
            "where": (python, "-c", where),
        }


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources: building leaves traces."""
    folder = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        source = TREE / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "dropin.cache")
            shutil.copytree(source, folder / name, ignore=ignore)
        elif source.exists():
            shutil.copy(source, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(tree: Path) -> Path:
    """The wheel that is built from the sources."""
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check")
    _do(*build, "--outdir", "dist", ".", folder=tree)
    (built,) = (tree / "dist").iterdir()
    return built


def test_the_wheel_holds_the_plugin(wheel: Path) -> None:
    """The plugin is there, and nothing that would hide Twisted itself."""
    names = zipfile.ZipFile(wheel).namelist()
    assert PLUGIN in names
    assert "twisted/__init__.py" not in names
    assert "twisted/plugins/__init__.py" not in names
    assert "smtpproxy/py.typed" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"smtpproxy", "twisted", f"smtpproxy-{VERSION}.dist-info"}


def test_the_wheel_holds_every_module(wheel: Path, tree: Path) -> None:
    """No module and no package is left behind."""
    modules = {str(path.relative_to(tree)) for path in (tree / "smtpproxy").rglob("*.py")}
    assert modules <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_every_preset(wheel: Path, tree: Path) -> None:
    """No shipped rule file is left behind."""
    presets = {str(path.relative_to(tree)) for path in (tree / "smtpproxy/presets").iterdir()}
    assert presets
    assert presets <= set(zipfile.ZipFile(wheel).namelist())


def test_the_version_is_the_same_everywhere(wheel: Path) -> None:
    """Package, wheel and its metadata name the one release."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"smtpproxy-{VERSION}.dist-info/METADATA").decode()
    metadata = Parser().parsestr(text)
    assert __version__ == VERSION
    assert wheel.name.split("-")[1] == VERSION
    assert metadata["Version"] == VERSION
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_what_is_needed_is_declared(wheel: Path) -> None:
    """Installing it brings what it imports, and asks for a Python that it runs on."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"smtpproxy-{VERSION}.dist-info/METADATA").decode()
    metadata = Parser().parsestr(text)
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = {re.split(r"[^\w-]", line)[0].lower() for line in needed}
    assert names == {"twisted", "pyyaml", "msgspec", "google-re2", "rich"}
    assert metadata["Requires-Python"] == ">=3.11"


def test_installed_twistd_shows_the_plugin(wheel: Path, tree: Path, tmp_path: Path) -> None:
    """A plain install and an editable one both make `twistd smtpproxy` and `smtpproxy`."""
    plain, editable = Environment(tmp_path / "plain"), Environment(tmp_path / "editable")
    with ThreadPoolExecutor(2) as pool:
        both = (
            pool.submit(plain.install, wheel, folder=tmp_path),
            pool.submit(editable.install, "--editable", tree, folder=tmp_path),
        )
        for installed in both:
            installed.result()
    calls = {f"plain {name}": words for name, words in plain.calls().items()}
    calls |= {f"editable {name}": words for name, words in editable.calls().items()}
    outcomes = call_all(tmp_path, calls)
    assert {outcome.status for outcome in outcomes.values()} == {0}, outcomes
    for kind, home in (("plain", tmp_path / "plain"), ("editable", tree)):
        commands = outcomes[f"{kind} twistd"].out
        assert re.search(r"^ +smtpproxy +A recording and replaying SMTP proxy", commands, re.M)
        assert outcomes[f"{kind} plugin"].out == f"smtpproxy {VERSION}\n"
        assert outcomes[f"{kind} script"].out == f"smtpproxy {VERSION}\n"
        assert Path(outcomes[f"{kind} where"].out.strip()).is_relative_to(home)
