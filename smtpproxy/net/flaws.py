"""Faults in the TLS that a client is offered, by name: what a tester wants a client to refuse.

Each has one fault and is good otherwise: a certificate that has expired bears the right name, and
the one with the wrong name is valid and signed by the authority that the client trusts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

from smtpproxy.net.authority import LOCAL, Authority, general_name, now
from smtpproxy.net.certificates import authority_certificate, self_signed_certificate
from smtpproxy.net.pem import Identity
from smtpproxy.net.tlscontexts import (
    Fixed,
    Fresh,
    OnTheFly,
    context_of,
    modern,
    server_context,
)

#: RFC 2606 §2: nobody can have it, so nobody asks for it.
WRONG_NAME = "wrong-name.invalid"
#: So long ago a certificate has expired: longer than a clock is behind.
_EXPIRED_FOR = timedelta(days=7)
#: Octets of a stalled handshake: the head of a record, and less than is in it.
_BEGINNING = 16

Creator: TypeAlias = IOpenSSLServerConnectionCreator


def old() -> SSL.Context:
    """Return a context for TLS 1.0 and 1.1, which RFC 8996 forbids."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_max_proto_version(SSL.TLS1_1_VERSION)
    # Their signatures are by SHA-1, which no level above this allows.
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    return context


class Shown:
    """What a client is shown otherwise, to be spoilt."""

    def __init__(
        self,
        authority: Callable[[], Authority],
        good: Callable[[Fresh], Creator],
        names: Sequence[str] = (),
    ) -> None:
        """`authority` is asked where something is to be signed, `good` makes what is in order."""
        self.authority = authority
        self.good = good
        self.names = tuple(names)


def _wrong_name(shown: Shown) -> Creator:
    certificate, key = shown.authority().sign([WRONG_NAME])
    return Fixed(context_of(Identity(key, certificate, [])))


def _expired(shown: Shown) -> Creator:
    authority = shown.authority()

    def sign(asked: Sequence[str]) -> tuple[x509.Certificate, Any]:
        names = (*asked, *shown.names, *LOCAL)
        return authority.sign(names, ended=authority.clock() - _EXPIRED_FOR)

    # By that clock it is still good, and is kept.
    return OnTheFly(sign, lambda: authority.clock() - 2 * _EXPIRED_FOR)


def _self_signed(shown: Shown) -> Creator:
    def sign(asked: Sequence[str]) -> tuple[x509.Certificate, Any]:
        key = ec.generate_private_key(ec.SECP256R1())
        names = [general_name(name) for name in (*asked, *shown.names, *LOCAL)]
        return self_signed_certificate(key, names, now()), key

    return OnTheFly(sign, now)


def _untrusted(shown: Shown) -> Creator:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority_certificate(key, now(), "smtpproxy authority that nobody trusts")
    return server_context(Authority(Path(), certificate, key), shown.names)


def _old_version(shown: Shown) -> Creator:
    return shown.good(old)


def _stall(shown: Shown) -> Creator:
    return _Stalling(shown.good(modern))


#: Each flaw by its name, and what makes it. They raise what `Shown` raises.
FLAWS: dict[str, Callable[[Shown], Creator]] = {
    "wrong-name": _wrong_name,
    "expired": _expired,
    "self-signed": _self_signed,
    "untrusted": _untrusted,
    "old-version": _old_version,
    "stall": _stall,
}


@implementer(IOpenSSLServerConnectionCreator)
class _Stalling:
    """Begins a handshake that never ends."""

    def __init__(self, good: Creator) -> None:
        self._good = good

    def serverConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Return what Twisted takes for a connection."""
        return _Stalled(self._good.serverConnectionForTLS(tlsProtocol))


class _Stalled:
    """A connection of which the peer hears the beginning, and then nothing."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._left = _BEGINNING

    def bio_read(self, size: int) -> bytes:
        """Return what is to be sent, if it is of the beginning."""
        if not self._left:
            raise SSL.WantReadError
        octets: bytes = self._connection.bio_read(min(size, self._left))
        self._left -= len(octets)
        return octets

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
