"""How the legs relate, what TLS is made of and who logs in, as options ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from smtpproxy.auth.deputy import Deputy
from smtpproxy.encryption import MIRROR, ORIGINATE, RELATIONS, relation_of
from smtpproxy.net.credentials import load_credentials
from smtpproxy.net.endpoints import SECURE, SINK, WhereError, interfaces, upstream_endpoint
from smtpproxy.net.names import dns_name, ip_address
from smtpproxy.net.pem import TlsFileError, read_certificates
from smtpproxy.net.secureplaces import KINDS, upstream_host
from smtpproxy.net.security import Security
from smtpproxy.settings import Settings, SettingsError
from smtpproxy.smtp.protocols import MailProtocol

#: Between us and these nobody listens who could not read our memory as well.
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_WITHIN = "localhost"  # the name of what is in this process; nobody asks for it


def relation_between(settings: Settings, where: str, protocol: MailProtocol) -> tuple[str, bool]:
    """Return how the legs relate, and whether upstream is to be asked for STARTTLS at once.

    `where` is upstream as it was given, or "" for a cassette. Raises SettingsError.
    """
    asked = settings.text("tls")
    if asked:
        settings.choice("tls", RELATIONS)
    try:
        kind = upstream_endpoint(where, protocol).partition(":")[0] if where else ""
        relation = relation_of(asked, kind in KINDS)
    except WhereError:
        return MIRROR, False  # whoever connects there says what is wrong
    except ValueError as error:
        raise SettingsError(f"--tls: {error}") from None
    if relation == ORIGINATE and where == SINK:
        raise SettingsError(f"--tls {relation}: {SINK} has no TLS; expected terminate, or strip")
    return relation, relation == ORIGINATE and bool(where) and kind not in KINDS


def deputy_for(
    settings: Settings, where: str, protocol: MailProtocol, environment: Mapping[str, str]
) -> Callable[[], Deputy | None]:
    """Return what makes the deputy of each session, if upstream is to be logged in to.

    Raises SettingsError or DocumentError.
    """
    credentials = load_credentials(environment, settings.path("upstream-login"))
    if credentials is None or where in ("", SINK):
        return lambda: None
    try:
        endpoint = upstream_endpoint(where, protocol)
    except WhereError:
        return lambda: None  # whoever connects there says what is wrong
    return lambda: Deputy(credentials, is_this_machine(endpoint))


def is_this_machine(endpoint: str) -> bool:
    """Does a client endpoint string lead to this very machine?"""
    return endpoint.startswith("unix:") or upstream_host(endpoint) in _THIS_MACHINE


def security_of(
    settings: Settings, listen: Sequence[str], where: str, protocol: MailProtocol
) -> Security:
    """Return what TLS is made of, between clients at server endpoints and an upstream, if any.

    Raises SettingsError, also where a place to listen on has TLS and that can't be had.
    """
    certificate, key = settings.path("certificate"), settings.path("key")
    if key is not None and certificate is None:
        raise SettingsError("--key needs --certificate FILE")
    names = [name for name in interfaces(listen) if dns_name(name) or ip_address(name)]
    there = where not in ("", SINK)
    try:
        security = Security(
            certificate,
            key,
            names,
            _upstream_name(settings, where, protocol) if there else _WITHIN,
            _upstream_ca(settings) if there else None,
            there and settings.flag("upstream-insecure"),
        )
    except TlsFileError as error:
        raise SettingsError(f"--certificate: {error}") from None
    if any(place.startswith(SECURE) for place in listen) and (why := security.unready()):
        raise SettingsError(f"--listen {SECURE} {why}")
    return security


def _upstream_name(settings: Settings, where: str, protocol: MailProtocol) -> str:
    if name := settings.text("upstream-name"):
        if not dns_name(name.removesuffix(".")) and ip_address(name) is None:
            problem = f"expected a host name or an IP address, got {name!r}"
            raise SettingsError(f"--upstream-name: {problem}")
        return name
    try:
        return upstream_host(upstream_endpoint(where, protocol))
    except WhereError:
        return ""  # whoever connects there says what is wrong


def _upstream_ca(settings: Settings) -> Path | None:
    path = settings.path("upstream-ca")
    try:
        if path is not None:
            read_certificates(path)
    except TlsFileError as error:
        raise SettingsError(f"--upstream-ca: {error}") from None
    return path
