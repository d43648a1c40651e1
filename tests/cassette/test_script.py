"""A cassette's lines are whose they are, and nothing changes unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smtpproxy.cassette.script import Script, checked
from smtpproxy.documents import DocumentError

TEXT = """\
# mine
smtpproxy-cassette: 1
# about the first
---
session: 1  # one
dialogue:
- S: "220 Hi"
- message: |
    ---
    session: 9
  S: "250 Ok"
# about the second
--- # two
note: x
session: "a b"
dialogue:
- S: "220 Ho"
"""


def script(text: str = TEXT) -> Script:
    """Return the script of a text."""
    return Script(text.encode(), "kept.yaml")


def test_every_line_is_somebodys() -> None:
    """Header and sessions together are the file; comments belong to what follows them."""
    kept = script()
    assert kept.head == "# mine\nsmtpproxy-cassette: 1\n"
    assert kept.text(1).startswith("# about the second\n--- # two\n")
    assert kept.head + kept.text(0) + kept.text(1) == TEXT


def test_a_label_is_changed_where_it_stands() -> None:
    """Nothing but the label is another, wherever its key stands and however it was written."""
    kept = script()
    assert kept.text(0, "7") == kept.text(0).replace("session: 1 ", "session: 7 ")
    assert kept.text(1, "a: b") == kept.text(1).replace('"a b"', '"a: b"')


@pytest.mark.parametrize(
    "label", ["{a: b}", "|\n  1", '"c\n  d"', "! 1"], ids=["flow", "block", "lines", "tag"]
)
def test_odd_labels_are_refused_or_kept_whole(label: str) -> None:
    """What can't be changed by its line is an error with its place, and never half a change."""
    try:
        kept = script(TEXT.replace("session: 1  # one", f"session: {label}"))
        with pytest.raises(DocumentError, match=r"kept.yaml:5: expected 'session: LABEL'"):
            kept.text(0, "7")
    except DocumentError as error:
        assert error.line == 5


def test_what_was_not_meant_is_not_written() -> None:
    """A text that says anything but what is expected is refused."""
    sessions = script().cassette.sessions
    assert checked(TEXT, sessions, "x") == TEXT.encode()
    with pytest.raises(DocumentError, match="something else would change"):
        checked(TEXT, [sessions[0], replace(sessions[1], ended="quit")], "x")
