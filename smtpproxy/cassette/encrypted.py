"""What a cassette says of the TLS of a session's legs: from notes to text, and back.

Owns the key `tls:`. All texts in it were chosen by peers: they are cut, and quoted where need be.
"""

from __future__ import annotations

from collections.abc import Mapping as Told

from smtpproxy.cassette.model import RecordedTls
from smtpproxy.cassette.scalars import write_name, write_word
from smtpproxy.documents import DocumentReader, Mapping, Node
from smtpproxy.transcript import Note

SIDES = ("client", "upstream")
TLS, FAILED = "tls", "tls-failed"  # the facts that are kept

#: Characters of each text that are kept.
_MOST = 256
#: Keys whose texts always stand in quotes; those of the others only where they are no plain words.
_QUOTED = frozenset({"subject", "sha256", "failed"})


def tls_of(note: Note) -> tuple[str, RecordedTls] | None:
    """Return whose TLS a note tells of, and what is kept of it; None where it is of something else.

    The detail of a failure is "SIDE: WORDS".
    """
    if note.fact == TLS and note.tls is not None:
        side, told = note.detail, RecordedTls(*map(_kept, note.tls))
    elif note.fact == FAILED:
        side, _, words = note.detail.partition(": ")
        told = RecordedTls(failed=_kept(words) or "failed")
    else:
        return None
    return (side, told) if side in SIDES else None


def write_tls(tls: Told[str, RecordedTls]) -> str:
    """Return the key with what is known of each side, or "" where that is nothing."""
    lines = [f"  {side}: {_written(tls[side])}\n" for side in SIDES if side in tls]
    return "".join(["tls:\n", *lines] if lines else [])


def read_tls(reader: DocumentReader, node: Node | None) -> dict[str, RecordedTls]:
    """Return what `write_tls` was given; `client: TLSv1.3` is a version. Raises DocumentError."""
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        raise reader.fail(node.line, "tls: expected client: or upstream: beneath it")
    reader.check_keys(node, SIDES)
    return {side: _leg(reader, node.entries[side]) for side in SIDES if side in node.entries}


def _leg(reader: DocumentReader, node: Node) -> RecordedTls:
    if not isinstance(node, Mapping):
        version = reader.text(node)
        if version in ("", "~", "null"):
            raise reader.fail(node.line, "expected a version, such as TLSv1.3, or {version: …}")
        return RecordedTls(version)
    reader.check_keys(node, RecordedTls._fields)
    others = [key for key in RecordedTls._fields if key in node.entries and key != "failed"]
    if "failed" in node.entries and others:
        raise reader.fail(node.key_lines[others[0]], f"{others[0]}: can't stand beside failed:")
    return RecordedTls(*(reader.optional(node, key) for key in RecordedTls._fields))


def _kept(text: str) -> str:
    """Return what is kept of a text; half of a surrogate pair is no character."""
    return text[:_MOST].encode("utf-8", "backslashreplace").decode("utf-8")


def _written(leg: RecordedTls) -> str:
    texts = (
        f"{key}: {(write_word if key in _QUOTED else write_name)(text)}"
        for key, text in leg._asdict().items()
        if text
    )
    return f"{{{', '.join(texts)}}}"
