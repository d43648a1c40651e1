"""Upstreams as client endpoint strings name them: what `tcp:`, `tls:` and `ssl:` take.

How upstream is verified is said by options, never by the arguments that Twisted has for that.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from smtpproxy.net.endpoints import WhereError

#: The kinds of endpoint that have TLS from their first octet on.
KINDS = ("tls", "ssl")
_NAMED = ("tcp", *KINDS)
_OURS = ("host", "port", "timeout", "bindAddress")
_COLON = re.compile(r"(?<!\\):")
_PORT = re.compile(r"[0-9]{1,5}")


class TcpPlace(NamedTuple):
    """An upstream that is a host and a port."""

    host: str
    port: int
    seconds: int  # that connecting may take; 0: it is not said
    bind: str  # the address to connect from, or ""


def upstream_host(endpoint: str) -> str:
    """Return the host of a client endpoint string; "" where it names none."""
    kind, _, rest = endpoint.partition(":")
    return _arguments(rest).get("host", "") if kind in _NAMED else ""


def secure_place(endpoint: str) -> TcpPlace | None:
    """Return what a client endpoint string with TLS means; None for another. Raises WhereError."""
    kind, _, rest = endpoint.partition(":")
    if kind not in KINDS:
        return None
    found = _arguments(rest)
    for name in found:
        if name not in _OURS:
            raise WhereError(
                f"{kind}: takes no {name}=; --upstream-ca, --upstream-name and "
                "--upstream-insecure say how upstream is verified"
            )
    place = _place({"timeout": "30", **found})
    if place is None:
        raise WhereError(f"expected {kind}:HOST:PORT, got {endpoint}")
    return place


def plain_place(endpoint: str) -> TcpPlace | None:
    """Return what a plain `tcp:HOST:PORT` means; None for all else that Twisted can read."""
    kind, _, rest = endpoint.partition(":")
    found = _arguments(rest)
    return _place(found) if kind == "tcp" and found.keys() <= set(_OURS) else None


def _place(found: dict[str, str]) -> TcpPlace | None:
    host, port, seconds = found.get("host"), found.get("port", ""), found.get("timeout", "0")
    if not host or not _PORT.fullmatch(port) or int(port) > 65535 or not _PORT.fullmatch(seconds):
        return None
    return TcpPlace(host, int(port), int(seconds), found.get("bindAddress", ""))


def _arguments(rest: str) -> dict[str, str]:
    """Return arguments by name. The first ones need none, and of two the last counts."""
    found: dict[str, str] = {}
    for at, part in enumerate(_COLON.split(rest)):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = _OURS[at] if at < 2 else part, part
        found[name] = re.sub(r"\\(.)", r"\1", value)
    return found
