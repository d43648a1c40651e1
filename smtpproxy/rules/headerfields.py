"""The header fields of a message, as a person would read them (RFC 5322, RFC 2047).

Takes what it is given: what is no header field ends the header section, and what can't be decoded
stays as it is. In time linear in the octets.
"""

from __future__ import annotations

import base64
import binascii
import re

MOST_FIELDS = 1000
#: RFC 2047 §2: an encoded word has 75 characters at the most; servers are lenient.
_ENCODED = re.compile(
    r"=\?([A-Za-z0-9_.:-]{1,40})(?:\*[A-Za-z-]{0,20})?\?([bBqQ])\?([^? ]{0,400})\?="
)
_BETWEEN = re.compile(r"(\?=)[ \t]{1,20}(=\?)")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")


def fields_in(head: bytes) -> list[tuple[str, str]]:
    """Return name, in lower case, and body of each header field, unfolded and decoded."""
    section = head.replace(b"\r\n", b"\n")
    if section.startswith(b"\n"):
        return []
    fields: list[tuple[str, list[bytes]]] = []
    for line in section.partition(b"\n\n")[0].split(b"\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1].append(line.strip())
            continue
        name, colon, body = line.partition(b":")
        if not colon or len(fields) >= MOST_FIELDS:
            break
        fields.append((name.strip().decode("utf-8", "backslashreplace").lower(), [body.strip()]))
    return [(name, _decoded(b" ".join(body))) for name, body in fields]


def _decoded(body: bytes) -> str:
    text = body.decode("utf-8", "backslashreplace")
    return _ENCODED.sub(_word, _BETWEEN.sub(r"\1\2", text)) if "=?" in text else text


def _word(found: re.Match[str]) -> str:
    charset, form, octets = found[1], found[2], found[3].encode("utf-8", "backslashreplace")
    try:
        if form in "bB":
            octets = base64.b64decode(octets + b"=" * (-len(octets) % 4))
        else:
            spaced = octets.replace(b"_", b" ")
            octets = _HEX.sub(lambda digits: bytes.fromhex(digits[1].decode()), spaced)
        return octets.decode(charset, "replace")
    except (binascii.Error, LookupError, ValueError):
        return found[0]
