"""Imports point down only: the core comes without Twisted, and without YAML where no file is read.

Each module is imported in one fresh interpreter, after the others of its kind; the first to bring
what it must not is named.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import smtpproxy

ROOT = Path(smtpproxy.__file__).parent

#: Where effects happen, and where all is put together: only there Twisted may come along.
SHELL = ("net", "tools", "tap", "cli", "options", "pytest_plugin", "__main__")
#: Those who read files, and so may read YAML.
READERS = {
    "smtpproxy.documents",
    "smtpproxy.private.redactionrules",
    "smtpproxy.settings",
    "smtpproxy.modes",
    "smtpproxy.rules.examining",
    "smtpproxy.rules.inforce",
    "smtpproxy.rules.load",
    "smtpproxy.rules.presets",
    "smtpproxy.rules.schema",
    "smtpproxy.cassette.acting",
    "smtpproxy.cassette.chunklines",
    "smtpproxy.cassette.comparing",
    "smtpproxy.cassette.contents",
    "smtpproxy.cassette.deriving",
    "smtpproxy.cassette.cleaning",
    "smtpproxy.cassette.encrypted",
    "smtpproxy.cassette.messagefile",
    "smtpproxy.cassette.exporting",
    "smtpproxy.cassette.merging",
    "smtpproxy.cassette.messages",
    "smtpproxy.cassette.overheard",
    "smtpproxy.cassette.pruning",
    "smtpproxy.cassette.partial",
    "smtpproxy.cassette.matchwords",
    "smtpproxy.cassette.read",
    "smtpproxy.cassette.recovery",
    "smtpproxy.cassette.scalars",
    "smtpproxy.cassette.schema",
    "smtpproxy.cassette.script",
    "smtpproxy.cassette.store",
    "smtpproxy.cassette.versions",
}
#: Those who write what the readers read, and share with them how a scalar is written.
WRITERS = {
    f"smtpproxy.cassette.{name}" for name in ("advice", "appending", "recorder", "tape", "write")
}
#: What the core is at the least; a module that is new is of the core unless it is of the shell.
CORE_PARTS = (
    *("smtp", "codes", "classify", "relay", "replay", "responder", "sink", "rules", "faults"),
    *("cassette", "transcript", "auth.redaction", "log", "statistics"),
)
#: Packages that the core does without.
EFFECTS = {"twisted", "zope", "OpenSSL", "cryptography", "service_identity"}
#: Modules of the standard library that Windows does not have.
UNIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}

_IMPORT_ALL = """
import importlib, json, sys
names, brought = json.loads(sys.argv[1]), {}
for name in names:
    before = set(sys.modules)
    importlib.import_module(name)
    brought[name] = sorted({new.partition(".")[0] for new in set(sys.modules) - before})
print(json.dumps(brought))
"""


def brought_along(names: Iterable[str]) -> dict[str, set[str]]:
    """Import modules in a fresh interpreter; return what top-level packages each was first with."""
    ran = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, json.dumps(list(names))],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name: set(tops) for name, tops in json.loads(ran.stdout).items()}


def culprits(names: Iterable[str], *forbidden: str) -> dict[str, set[str]]:
    """Return the modules that came with what is forbidden, and with what."""
    found = {name: tops & set(forbidden) for name, tops in brought_along(names).items()}
    return {name: tops for name, tops in found.items() if tops}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield each module of the package, with its file."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), path


def imported_by(path: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports by a relative name"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


FILES = dict(modules())
CORE = [name for name in FILES if name.split(".")[1:2] not in [[word] for word in SHELL]]
PROTOCOL = [name for name in FILES if name.startswith("smtpproxy.smtp")]


def test_all_of_the_core_is_looked_at() -> None:
    """No part of the core escapes these tests by having moved."""
    assert set(CORE) >= READERS | WRITERS
    for part in CORE_PARTS:
        name = f"smtpproxy.{part}"
        assert any(found == name or found.startswith(f"{name}.") for found in CORE), part


def test_the_core_comes_without_effects() -> None:
    """No module of the core brings Twisted along, nor what encrypts or signs."""
    assert culprits(CORE, *EFFECTS) == {}


def test_the_shell_does_bring_them() -> None:
    """The test above can fail: all of them come with what begins TLS."""
    assert culprits(["smtpproxy.net.tlscontexts"], *EFFECTS).popitem()[1] == EFFECTS


def test_yaml_comes_only_where_files_are_read() -> None:
    """No module brings YAML along, but those who read files, or write what is read."""
    assert culprits([name for name in CORE if name not in READERS | WRITERS], "yaml", "_yaml") == {}


def test_readers_do_bring_yaml() -> None:
    """The test above can fail: it sees what comes along."""
    assert list(culprits(["smtpproxy.smtp.facts", "smtpproxy.documents"], "yaml")) == [
        "smtpproxy.documents"
    ]


def test_the_protocol_needs_the_standard_library_alone() -> None:
    """smtpproxy.smtp brings nothing along but itself and the standard library."""
    tops = set().union(*brought_along(PROTOCOL).values())
    assert tops - sys.stdlib_module_names == {"smtpproxy"}


@pytest.mark.parametrize("name", PROTOCOL)
def test_the_protocol_knows_nothing_above_it(name: str) -> None:
    """A module of smtpproxy.smtp imports nothing of smtpproxy outside of it."""
    ours = {found for found in imported_by(FILES[name]) if found.startswith("smtpproxy")}
    assert all(found.startswith("smtpproxy.smtp.") for found in ours), ours


@pytest.mark.parametrize("name", [name for name in CORE if name != "smtpproxy.documents"])
def test_only_documents_imports_yaml(name: str) -> None:
    """There is one use of a YAML library, and it is the safe one."""
    assert not {found for found in imported_by(FILES[name]) if found.split(".")[0] == "yaml"}


@pytest.mark.parametrize("name", CORE)
def test_the_core_does_not_import_the_shell(name: str) -> None:
    """Imports point down only: from the shell to the core, never back, not even in a function."""
    shell = {f"smtpproxy.{word}" for word in SHELL}
    found = {".".join(word.split(".")[:2]) for word in imported_by(FILES[name])}
    assert found & shell == set()
    assert {word.split(".")[0] for word in found} & EFFECTS == set()


def test_what_windows_lacks_stands_in_one_module() -> None:
    """No other module imports what only Unix has, and that one does without where it must."""
    found = {
        name: lacking for name, path in FILES.items() if (lacking := imported_by(path) & UNIX_ONLY)
    }
    assert found == {"smtpproxy.net.filelimit": {"resource"}, "smtpproxy.cassette.lock": {"fcntl"}}
