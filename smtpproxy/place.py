"""Where an end of a connection is, as data and as text.

Owns the form in which the log and the ready file show it.
"""

from __future__ import annotations

from typing import NamedTuple

from smtpproxy.visible import visible_text


class Place(NamedTuple):
    """A host, which is an IP address, and a port; or, without a host, the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""  # "" where the socket has no name

    def __str__(self) -> str:
        """HOST:PORT, [HOST]:PORT for IPv6, or the path."""
        if not self.host:
            return visible_text(self.path) or "local"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Ends(NamedTuple):
    """A client's connection: where the client is, and the place that it connected to."""

    source: Place
    destination: Place


#: Both ends of a connection that nothing is known of.
UNKNOWN = Ends(Place(), Place())
