"""What peers sent, made fit to be shown: control characters are shown, not obeyed."""

from __future__ import annotations

import re

# Controls, line and paragraph separators, and marks that hide or reorder text.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\uffff\ud800-\udfff]"
)


def visible(octets: bytes) -> str:
    """Return octets as a text of one line that a terminal can show."""
    text = octets.decode("utf-8", "backslashreplace")
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
