"""WHERE, as options say it: short forms turned into Twisted's endpoint strings.

Owns the refusal of anything that is not loopback to listen on, unless asked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from smtpproxy.smtp.protocols import SMTP, MailProtocol

SINK = "sink:"
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%a-z]+\]|[^:\s\[\]/]+)(?::(?P<port>[0-9]{1,5}))?")
_KIND = re.compile(r"([a-z][a-z0-9]*):(?!//)(.*)", re.DOTALL)
_SERVER_KINDS = ("tcp", "tcp4", "tcp6", "unix", "systemd", "haproxy", "fd")
#: The kinds of upstream to which octets go as they are.
PLAIN = ("tcp", "unix")
#: Before a server endpoint string: TLS from the first octet on, which is ours and not Twisted's.
SECURE = "tls:"
#: Before a server endpoint string: another proxy says who the client is.
PROXIED = "haproxy:"
_SECURE_KINDS = ("tls", "ssl")
_TWISTEDS = ("privateKey", "certKey", "extraCertChain", "sslmethod", "dhParameters")
_CLIENT_KINDS = ("tcp", "ssl", "tls", "unix", "host")
#: What Twisted raises where it can't read an endpoint string.
MISREAD = (ValueError, TypeError, KeyError, ImportError, OSError)


class WhereError(ValueError):
    """A place to listen on, or to connect to, can't be read. Says what was expected."""


def listen_endpoint(where: str) -> str:
    """Return the server endpoint string for a port, HOST:PORT or endpoint string.

    Behind `tls:` and `ssl:` stands any of these; the string then begins with SECURE. Raises
    WhereError.
    """
    if where.isascii() and where.isdigit():
        return f"tcp:{_port(where)}:interface=127.0.0.1"
    kind, rest = found.groups() if (found := _KIND.fullmatch(where)) else ("", "")
    if kind in _SECURE_KINDS:
        return SECURE + _beneath(kind, rest)
    if f"{kind}:" == PROXIED and rest.partition(":")[0] in _SECURE_KINDS:
        raise WhereError("TLS behind haproxy: is not built; expected haproxy:tcp:…, or tls:… alone")
    if kind in _SERVER_KINDS:
        return where
    host, port = _host_port(where)
    if port is None:
        raise WhereError(f"expected a port, HOST:PORT or an endpoint string, got {where!r}")
    if host == "localhost":
        host = "127.0.0.1"
    kind = "tcp6" if ":" in host else "tcp"
    return f"{kind}:{port}:interface={_escaped(host)}"


def _beneath(kind: str, where: str) -> str:
    """Return the plain server endpoint string beneath TLS. Raises WhereError."""
    for name in _TWISTEDS:
        if _argument(where, name) is not None:
            raise WhereError(
                f"{kind}: takes no {name}=; expected --certificate FILE and --key FILE, "
                "or a certificate is made"
            )
    port, _, arguments = where.partition(":")
    if port.isascii() and port.isdigit() and "=" in arguments:
        interface = _argument(where, "interface")
        if interface is None:
            return f"tcp:{_port(port)}:{arguments}:interface=127.0.0.1"
        return f"{'tcp6' if ':' in interface else 'tcp'}:{_port(port)}:{arguments}"
    endpoint = listen_endpoint(where)
    if endpoint.startswith((SECURE, PROXIED)):
        raise WhereError(f"expected {kind}:PORT or {kind}:HOST:PORT, got {kind}:{where}")
    return endpoint


def interfaces(endpoints: Iterable[str]) -> list[str]:
    """Return the addresses and host names that server endpoint strings name, in order."""
    named = [_argument(endpoint, "interface") for endpoint in endpoints]
    hosts = [host.partition("%")[0] for host in named if host]
    return [host for host in hosts if not _is_any(host)]


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def is_loopback(endpoint: str) -> bool:
    """Can only this machine reach what listens on this server endpoint string?"""
    kind, _, rest = endpoint.partition(":")
    if kind == "unix":
        return True
    if f"{kind}:" in (SECURE, PROXIED):
        return is_loopback(rest)
    host = _argument(rest, "interface") or ""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def with_timeout(endpoint: str, seconds: int) -> str:
    """Return the client endpoint string with so long to connect, unless it says how long itself."""
    if _argument(endpoint, "timeout") is not None:
        return endpoint
    return f"{endpoint}:timeout={seconds}"


def upstream_endpoint(where: str, protocol: MailProtocol = SMTP) -> str:
    """Return the client endpoint string for HOST[:PORT], smtp://HOST or an endpoint string.

    `sink:` stays as it is. Raises WhereError.
    """
    if where == SINK:
        return where
    if where == SINK.rstrip(":"):
        host = f"{where}:{protocol.port or 'PORT'}"
        raise WhereError(f"did you mean {SINK!r}? A host of that name is {host}")
    scheme, separator, rest = where.partition("://")
    if separator:
        if scheme not in protocol.schemes:
            host = "HOST" if protocol.port else "HOST:PORT"
            known = " or ".join(f"{scheme}://{host}" for scheme in protocol.schemes)
            raise WhereError(f"expected {known}, got {where!r}")
        kind, standard = protocol.schemes[scheme]
        return _client_endpoint(kind, rest.rstrip("/"), standard)
    if (found := _KIND.fullmatch(where)) and found[1] in _CLIENT_KINDS and not found[2].isdigit():
        return where
    return _client_endpoint("tcp", where, protocol.port)


def _client_endpoint(kind: str, where: str, standard: int | None) -> str:
    host, port = _host_port(where)
    port = standard if port is None else port
    if port is None:
        # RFC 2033 §3: by arrangement only, and never on port 25.
        raise WhereError(
            f"LMTP has no standard port; expected {where}:PORT, or unix:/PATH for a socket"
        )
    return f"{kind}:{_escaped(host)}:{port}"


def _argument(endpoint: str, name: str) -> str | None:
    # Twisted takes the last of several; a colon that belongs to a value is escaped.
    parts = re.findall(r"(?:\\.|[^:\\])+", endpoint)
    named = [part.removeprefix(f"{name}=") for part in parts if part.startswith(f"{name}=")]
    return named[-1].replace("\\", "") if named else None


def _host_port(where: str) -> tuple[str, int | None]:
    found = _HOST_PORT.fullmatch(where)
    if not found:
        raise WhereError(f"expected HOST, HOST:PORT or an endpoint string, got {where!r}")
    port = found["port"]
    return found["host"].strip("[]"), None if port is None else _port(port)


def _port(text: str) -> int:
    if int(text) > 65535:
        raise WhereError(f"expected a port from 0 to 65535, got {text}")
    return int(text)


def _escaped(host: str) -> str:
    return host.replace("\\", "\\\\").replace(":", "\\:")
