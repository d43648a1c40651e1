"""What TLS is made of, as options ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smtpproxy.net.endpoints import SECURE, SINK, WhereError, interfaces, upstream_endpoint
from smtpproxy.net.names import dns_name, ip_address
from smtpproxy.net.pem import TlsFileError, read_certificates
from smtpproxy.net.secureplaces import upstream_host
from smtpproxy.net.security import Security
from smtpproxy.settings import Settings, SettingsError
from smtpproxy.smtp.protocols import MailProtocol


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
            _upstream_name(settings, where, protocol) if there else "",
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
