"""What begins TLS on a connection: on the client's leg as a server, on upstream's as a client.

Each is what Twisted's `startTLS` and its endpoints take. TLS 1.2 is the least (RFC 8996).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from zope.interface import implementer

from smtpproxy.net.authority import Authority, Clock
from smtpproxy.net.endpoints import WhereError
from smtpproxy.net.names import dns_name, ip_address
from smtpproxy.net.pem import Identity, TlsFileError, read_certificates, read_identity
from smtpproxy.net.systemtrust import system_file
from smtpproxy.net.verification import VerifiedConnection, ask_about_certificates

#: Names whose certificates are kept. A client may ask for as many as it likes.
KEPT = 256
#: A certificate is made anew so long before it expires.
_EARLY = timedelta(days=2)
_log = Logger()

#: Makes a context without an identity.
Fresh: TypeAlias = Callable[[], SSL.Context]
#: Makes a certificate for names, and its key.
Sign: TypeAlias = Callable[[Sequence[str]], tuple[x509.Certificate, Any]]


def modern() -> SSL.Context:
    """Return a context for TLS 1.2 and later."""
    context: SSL.Context = CertificateOptions().getContext()
    return context


def server_context(
    authority: Authority, names: Sequence[str] = (), fresh: Fresh = modern
) -> IOpenSSLServerConnectionCreator:
    """Return what shows the name that the client asks for, signed by the authority.

    A client that asks for none, or for what is no DNS name, sees a certificate for `names` and for
    this machine. `fresh` makes contexts. Raises AuthorityError where one of `names` is no name.
    """
    return OnTheFly(
        lambda asked: authority.issue((*asked, *names)), lambda: authority.clock(), fresh
    )


def given_server_context(
    certificate: Path, key: Path | None = None, fresh: Fresh = modern
) -> IOpenSSLServerConnectionCreator:
    """Return what shows the certificate of a file, with its chain, whatever name is asked for.

    Without `key`, the key is in the same file. `fresh` makes the context. Raises TlsFileError.
    """
    try:
        return Fixed(context_of(read_identity(certificate, key), fresh))
    except SSL.Error as error:
        words = error.args[0][-1][-1] if error.args and error.args[0] else "OpenSSL refuses it"
        raise TlsFileError(
            f"{certificate}: expected a certificate that can be used: {words}"
        ) from None


def client_context(
    hostname: str, ca: Path | None = None, verify: bool = True
) -> IOpenSSLClientConnectionCreator:
    """Return what takes upstream's certificate if it is good for a DNS name or an IP address.

    `ca` is a file of the authorities that are trusted instead of the system's. Without `verify`
    every certificate is taken. Raises WhereError for what is no name, and TlsFileError.
    """
    address = ip_address(hostname)
    host = str(address) if address is not None else dns_name(hostname.removesuffix("."))
    if not host:
        raise WhereError(f"expected a host name or an IP address, got {hostname!r}")
    context = modern()
    if verify:
        _trust(context, ca)
        ask_about_certificates(context)
    # RFC 6066 §3: an address is no server name.
    return _Client(context, host, verify, host.encode() if address is None else b"")


@implementer(IOpenSSLServerConnectionCreator)
class Fixed:
    """Begins TLS as a server, always in one way."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Return the connection that Twisted feeds."""
        return SSL.Connection(self._context)


@implementer(IOpenSSLServerConnectionCreator)
class OnTheFly:
    """Begins TLS as a server, under the name that the client asks for.

    `sign` makes a certificate and its key for that name, or for no name.
    """

    def __init__(self, sign: Sign, clock: Clock, fresh: Fresh = modern) -> None:
        self._sign = sign
        self._clock = clock
        self._fresh = fresh
        self._kept: OrderedDict[str, tuple[SSL.Context, datetime]] = OrderedDict()
        self._default, self._until = self._made(())

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Return the connection that Twisted feeds."""
        if self._clock() > self._until:
            self._default, self._until = self._made(())
        return SSL.Connection(self._default)

    def _asked(self, connection: SSL.Connection) -> None:
        """Take the certificate for the name in a client's hello."""
        # What is raised here would be printed, and the handshake broken off.
        try:
            asked = connection.get_servername() or b""
            if name := dns_name(asked.decode("ascii", "replace")):
                connection.set_context(self._for(name))
        except Exception:
            _log.failure("no certificate could be made for a server name")

    def _for(self, name: str) -> SSL.Context:
        context, until = self._kept.pop(name, (None, None))
        if context is None or until is None or self._clock() > until:
            context, until = self._made((name,))
        self._kept[name] = context, until
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return context

    def _made(self, names: Sequence[str]) -> tuple[SSL.Context, datetime]:
        """Return a context that shows these names and the default ones, and until when."""
        certificate, key = self._sign(names)
        context = context_of(Identity(key, certificate, []), self._fresh)
        if not names:
            context.set_tlsext_servername_callback(self._asked)
        return context, certificate.not_valid_after_utc - _EARLY


@implementer(IOpenSSLClientConnectionCreator)
class _Client:
    """Begins TLS as a client."""

    def __init__(self, context: SSL.Context, host: str, verify: bool, sni: bytes) -> None:
        self._context = context
        self._host = host
        self._verify = verify
        self._sni = sni

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Return the connection that Twisted feeds."""
        if self._verify:
            connection: SSL.Connection = VerifiedConnection(self._context, self._host)
        else:
            connection = SSL.Connection(self._context)
        if self._sni:
            connection.set_tlsext_host_name(self._sni)
        return connection


def context_of(identity: Identity, fresh: Fresh = modern) -> SSL.Context:
    """Return a fresh context that shows an identity. Raises SSL.Error where OpenSSL refuses it."""
    context = fresh()
    context.use_certificate(identity.certificate)
    for one in identity.chain:
        context.add_extra_chain_cert(one)
    context.use_privatekey(identity.key)
    return context


def _trust(context: SSL.Context, ca: Path | None) -> None:
    """Trust the authorities of a file, or those of the system."""
    if ca is not None:
        read_certificates(ca)  # OpenSSL's own words for what is wrong would not name the file
        try:
            context.load_verify_locations(str(ca))
        except SSL.Error:
            raise TlsFileError(f"{ca}: expected certificates of authorities in PEM") from None
        return
    context.set_default_verify_paths()
    # OpenSSL as it comes with cryptography finds them on Linux alone, and not everywhere.
    if (file := system_file()) is not None:
        with suppress(SSL.Error):
            context.load_verify_locations(str(file))
