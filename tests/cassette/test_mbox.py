"""Messages in an mbox can be told apart again, and are what they were."""

from __future__ import annotations

import mailbox
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.cassette.mbox import quoted, separator

RECORDED = "2026-11-23T12:00:00Z"


def unquoted(octets: bytes) -> bytes:
    """Return a message as a reader of mboxrd takes it, without the empty line behind it."""
    return re.sub(rb"(?m)^>(>*From )", rb"\1", octets[:-1])


@given(st.lists(st.sampled_from([b"From ", b"\r\n", b">", b"F", b"rom", b"x", b"\r", b" "])))
def test_quoting_can_be_undone_wherever_it_was_cut(pieces: list[bytes]) -> None:
    """Every cut gives the same, no line begins with "From ", and a reader gets the message back."""
    message = b"".join(pieces)
    whole = b"".join(quoted([message]))
    assert b"".join(quoted(pieces)) == whole
    assert not re.search(rb"(?m)^From ", whole)
    expected = message.replace(b"\r\n", b"\n")
    assert unquoted(whole).removesuffix(b"\n") == expected.removesuffix(b"\n")
    assert whole.endswith(b"\n\n") or whole == b"\n"


def test_a_usual_reader_finds_each_message(tmp_path: Path) -> None:
    """Python's own reader takes out as many messages as were put in."""
    path = tmp_path / "mails.mbox"
    messages = [b"Subject: one\r\n\r\nFrom here\r\n", b"Subject: two\r\n\r\n>From there"]
    path.write_bytes(
        b"".join(separator("a@example.org", RECORDED) + b"".join(quoted([m])) for m in messages)
    )
    box = mailbox.mbox(str(path))
    assert [message["Subject"] for message in box] == ["one", "two"]


@pytest.mark.parametrize(
    ("sender", "recorded", "line"),
    [
        ("a@example.org", RECORDED, b"From a@example.org Mon Nov 23 12:00:00 2026\n"),
        ("", "2026-11-03T13:00:00+01:00", b"From MAILER-DAEMON Tue Nov  3 12:00:00 2026\n"),
        ("a b\n@example.org", "", b"From a_b\\x0a@example.org Thu Jan  1 00:00:00 1970\n"),
        (
            "a@example.org",
            "0001-01-01T00:00:00+23:00",
            b"From a@example.org Thu Jan  1 00:00:00 1970\n",
        ),
    ],
)
def test_the_line_before_a_message(sender: str, recorded: str, line: bytes) -> None:
    """RFC 4155: an address without blanks, and a time in UTC as asctime writes it."""
    assert separator(sender, recorded) == line
