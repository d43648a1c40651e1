"""`smtpproxy redact` cleans an old cassette, and its message files, whole or not at all."""

import hashlib
from pathlib import Path

import pytest

from smtpproxy.cassette.store import load_cassette
from smtpproxy.tools.redact import redact
from tests.hidden import ADDRESS, BODY, EVERYTHING, SUBJECT, traces

HEAD = "smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n"
MESSAGE = f"Subject: {SUBJECT}\r\n\r\n{BODY}\r\n".encode() * 10


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a cassette, its message files, and a redaction file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.d").mkdir()
    harmless = b"A: b\r\n\r\nxxx\r\n"
    items = f'- C: "MAIL FROM:<{ADDRESS}>"\n  S: "250 Ok"\n'
    for octets in (MESSAGE, harmless):
        name = f"{hashlib.sha256(octets).hexdigest()}.eml"
        (tmp_path / "a.d" / name).write_bytes(octets)
        items += f'- message: {{file: "{name}", octets: {len(octets)}}}\n  S: "250 Ok"\n'
    (tmp_path / "a.yaml").write_text(f"{HEAD}{items}ended: quit\n")
    (tmp_path / "redact.yaml").write_text(EVERYTHING)
    return tmp_path


def everything(folder: Path, name: str) -> str:
    """Return all that a cassette and its message files say."""
    files = sorted((folder / f"{name}.d").iterdir())
    texts = [path.read_text() for path in (folder / f"{name}.yaml", *files)]
    return "\n".join(texts)


def state(folder: Path) -> dict[str, bytes]:
    """Return all files' octets."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_in_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The old messages are gone, the new ones bear their hashes, and it is said what changed."""
    assert redact(["a.yaml", "--redact", "redact.yaml", "--in-place"]) == 0
    assert capsys.readouterr().out == "a.yaml: changed: commands 1, messages 1\n"
    assert traces(everything(folder, "a")) == []
    dialogue = load_cassette(folder / "a.yaml").sessions[0].dialogue
    kept = [one.kept for one in dialogue if one.kept is not None]
    assert {one.file for one in kept} == {path.name for path in (folder / "a.d").iterdir()}
    for one in kept:
        octets = (folder / "a.d" / one.file).read_bytes()
        assert one.file == f"{hashlib.sha256(octets).hexdigest()}.eml"
        assert one.size == len(octets)


def test_to_another_file(folder: Path) -> None:
    """The old cassette stays; the new one has all of its messages."""
    before = state(folder)
    assert redact(["a.yaml", "--redact", "redact.yaml", "-o", "b.yaml"]) == 0
    assert traces(everything(folder, "b")) == []
    assert len(list((folder / "b.d").iterdir())) == 2
    after = state(folder)
    assert {name: after[name] for name in before} == before


def test_check_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its status says whether something would change."""
    before = state(folder)
    assert redact(["a.yaml", "--redact", "redact.yaml", "--check"]) == 1
    assert capsys.readouterr().out == "a.yaml: would change: commands 1, messages 1\n"
    assert state(folder) == before
    assert redact(["a.yaml", "--redact", "redact.yaml", "--in-place"]) == 0
    before = state(folder)
    assert redact(["a.yaml", "--redact", "redact.yaml", "--check"]) == 0
    assert redact(["a.yaml", "--redact", "redact.yaml", "--in-place"]) == 0
    assert state(folder) == before
    assert capsys.readouterr().out.endswith("a.yaml: nothing to hide\n")


def test_credentials_alone(folder: Path) -> None:
    """Without a redaction file, they are what is hidden."""
    assert redact(["a.yaml", "--check"]) == 0
    text = (folder / "a.yaml").read_text()
    (folder / "a.yaml").write_text(text.replace("ended:", '- C: "AUTH PLAIN AGEAYg=="\nended:'))
    assert redact(["a.yaml", "-i"]) == 0
    assert '- C: "AUTH PLAIN [redacted]"\n' in (folder / "a.yaml").read_text()
    assert ADDRESS in (folder / "a.yaml").read_text()


@pytest.mark.parametrize("harm", ["missing", "link", "not a cassette", "no rules", "folder"])
def test_what_goes_wrong_leaves_all_as_it_was(
    folder: Path, harm: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is half done: the cassette and its messages stay, and one line says why."""
    first = next(path for path in (folder / "a.d").iterdir() if path.read_bytes() != MESSAGE)
    words = ["a.yaml", "--redact", "redact.yaml", "-o", "b.yaml"]
    if harm in ("missing", "link"):
        first.rename(folder / "elsewhere")
    if harm == "link":
        first.symlink_to(folder / "elsewhere")
    if harm == "not a cassette":
        words[0] = "redact.yaml"
    if harm == "no rules":
        words[2] = "a.yaml"
    if harm == "folder":
        (folder / "b.yaml").mkdir()
    before = state(folder)
    assert redact(words) == 2
    assert state(folder) == before
    error = capfd.readouterr().err
    assert error.startswith("smtpproxy: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a.yaml"],
        ["a.yaml", "--check", "--in-place"],
        ["a.yaml", "--output", "b", "-c"],
        ["no.yaml", "--check"],
    ],
)
def test_wrong_usage(words: list[str], folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Status 2, and one line."""
    assert redact(words) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_an_unknown_option(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The nearest right one is named."""
    with pytest.raises(SystemExit):
        redact(["a.yaml", "--in-plce"])
    assert "did you mean '--in-place'?" in capfd.readouterr().err
