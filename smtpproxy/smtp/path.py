"""Paths and parameters of MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3 and §4.1.2).

Reads what clients really send: blanks after the colon, missing angle brackets, source routes. Never
raises. Octets that are not UTF-8 appear as \\xNN.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from smtpproxy.smtp.facts import Command

_PATH = re.compile(
    rb"(?:FROM|TO)[ \t]*:[ \t]*(?:<(?P<path>(?:\"(?:\\.|[^\"\\])*\"|[^\">])*)>|(?P<bare>[^ \t<>]+))"
    rb"(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
# The plainest form, and the most usual: no quotes, no source route, no address literal.
_PLAIN_RCPT = re.compile(rb"RCPT TO:<[^@\">]+@([A-Za-z0-9.-]+)>")
_SIZE = re.compile(rb"[ \t]+SIZE(?:=[^ \t]*)?(?![^ \t])", re.IGNORECASE)
_SOURCE_ROUTE = re.compile(r"@[^:]*:")


class Path(NamedTuple):
    """A reverse-path or forward-path: its mailbox, without source route and angle brackets."""

    address: str
    parameters: tuple[tuple[str, str], ...] = ()


def parse_path(argument: bytes) -> Path | None:
    """Return the path in the argument of a MAIL, RCPT, SEND, SOML or SAML, or None.

    Keywords of parameters are in upper case; a parameter without a value has "".
    """
    found = _PATH.match(argument)
    if not found:
        return None
    octets = found["path"] if found["path"] is not None else found["bare"]
    address = octets.decode("utf-8", "backslashreplace")
    return Path(
        _SOURCE_ROUTE.sub("", address, count=1) if address[:1] == "@" else address,
        tuple(_parameters(found["rest"])),
    )


def with_path(command: Command, address: bytes) -> bytes | None:
    """Return the line of a MAIL or RCPT with another address, or None where it has none.

    All else stays octet for octet; a source route goes with the address that it led to.
    """
    wire, argument = command.wire, command.argument
    found = _PATH.match(argument)
    if not found:
        return None
    begin, end = found.span("path" if found["path"] is not None else "bare")
    if found["path"] is None and not address:
        address = b"<>"
    at = wire.index(argument, len(wire) - len(wire.lstrip()) + len(command.verb))
    return wire[: at + begin] + address + wire[at + end :]


def without_size(command: Command) -> bytes:
    """Return the line of a MAIL without the parameter SIZE (RFC 1870); all else stays as it is."""
    wire, argument = command.wire, command.argument
    found = _PATH.match(argument)
    if not found:
        return wire
    at = wire.index(argument, len(wire) - len(wire.lstrip()) + len(command.verb))
    begin, end = (at + place for place in found.span("rest"))
    return wire[:begin] + _SIZE.sub(b"", wire[begin:end]) + wire[end:]


@lru_cache(maxsize=1024)
def domain_in(rcpt: bytes) -> str:
    """Return the domain of the forward-path in a RCPT line, in lower case, or ""."""
    plain = _PLAIN_RCPT.match(rcpt)
    if plain:
        return plain[1].decode().lower()
    path = parse_path(rcpt.strip()[len("RCPT") :].strip())
    return domain_of(path.address) if path else ""


def domain_of(address: str) -> str:
    """Return the domain of an address, in lower case, or "" where it has none."""
    local_part, at, domain = address.rpartition("@")
    return domain.lower() if at and local_part and not domain.endswith('"') else ""


def _parameters(rest: bytes) -> list[tuple[str, str]]:
    parameters = []
    # RFC 6531 §3.4: values may hold UTF-8, and so whatever Unicode takes for a blank.
    for word in rest.replace(b"\t", b" ").split(b" "):
        if not word:
            continue
        keyword, _, value = word.decode("utf-8", "backslashreplace").partition("=")
        parameters.append((keyword.upper(), value))
    return parameters
