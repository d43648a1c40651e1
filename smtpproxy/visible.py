"""What peers sent, made fit to be shown: control characters are shown, not obeyed."""

from __future__ import annotations

import re

#: What must never stand as itself, as the inside of a character class: controls but tab and LF,
#: line and paragraph separators, and marks and tags that hide or reorder text.
UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{UNSAFE}\t\n]")


def visible(octets: bytes) -> str:
    """Return octets as a text of one line that a terminal can show."""
    return visible_text(octets.decode("utf-8", "backslashreplace"))


def visible_text(text: str) -> str:
    """Return a text as one line that a terminal can show."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(escape, text)


def escape(found: re.Match[str]) -> str:
    """Return a character's number, as YAML and Python write it in double quotes."""
    number = ord(found[0])
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
