"""A reference model of paths and their parameters: an octet at a time, by hand.

Written from RFC 5321 §4.1.1.2, §4.1.1.3 and §4.1.2, and from what is forgiven: blanks around the
colon, and no angle brackets.
"""

from __future__ import annotations

from smtpproxy.smtp.path import Path

BLANKS = b" \t"


def path_in(argument: bytes) -> Path | None:
    """Return the path in the argument of MAIL, RCPT and their like, or None."""
    word = b"FROM" if argument[:4].upper() == b"FROM" else b"TO"
    if argument[: len(word)].upper() != word:
        return None
    rest = argument[len(word) :].lstrip(BLANKS)
    if not rest.startswith(b":"):
        return None
    rest = rest[1:].lstrip(BLANKS)
    length = _length_in_brackets(rest) if rest.startswith(b"<") else _length_of_bare(rest)
    if length is None:
        return None
    octets, rest = rest[:length], rest[length:]
    if octets.startswith(b"<"):
        octets = octets[1:-1]
    address = _text(octets)
    if address.startswith("@") and ":" in address:
        address = address[address.index(":") + 1 :]
    return Path(address, tuple(_parameter(word) for word in _words(rest)))


def _length_in_brackets(octets: bytes) -> int | None:
    """Return how long the path is from its `<` to its `>`; in quotes that is an octet as others."""
    quoted = False
    at = 1
    while at < len(octets):
        octet = octets[at : at + 1]
        if quoted and octet == b"\\":
            at += 1
        elif octet == b'"':
            quoted = not quoted
        elif octet == b">" and not quoted:
            return at + 1
        at += 1
    return None


def _length_of_bare(octets: bytes) -> int | None:
    length = 0
    while length < len(octets) and octets[length] not in BLANKS + b"<>":
        length += 1
    return length or None


def _words(octets: bytes) -> list[bytes]:
    return [word for word in octets.replace(b"\t", b" ").split(b" ") if word]


def _parameter(word: bytes) -> tuple[str, str]:
    keyword, _, value = word.partition(b"=")
    return _text(keyword).upper(), _text(value)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")
