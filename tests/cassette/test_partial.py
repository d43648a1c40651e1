"""A recording that did not end: whole sessions are told from a torn tail, wherever it was torn."""

from io import BytesIO
from pathlib import Path

import pytest

from smtpproxy.cassette import partial
from smtpproxy.cassette.partial import Extent, extent_of, left_out, load_unfinished
from smtpproxy.cassette.write import (
    LAST_KEY,
    write_header,
    write_session_end,
    write_session_start,
)
from smtpproxy.documents import DocumentError

HEADER = write_header("tcp:mail.example.org:25", "2026-11-23T12:00:00Z").encode()


def session(label: str, dialogue: str = '- S: "220 ready"\n') -> bytes:
    """Return a session's document, as it is written."""
    times = [0, 12, 345]
    return (
        write_session_start(label) + dialogue + write_session_end("quit", "", times, False)
    ).encode()


# What looks like the end of a session, within one.
TRAP = """\
- C: "DATA"
  S: "354 go"
- message: |
    timing-ms: [0]
    ---
    session: 9
  S: "250 ok"
- message: "\\
    timing-ms: [0] \\n\\
    "
  S: "250 ok"
"""
SESSIONS = [session("1"), session("2", TRAP), session("3")]


def test_wherever_it_is_torn_all_whole_sessions_are_there() -> None:
    """Cut at each octet: the sessions before it are whole, and the rest is counted."""
    whole = HEADER + b"".join(SESSIONS)
    ends = [len(HEADER)]
    for one in SESSIONS:
        ends.append(ends[-1] + len(one))
    for at in range(len(whole) + 1):
        number = sum(end <= at for end in ends[1:])
        good = ends[number] if number else 0
        assert extent_of(BytesIO(whole[:at])) == Extent(number, good, at - good)


def test_long_lines_are_not_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line may be longer than what is read at a time, the last one of a session, too."""
    whole = HEADER + b"".join(SESSIONS)
    for piece in range(len(LAST_KEY) + 3, 60):
        monkeypatch.setattr(partial, "_PIECE", piece)
        assert extent_of(BytesIO(whole + b"---\nsess")) == Extent(3, len(whole), 8)


def test_what_is_whole_is_read(tmp_path: Path) -> None:
    """A torn tail does not make the rest unreadable, and is told."""
    path = tmp_path / "signup.yaml.partial"
    path.write_bytes(HEADER + SESSIONS[0] + SESSIONS[1][:-1])
    told: list[str] = []
    assert [one.label for one in load_unfinished(path, told.append).sessions] == ["1"]
    assert told == [
        f"{path} is an unfinished recording: 1 session; "
        f"{len(SESSIONS[1]) - 1} octets of a torn tail are left out"
    ]


@pytest.mark.parametrize("octets", [b"", HEADER[:9], HEADER, HEADER + SESSIONS[0][:-1]])
def test_where_nothing_is_whole_there_is_nothing_to_read(tmp_path: Path, octets: bytes) -> None:
    """It is never taken for an empty cassette."""
    path = tmp_path / "signup.yaml.partial"
    path.write_bytes(octets)
    with pytest.raises(DocumentError, match="without a whole session"):
        load_unfinished(path, pytest.fail)


def test_how_much_there_is_in_words() -> None:
    """Sessions, and the torn tail only where there is one."""
    assert left_out(Extent(1, 100, 0)) == "1 session"
    assert left_out(Extent(12, 100, 1)) == "12 sessions; 1 octets of a torn tail are left out"
