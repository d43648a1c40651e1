"""The upstream that options ask for: where it is, and what it is told before the first octet."""

from __future__ import annotations

import itertools
from typing import Any

from smtpproxy.net.endpoints import MISREAD, PLAIN, SINK, WhereError, upstream_endpoint
from smtpproxy.net.local import LocalUpstream
from smtpproxy.net.pem import TlsFileError
from smtpproxy.net.proxyprotocol import VERSIONS
from smtpproxy.net.secureplaces import plain_place
from smtpproxy.net.security import Security
from smtpproxy.net.session import Upstream
from smtpproxy.net.upstream import EndpointUpstream, Preface, TcpUpstream, client_endpoint
from smtpproxy.settings import Settings, SettingsError
from smtpproxy.sink import Sink
from smtpproxy.smtp.protocols import MailProtocol

_HEADER = "upstream-proxy-protocol"


def real_upstream(
    settings: Settings, protocol: MailProtocol, security: Security, reactor: Any
) -> Upstream:
    """Return the upstream that is no cassette. Raises SettingsError."""
    where = settings.text("upstream")
    if not where:
        asked = settings.text("mode")
        why = " (there is no such cassette yet)" if asked == "once" else ""
        raise SettingsError(f"--mode {asked} needs --upstream WHERE{why}; sink: accepts everything")
    try:
        return _upstream_at(
            upstream_endpoint(where, protocol), settings, protocol, security, reactor
        )
    except SettingsError:
        raise  # it is a ValueError, too, and says which option is wrong
    except WhereError as error:
        raise SettingsError(f"--upstream: {error}") from None
    except TlsFileError as error:
        raise SettingsError(f"--upstream-ca: {error}") from None
    except MISREAD as error:
        raise SettingsError(f"--upstream {where} is no endpoint string: {error}") from None


def _upstream_at(
    endpoint: str, settings: Settings, protocol: MailProtocol, security: Security, reactor: Any
) -> Upstream:
    preface = preface_of(settings, endpoint)
    if endpoint == SINK:
        taken = itertools.count(1)
        return LocalUpstream(SINK, lambda: Sink(lambda: next(taken), protocol))
    seconds = _connect_timeout(settings)
    if place := plain_place(endpoint):
        return TcpUpstream(endpoint, reactor, place, seconds, preface)
    connecting = client_endpoint(reactor, endpoint, seconds, security.client)
    return EndpointUpstream(endpoint, connecting, preface)


def _connect_timeout(settings: Settings) -> float:
    seconds = settings.seconds("connect-timeout")
    if not seconds:
        raise SettingsError("--connect-timeout: expected more than 0 seconds")
    return seconds


def preface_of(settings: Settings, upstream: str) -> Preface | None:
    """Return what makes the PROXY header that a kind of upstream is sent, if it is to be.

    Raises SettingsError.
    """
    if not settings.text(_HEADER):
        return None
    version = settings.choice(_HEADER, VERSIONS)
    if upstream.partition(":")[0] not in PLAIN:
        raise SettingsError(
            f"--{_HEADER}: only a plain upstream (tcp: or unix:) can be sent a PROXY header, "
            f"not {upstream}"
        )
    return VERSIONS[version]
