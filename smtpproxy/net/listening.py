"""Where clients connect, as options ask for it: nowhere that others reach, unless that is meant."""

from __future__ import annotations

from typing import Any

from twisted.internet.endpoints import serverFromString

from smtpproxy.net.endpoints import MISREAD, SECURE, WhereError, is_loopback, listen_endpoint
from smtpproxy.settings import Settings, SettingsError


def listen_endpoints(settings: Settings, reactor: Any) -> list[str]:
    """Return the server endpoint strings of --listen. Raises SettingsError."""
    return [_checked(where, settings, reactor) for where in settings.many("listen")]


def _checked(where: str, settings: Settings, reactor: Any) -> str:
    try:
        endpoint = listen_endpoint(where)
        serverFromString(reactor, endpoint.removeprefix(SECURE))
    except WhereError as error:
        raise SettingsError(f"--listen: {error}") from None
    except MISREAD as error:
        raise SettingsError(f"--listen {where} is no endpoint string: {error}") from None
    if not is_loopback(endpoint) and not settings.flag("allow-remote"):
        raise SettingsError(
            f"--listen {where}: others could relay mail through this proxy; listen on "
            "127.0.0.1, or say --allow-remote if that is meant"
        )
    return endpoint
