"""Fields of a header (RFC 5322 §2.2) as they may be kept, by the user's rules.

Owns which fields hold addresses, and what of a field tells nothing of anybody. Does not know where
a header ends.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Mapping
from typing import ClassVar

from smtpproxy.auth.echoes import PLACEHOLDER
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.spotting import NO_WORDS, addresses_in

_NAME = re.compile(rb"([!-9;-~]{1,200}):")
_NAME_OF_OLD = re.compile(rb"([!-9;-~]{1,200})[ \t]{1,200}:")  # RFC 5322 §4.5
#: Fields of addresses alone: what else stands there are the names of people.
_OF_ADDRESSES = frozenset(
    b"from sender reply-to to cc bcc return-path delivered-to x-original-to errors-to envelope-to "
    b"resent-from resent-sender resent-reply-to resent-to resent-cc resent-bcc apparently-to "
    b"disposition-notification-to return-receipt-to mail-followup-to mail-reply-to "
    b"x-envelope-from x-envelope-to x-forwarded-to x-forwarded-for".split()
)
#: Fields in which a dot or a colon makes no name.
_NAMELESS = frozenset(b"date resent-date mime-version content-transfer-encoding".split())
_NOBODY = re.compile(rb"undisclosed[- ]recipients:[ \t]*;?", re.I)
_BOUNDARY = re.compile(
    rb"(boundary[ \t]*=[ \t]*)(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.I
)
_TYPE = re.compile(rb"[ \t]*([A-Za-z0-9.+-]{1,80}/[A-Za-z0-9.+-]{1,80})")
_TOKEN = re.compile(rb"[ \t]*([A-Za-z0-9-]{1,40})(?=[ \t\r\n;]|\Z)")
_CHARSET = re.compile(rb"charset[ \t]*=[ \t]*\"?([A-Za-z0-9_.:+-]{1,40})", re.I)
_ENCODED_WORD = re.compile(rb"=\?[^?\s]{1,80}\?([BbQq])\?([^?\s]{0,2000})\?=")
_RELAYED = re.compile(rb"(?<![^\s(])((?:from|by)[ \t]{1,80}|helo=)([^\s;()\[\]]{1,300})", re.I)
#: What RFC 5322 §2.1.1 asks for; a field that is changed is folded again.
_WIDTH = 78


class Fields:
    """The fields of one message; `words` are names in them, in lower case."""

    HIDDEN: ClassVar[bytes] = PLACEHOLDER

    def __init__(self, privacy: Privacy, words: Mapping[bytes, bytes] = NO_WORDS) -> None:
        self._privacy = privacy
        self._words = words
        self.of_part = False  # not the message's own, but those of a part of its body

    def is_field(self, octets: bytes) -> bool:
        """Do these octets begin as a field does?"""
        return bool(self.name_of(octets))

    def name_of(self, octets: bytes) -> bytes:
        """Return the name of a field, and its colon, or b""."""
        found = _NAME.match(octets) or _NAME_OF_OLD.match(octets)
        return found[0] if found else b""

    def boundary_of(self, field: bytes) -> bytes:
        """Return the boundary that a field gives, or b""."""
        found = _BOUNDARY.search(_unfolded(field)) if _is_type(field) else None
        return (found[2] or found[3]) if found else b""

    def shown_boundary(self, boundary: bytes) -> bytes:
        """Return a boundary as it may be kept: servers make some of their own names."""
        return self._privacy.text(boundary, self._words)

    def shown(self, field: bytes) -> bytes:
        """Return a field, of one line or more, as it may be kept: b"" where it is removed."""
        privacy = self._privacy
        head = self.name_of(field)
        name = head[:-1].strip().lower()
        if any(removes(name.decode("ascii")) for removes in privacy.removed):
            return b""
        end = field[len(field.rstrip(b"\r\n")) :]
        if name in privacy.replaced:
            return head + b" " + privacy.replaced[name] + end
        value = _unfolded(field[len(head) :])
        shown = self._value(name, value)
        return field if shown == value else _folded(head + shown) + end

    def _value(self, name: bytes, value: bytes) -> bytes:
        privacy = self._privacy
        if name == b"content-type" and privacy.bodies:
            return self._type(value)
        if self.of_part and privacy.bodies:
            encoding = name in (b"content-transfer-encoding", b"content-disposition")
            found = _TOKEN.match(value) if encoding or name == b"mime-version" else None
            return b" " + (found[1] if found else self.HIDDEN)
        if privacy.addresses is not None:
            value = self._renamed(name, value)
        return privacy.unmatched(value)

    def _renamed(self, name: bytes, value: bytes) -> bytes:
        names = self._privacy.addresses
        if names is None or name in _NAMELESS:
            return value
        if name == b"content-type":
            return self._around_boundary(value)
        if name in _OF_ADDRESSES:
            return self._addresses(value)
        if b"=?" in value and _says_address(value):
            return b" " + self.HIDDEN
        if name.endswith(b"received"):
            value = _RELAYED.sub(lambda found: found[1] + names.domain(found[2]), value)
        return self._privacy.text(value, self._words)

    def _addresses(self, value: bytes) -> bytes:
        """Return a field of addresses without the names of people beside them."""
        names = self._privacy.addresses
        if names is None or _NOBODY.fullmatch(value.strip()) or not value.strip(b" \t<>"):
            return value
        found = addresses_in(re.sub(rb"[ \t]{0,80}@[ \t]{0,80}", b"@", value))
        if not found:
            return b" " + names.mailbox(value.strip())
        shown = b", ".join(b"<" + names.mailbox(one) + b">" for one in found)
        return value if shown == value.strip() else b" " + shown

    def _around_boundary(self, value: bytes) -> bytes:
        """The boundary stays: so do the lines of the body that hold it."""
        found = _BOUNDARY.search(value)
        begin, end = found.span() if found else (0, 0)
        text = self._privacy.text
        return text(value[:begin], self._words) + value[begin:end] + text(value[end:], self._words)

    def _type(self, value: bytes) -> bytes:
        """Return what tells how a part is to be read, and no names of files."""
        found = _TYPE.match(value)
        parts = [found[1] if found else b"text/plain"]
        if charset := _CHARSET.search(value):
            parts.append(b"charset=" + charset[1])
        if boundary := _BOUNDARY.search(value):
            shown = self.shown_boundary(boundary[2] or boundary[3])
            parts.append(b'boundary="' + shown + b'"')
        return b" " + b"; ".join(parts)


def _is_type(field: bytes) -> bool:
    return field[:12].lower() == b"content-type"


def _unfolded(octets: bytes) -> bytes:
    """Return a value on one line (RFC 5322 §2.2.3)."""
    bare = octets.rstrip(b"\r\n")
    return bare.replace(b"\r\n", b"").replace(b"\n", b"") if b"\n" in bare else bare


def _folded(line: bytes) -> bytes:
    """Return a field on lines that are no longer than need be."""
    if len(line) <= _WIDTH:
        return line
    lines = [b""]
    for word in line.split(b" "):
        if lines[-1] and len(lines[-1]) + len(word) >= _WIDTH and word:
            lines.append(b"")
        lines[-1] += (b" " if len(lines) > 1 or lines[-1] else b"") + word
    return b"\r\n".join(lines)


def _says_address(value: bytes) -> bool:
    """Is there an address in what encoded words (RFC 2047) say together?"""
    said = b"".join(map(_decoded, _ENCODED_WORD.finditer(value)))
    return b"@" in said


def _decoded(word: re.Match[bytes]) -> bytes:
    if word[1] in b"Qq":
        return quopri.decodestring(word[2], header=True)
    try:
        return base64.b64decode(word[2] + b"==")
    except (binascii.Error, ValueError):
        return b"@"  # nobody knows what it says
