"""Several cassettes become one that holds all of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from smtpproxy.cassette.merging import copy_messages, merged
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.script import Script, load_script
from smtpproxy.documents import DocumentError
from tests.cassette.dialogues import cassette_text

A = "S: 220 a\nC: QUIT\nS: 221 Bye"
B = "S: 220 b\nC: QUIT\nS: 221 Bye"
LARGE = b"large\r\n"
NAME = hashlib.sha256(LARGE).hexdigest() + ".eml"
WITH_FILE = (
    'smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n- S: "220 Hi"\n'
    f'- message: {{file: "{NAME}", octets: 7}}\n  S: "250 Ok"\n'
)


def script(text: str, source: str) -> Script:
    """Return the script of a text."""
    return Script(text.encode(), source)


def test_all_sessions_are_there() -> None:
    """In order, with labels that are unique, and what else they hold as it was."""
    noted = cassette_text(B).replace("ended:", "note: mine  # stays\nended:")
    scripts = [script(cassette_text(A, B), "a.yaml"), script(noted, "b.yaml")]
    octets = merged(scripts, Path("all.yaml"))
    sessions = read_cassette(octets, "all.yaml").sessions
    assert [session.label for session in sessions] == ["1", "2", "3"]
    greetings = [session.dialogue[0].said for session in sessions]
    assert greetings == [(b"220 a\r\n",), (b"220 b\r\n",), (b"220 b\r\n",)]
    assert b"note: mine  # stays\n" in octets
    assert b"# from b.yaml, tcp:mail.example.org:25\n---\n" in octets


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("a", "a", "a"), ["a", "a-2", "a-3"]),
        (("1", "3", "1"), ["1", "3", "4"]),
        (("a", "a-2", "a"), ["a", "a-2", "a-3"]),
    ],
)
def test_labels_are_unique(labels: tuple[str, ...], expected: list[str]) -> None:
    """A label that is taken becomes another one of its kind."""
    texts = [cassette_text(A).replace("session: 1", f"session: {label}") for label in labels]
    octets = merged([script(text, "x.yaml") for text in texts], Path("all.yaml"))
    assert [one.label for one in read_cassette(octets, "all.yaml").sessions] == expected


def test_a_strangers_header_is_no_yaml_of_ours() -> None:
    """What is told of an origin can't end its comment."""
    bad = cassette_text(B).replace("tcp:mail.example.org:25", '"x\\n---\\nsession: 9"')
    octets = merged([script(cassette_text(A), "a.yaml"), script(bad, "b.yaml")], Path("all.yaml"))
    assert len(read_cassette(octets, "all.yaml").sessions) == 2


def test_message_files_come_along(tmp_path: Path) -> None:
    """Files of one content are copied once, to the new cassette's folder."""
    for stem in ("a", "b"):
        (tmp_path / f"{stem}.yaml").write_text(WITH_FILE)
        (tmp_path / f"{stem}.d").mkdir()
        (tmp_path / f"{stem}.d" / NAME).write_bytes(LARGE)
    scripts = [load_script(tmp_path / "a.yaml"), load_script(tmp_path / "b.yaml")]
    assert copy_messages(scripts, tmp_path / "all.yaml") == 1
    assert {p.name: p.read_bytes() for p in (tmp_path / "all.d").iterdir()} == {NAME: LARGE}


@pytest.mark.parametrize("kind", ["missing", "link", "other"])
def test_message_files_are_what_their_names_say(tmp_path: Path, kind: str) -> None:
    """One that is missing, a link, or of other octets is an error, and is not copied."""
    (tmp_path / "a.yaml").write_text(WITH_FILE)
    (tmp_path / "a.d").mkdir()
    (tmp_path / "secret").write_bytes(LARGE)
    if kind == "link":
        (tmp_path / "a.d" / NAME).symlink_to(tmp_path / "secret")
    elif kind == "other":
        (tmp_path / "a.d" / NAME).write_bytes(b"other")
    with pytest.raises(DocumentError, match=NAME):
        copy_messages([load_script(tmp_path / "a.yaml")], tmp_path / "all.yaml")
    assert not (tmp_path / "all.d" / NAME).exists()
