"""Words for what the matrix says: a client, a server, and what the two use with each other.

Knows neither how a server is run nor how a client is called.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Extension(Enum):
    """An extension by its EHLO keyword, with the letter that stands for it in a table."""

    MIME8BIT = ("8BITMIME", "8")
    CHUNKING = ("CHUNKING", "C")
    DSN = ("DSN", "D")
    PIPELINING = ("PIPELINING", "P")
    PRDR = ("PRDR", "R")
    SIZE = ("SIZE", "S")
    SMTPUTF8 = ("SMTPUTF8", "U")

    @property
    def keyword(self) -> str:
        """As a server offers it."""
        return self.value[0]

    @property
    def letter(self) -> str:
        """As a table shows it."""
        return self.value[1]


@dataclass(frozen=True)
class Client:
    """A client as it is called here, and what it uses where a server offers it.

    `options` are always given to it, and those in `uses` where their extension is to be used;
    what it uses without being asked needs none.
    """

    name: str
    version: str
    uses: Mapping[Extension, tuple[str, ...]]
    options: tuple[str, ...] = ()
    stops: bool = False  # at a refused recipient: the message goes to nobody then
    singly: bool = False  # each recipient gets a transaction of its own


@dataclass(frozen=True)
class Server:
    """A server, the fixture that runs it, and what it offers."""

    name: str
    version: str
    fixture: str
    offers: frozenset[Extension]
    refuses: bool = True  # nobody@example.net, at RCPT
    overfull: bool = False  # full@example.net is refused behind the mail data


class Pair(NamedTuple):
    """A client and a server that meet."""

    protocol: str
    client: Client
    server: Server

    @property
    def name(self) -> str:
        """Who meets whom."""
        return f"{self.protocol}-{self.client.name}-{self.server.name}"

    @property
    def exercised(self) -> frozenset[Extension]:
        """The extensions that the two use with each other."""
        return frozenset(self.client.uses) & self.server.offers

    @property
    def overfull(self) -> bool:
        """Whether one of several recipients can be refused behind the mail data."""
        return self.server.overfull or Extension.PRDR in self.exercised

    @property
    def options(self) -> tuple[str, ...]:
        """What the client is called with, save for SMTPUTF8, which few messages need."""
        used = self.exercised - {Extension.SMTPUTF8}
        asked = [options for one, options in self.client.uses.items() if one in used]
        return (*self.client.options, *itertools.chain.from_iterable(asked))


@dataclass(frozen=True)
class Family:
    """The clients and the servers of one protocol, and the pairs of them that don't meet."""

    protocol: str
    clients: tuple[Client, ...]
    servers: tuple[Server, ...]
    apart: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (client, server): why

    @property
    def pairs(self) -> list[Pair]:
        """Every pair that meets, server by server."""
        return [
            Pair(self.protocol, client, server)
            for server in self.servers
            for client in self.clients
            if (client.name, server.name) not in self.apart
        ]
