"""The ways in which the proxy relates TLS on its two legs, and what becomes of mail in each.

What a client does about TLS decides, with a few that do not fall back; docs/peers.md has what
`python -m tests.peers.tls_modes` prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.peers.identity import NAME
from tests.peers.tls import CLIENTS, Tls, TlsClient
from tests.peers.tlsserver import TlsServer


class Legs(Enum):
    """Which legs mail has crossed by TLS, the client's and upstream's, in words; or neither leg."""

    PLAIN = "plain → plain"
    CLIENT = "TLS → plain"
    UPSTREAM = "plain → TLS"
    BOTH = "TLS → TLS"
    THROUGH = "one TLS, end to end"
    NO_MAIL = "no mail"

    @property
    def told(self) -> frozenset[str]:
        """The sides of which the log says that they are encrypted."""
        sides = {
            Legs.CLIENT: {"client"},
            Legs.UPSTREAM: {"upstream"},
            Legs.BOTH: {"client", "upstream"},
        }
        return frozenset(sides.get(self, ()))

    @property
    def server_says(self) -> str:
        """The protocol by which the server got the mail (RFC 3848)."""
        return "ESMTPS" if self in (Legs.UPSTREAM, Legs.BOTH, Legs.THROUGH) else "ESMTP"


@dataclass(frozen=True)
class Mode:
    """One way, and what becomes of the mail of each kind of client.

    `tls` is given to --tls, where that is given at all; `trusts` is whether the proxy trusts
    whoever signed the server's certificate. TLS may be implicit on a leg.
    """

    name: str
    legs: Mapping[Tls, Legs]
    tls: str = ""
    trusts: bool = True
    implicit_client: bool = False
    implicit_upstream: bool = False

    def options(self, server: TlsServer, authority: Path) -> tuple[str, ...]:
        """What the proxy is started with in front of this server."""
        host = server.mail.host
        implicit, offered = f"smtps://{host}:{server.implicit}", f"{host}:{server.offering}"
        return (
            *("--upstream", implicit if self.implicit_upstream else offered),
            *("--upstream-name", NAME),
            *(("--upstream-ca", str(authority)) if self.trusts else ()),
            *(("--tls", self.tls) if self.tls else ()),
            *(("--listen", f"tls:{host}:0") if self.implicit_client else ()),
        )

    def expected(self, client: TlsClient, tls: Tls) -> Legs:
        """What becomes of the mail of a client that is told this."""
        falls_back = client.falls_back or tls is not Tls.MAY
        return self.legs[tls] if self.trusts or falls_back else Legs.NO_MAIL

    def refuses(self, tls: Tls) -> bool:
        """Whether it is the proxy that refuses STARTTLS, since it can't trust upstream."""
        mirrors = self.legs.get(Tls.PLAIN) is Legs.PLAIN
        return mirrors and not self.trusts and tls is not Tls.PLAIN


def _starttls(plain: Legs, may: Legs, must: Legs) -> Mapping[Tls, Legs]:
    return {Tls.PLAIN: plain, Tls.MAY: may, Tls.MUST: must}


MODES = (
    Mode("mirror", _starttls(Legs.PLAIN, Legs.BOTH, Legs.BOTH), "mirror"),
    Mode("terminate", _starttls(Legs.PLAIN, Legs.CLIENT, Legs.CLIENT), "terminate"),
    Mode("originate", _starttls(Legs.UPSTREAM, Legs.UPSTREAM, Legs.NO_MAIL), "originate"),
    Mode("strip", _starttls(Legs.PLAIN, Legs.PLAIN, Legs.NO_MAIL), "strip"),
    Mode("opaque", _starttls(Legs.PLAIN, Legs.THROUGH, Legs.THROUGH), "opaque"),
    # mirror is what the proxy does unless it is told otherwise.
    Mode(
        "mirror, upstream not trusted",
        _starttls(Legs.PLAIN, Legs.PLAIN, Legs.NO_MAIL),
        trusts=False,
    ),
    # Whoever asked for TLS with upstream gets no mail through without.
    Mode(
        "originate, upstream not trusted",
        _starttls(Legs.NO_MAIL, Legs.NO_MAIL, Legs.NO_MAIL),
        "originate",
        trusts=False,
    ),
    # Both or none holds for a client, too, that has TLS before it could ask for it.
    Mode("mirror, implicit", {Tls.IMPLICIT: Legs.BOTH}, "mirror", implicit_client=True),
    Mode("terminate, implicit", {Tls.IMPLICIT: Legs.CLIENT}, "terminate", implicit_client=True),
    # As is originate, where upstream's TLS is implicit.
    Mode(
        "originate, implicit",
        _starttls(Legs.UPSTREAM, Legs.UPSTREAM, Legs.NO_MAIL),
        implicit_upstream=True,
    ),
    Mode("both implicit", {Tls.IMPLICIT: Legs.BOTH}, implicit_client=True, implicit_upstream=True),
)

# How a page says what a client does.
WORDS = {
    Tls.PLAIN: "no TLS",
    Tls.MAY: "STARTTLS where offered",
    Tls.MUST: "STARTTLS or nothing",
    Tls.IMPLICIT: "implicit TLS",
}


def page() -> str:
    """All that docs/peers.md has from here, in Markdown."""
    return f"{_modes()}\n\n{_clients()}\n"


def _modes() -> str:
    """What becomes of mail, in each mode, by what its client does."""
    rows = [[mode.name, *(_words(mode, tls) for tls in Tls)] for mode in MODES]
    return _table(["`--tls`", *WORDS.values()], rows)


def _words(mode: Mode, tls: Tls) -> str:
    return mode.legs[tls].value if tls in mode.legs else ""


def _clients() -> str:
    """What each client can be told to do."""
    rows = [[client.name, *(_does(client, tls) for tls in Tls)] for client in CLIENTS]
    return _table(["Client", *WORDS.values()], rows)


def _does(client: TlsClient, tls: Tls) -> str:
    if tls not in client.does:
        return ""
    return "✓" if client.falls_back or tls is not Tls.MAY else "✓ no mail where refused"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(page(), end="")
