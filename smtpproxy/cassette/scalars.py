"""Octets as YAML scalars that a person can read, and back, losing none.

Owns the one rule by which a form is chosen: a block where it carries the text exactly and an editor
would not harm it; else double quotes; else base64, for what is not UTF-8 or has odd line endings.
In a text, LF stands for CRLF.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from operator import itemgetter

from smtpproxy.documents import Mapping, Node, Text
from smtpproxy.visible import UNSAFE, escape

_BLANKS = frozenset({b" ", b"\t"})
_SHORT = 128  # octets
_last_octet = itemgetter(slice(-1, None))
_SIMPLE = bytes(range(0x20, 0x7F))
_BLOCK_SAFE = _SIMPLE + b"\r\n\t"
_UNSAFE_IN_BLOCK = re.compile(f"[{UNSAFE}]|[ \t]\n")
_ESCAPED = re.compile(f'[{UNSAFE}\t\n"\\\\]')
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.:+/-]*")
_NAMED = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


class ScalarError(ValueError):
    """A node does not hold octets. Says what was expected."""


def write_line(octets: bytes, indent: str) -> str:
    """Return a command line, or a reply of one or more lines; its last CRLF is implied.

    `indent` is the white space of the mapping that the scalar stands in.
    """
    return (_short_line if len(octets) < _SHORT else _line)(octets, indent)


def _line(octets: bytes, indent: str) -> str:
    body = octets[:-2]
    if octets[-2:] == b"\r\n":
        if not body.translate(None, _SIMPLE):
            if b'"' in body or b"\\" in body:
                body = body.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            return f'"{body.decode("ascii")}"'
        text = _as_text(octets)
        if text is not None:
            one = text.count("\n") == 1
            return _quoted(text[:-1]) if one else _text(text, indent)
    return _base64(octets)


#: Sessions say much the same again and again. So many lines take 512 KB at the very most.
_short_line = lru_cache(512)(_line)


def write_message(octets: bytes, indent: str) -> str:
    """Return mail data as a scalar: each LF in it stands for CRLF."""
    block = _plain_block(octets, indent)
    if block is not None:
        return block
    text = _as_text(octets)
    return _base64(octets) if text is None else _text(text, indent)


def write_word(text: str) -> str:
    """Return a text in double quotes."""
    return _quoted(text)


def write_name(text: str) -> str:
    """Return a text as it is, where YAML can take it for nothing else, or in double quotes."""
    plain = _PLAIN.fullmatch(text) and not text.endswith(":")
    return text if plain and text not in ("true", "false", "null") else _quoted(text)


def read_line(node: Node) -> bytes:
    """Return the octets that `write_line` was given. Raises ScalarError."""
    if isinstance(node, Text):
        return _as_octets(node.value.removesuffix("\n") + "\n")
    return _from_base64(node)


def read_message(node: Node) -> bytes:
    """Return the octets that `write_message` was given. Raises ScalarError."""
    return _as_octets(node.value) if isinstance(node, Text) else _from_base64(node)


def _as_text(octets: bytes) -> str | None:
    """Return octets as a text with LF for CRLF, or None where that would lose something."""
    if octets.count(b"\n") != octets.count(b"\r\n"):
        return None
    try:
        return octets.replace(b"\r\n", b"\n").decode("utf-8")
    except UnicodeDecodeError:
        return None


def _as_octets(text: str) -> bytes:
    try:
        return text.replace("\n", "\r\n").encode("utf-8")
    except UnicodeEncodeError:
        raise ScalarError("holds half of a surrogate pair, which is no character") from None


def _text(text: str, indent: str) -> str:
    if text[-1:] != "\n" or not text.strip("\n") or _UNSAFE_IN_BLOCK.search(text):
        return _quoted_lines(text, indent)
    return _block(text, indent)


def _plain_block(octets: bytes, indent: str) -> str | None:
    """Return the block for plain ASCII text, or None for all else.

    Most mail data is that: each pass over the octets counts here, and those by lines, or by one
    octet, cost less than those that look for two.
    """
    if octets[-2:] != b"\r\n" or octets.translate(None, _BLOCK_SAFE):
        return None
    lines = octets.replace(b"\r", b"").split(b"\n")
    if b"\r\n".join(lines) != octets or not any(lines):
        return None  # a bare CR, or a bare LF; or empty lines alone
    del lines[-1]  # behind the last CRLF
    if not _BLANKS.isdisjoint(map(_last_octet, lines)):
        return None
    newline = f"\n  {indent}"
    body = newline.encode().join([b"", *lines]).decode("ascii")
    return _framed(lines[0][:1].decode("ascii"), not lines[-1], body, newline)


def _block(text: str, indent: str) -> str:
    newline = f"\n  {indent}"
    body = newline + text[:-1].replace("\n", newline)
    return _framed(text[0], text.endswith("\n\n"), body, newline)


def _framed(first: str, empty_end: bool, body: str, newline: str) -> str:
    """Return a block with its indicators.

    `body` is the text, indented; `first` its first character, and `empty_end` says that its last
    line is empty.
    """
    mark = "|2" if first in " \n\t" else "|"  # an empty line has no first character
    keep = "+" if empty_end else ""
    body = body.removesuffix(newline[1:])
    # Empty lines carry no indentation; those with empty neighbours need another pass.
    while f"{newline}\n" in body:
        body = body.replace(f"{newline}\n", "\n\n")
    return f"{mark}{keep}{body}"


def _escape(found: re.Match[str]) -> str:
    return _NAMED.get(found[0]) or escape(found)


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _quoted_lines(text: str, indent: str) -> str:
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    if len(lines) < 2:
        return _quoted(text)
    deeper = indent + "  "
    escaped = (_ESCAPED.sub(_escape, line) for line in lines)
    shown = (f"{deeper}{chr(92) if line[:1] == ' ' else ''}{line}\\\n" for line in escaped)
    return f'"\\\n{"".join(shown)}{deeper}"'


def _base64(octets: bytes) -> str:
    return f'{{base64: "{base64.b64encode(octets).decode("ascii")}"}}'


def _from_base64(node: Node) -> bytes:
    if not isinstance(node, Mapping) or list(node.entries) != ["base64"]:
        raise ScalarError("expected a text, or {base64: …}")
    value = node.entries["base64"]
    try:
        return base64.b64decode(value.value if isinstance(value, Text) else "?", validate=True)
    except (binascii.Error, ValueError):
        raise ScalarError("what follows base64: is not base64") from None
