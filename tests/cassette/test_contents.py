"""How two messages differ."""

from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path

import pytest

from smtpproxy.cassette.contents import Letter, message_changes
from smtpproxy.cassette.matching import Matching
from smtpproxy.cassette.model import Kept

ALL = Matching(message=True)
OLD, NEW = Path("old.yaml"), Path("new.yaml")


def changes(old: bytes, new: bytes, matching: Matching = ALL) -> list[tuple[str, str]]:
    """Return what differs in two messages that stand in their cassettes."""
    letters = Letter((Kept(old),), OLD), Letter((Kept(new),), NEW)
    return list(message_changes(*letters, matching))


def beside(cassette: Path, octets: bytes) -> Letter:
    """Return a message in a file beside a cassette."""
    name = f"{hashlib.sha256(octets).hexdigest()}.eml"
    folder = cassette.with_suffix(".d")
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(octets)
    return Letter((Kept(b"", file=name, size=len(octets)),), cassette)


def test_headers_are_compared_as_a_set() -> None:
    """Order and folding of headers do not count; each that differs is told beside its like."""
    old = b"A: 1\r\nB: 2 3\r\n\r\nHi\r\n"
    assert changes(old, b"B: 2\r\n 3\r\nA: 1\r\n\r\nHi\r\n") == []
    assert changes(old, b"A: 9\r\nB: 2 3\r\n\r\nHi\r\n") == [("A: 1", "A: 9")]


def test_bodies_part_somewhere() -> None:
    """The first line that differs is told, and so is an end that came earlier."""
    old = b"A: 1\r\n\r\none\r\ntwo\r\n"
    assert changes(old, b"A: 1\r\n\r\none\r\n2\r\n") == [("body line 2: two", "body line 2: 2")]
    assert changes(old, b"A: 1\r\n\r\none\r\ntwo") == [("body line 3: ", "body line 3: (the end)")]


@pytest.mark.parametrize(
    "field", [b"Date: x", b"message-id: <1@x>", b"ARC-Seal: i=1", b"Received: a\r\n\tb"]
)
def test_the_noise_is_that_of_replay(field: bytes) -> None:
    """Header fields that are new at every run are no change, unless nothing is to be ignored."""
    with_it = b"A: 1\r\n" + field + b"\r\n\r\nHi\r\n"
    assert changes(b"A: 1\r\n\r\nHi\r\n", with_it) == []
    assert len(changes(b"A: 1\r\n\r\nHi\r\n", with_it, Matching(message=True, ignored=()))) == 1


def test_boundaries_are_noise() -> None:
    """Other names of MIME boundaries are no change, but where they are to be compared."""
    one = b"Content-Type: multipart/mixed; boundary=ab12\r\n\r\n--ab12\r\n\r\nHi\r\n--ab12--\r\n"
    other = one.replace(b"ab12", b"cd34")
    assert changes(one, other) == []
    assert len(changes(one, other, Matching(message=True, ignored=()))) == 2


def test_large_messages_are_compared_by_content(tmp_path: Path) -> None:
    """Files that differ in noise alone are equal; else it is told in what they differ."""
    body = b"".join(b"line %d\r\n" % n for n in range(20_000))
    old = beside(tmp_path / "old.yaml", b"Date: 1\r\nSubject: a\r\n\r\n" + body)
    same = beside(tmp_path / "new.yaml", b"Date: 2\r\nSubject: a\r\n\r\n" + body)
    other = beside(tmp_path / "new.yaml", b"Date: 2\r\nSubject: b\r\n\r\n" + body + b"x\r\n")
    assert list(message_changes(old, same, ALL)) == []
    fields, bodies = message_changes(old, other, ALL)
    assert fields == ("Subject: a", "Subject: b")
    assert bodies[0].startswith(f"body: {len(body):,} octets, SHA-256 ")
    assert bodies[1].startswith(f"body: {len(body) + 3:,} octets, SHA-256 ")


def test_a_large_message_and_a_small_one(tmp_path: Path) -> None:
    """Where it is kept does not count."""
    text = b"Subject: a\r\n\r\nHi\r\n"
    old = beside(tmp_path / "old.yaml", text)
    assert list(message_changes(old, Letter((Kept(text),), NEW), ALL)) == []


def test_chunks_are_one_message() -> None:
    """How a message was cut into BDATs does not count."""
    text = b"Subject: a\r\n\r\nHi\r\n"
    cut = Letter((Kept(text[:7]), Kept(text[7:])), NEW)
    assert list(message_changes(Letter((Kept(text),), OLD), cut, ALL)) == []


def test_large_messages_stay_out_of_memory(tmp_path: Path) -> None:
    """Of 16 MiB each, no more than some pieces are held."""
    body = (b"x" * 70 + b"\r\n") * (16 * 1024 * 1024 // 72)
    old = beside(tmp_path / "old.yaml", b"Date: 1\r\n\r\n" + body)
    new = beside(tmp_path / "new.yaml", b"Date: 2\r\n\r\n" + body)
    del body
    tracemalloc.start()
    try:
        assert list(message_changes(old, new, ALL)) == []
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_files_of_one_name_are_equal() -> None:
    """A name is the SHA-256 of what the file holds: there is nothing to read."""
    old, new = (Letter((Kept(b"", file="a" * 64 + ".eml", size=9),), one) for one in (OLD, NEW))
    assert list(message_changes(old, new, ALL)) == []


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """What can't be compared is no silence."""
    old = Letter((Kept(b"", file="a" * 64 + ".eml", size=100000),), tmp_path / "old.yaml")
    new = Letter((Kept(b"12345"),), tmp_path / "new.yaml")
    assert list(message_changes(old, new, ALL)) == [
        ("100,000 octets (one of the two can't be read)", "5 octets")
    ]


def test_no_message_is_a_change() -> None:
    """A message that was not sent any more is told by its size."""
    old = Letter((Kept(b"12345"),), OLD)
    assert list(message_changes(old, None, ALL)) == [("5 octets", "")]
