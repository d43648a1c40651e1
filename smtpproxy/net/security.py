"""What TLS is made of on either leg: the one place where sessions get what begins it.

Owns when files are read: those that a user names at once, the local authority's when it is needed.
Knows neither sessions nor when TLS begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)

from smtpproxy.net.authority import Authority, AuthorityError, default_folder
from smtpproxy.net.endpoints import WhereError
from smtpproxy.net.flaws import FLAWS, Shown
from smtpproxy.net.pem import TlsFileError, read_certificates
from smtpproxy.net.tlscontexts import (
    Fresh,
    client_context,
    given_server_context,
    modern,
    server_context,
)


class Security:
    """Begins TLS with clients as a server, and with upstream as a client."""

    def __init__(
        self,
        certificate: Path | None = None,
        key: Path | None = None,
        names: Sequence[str] = (),
        upstream: str = "",
        ca: Path | None = None,
        insecure: bool = False,
        folder: Callable[[], Path] = default_folder,
    ) -> None:
        """Read the files that are named.

        Clients are shown `certificate`, or else one that the authority of `folder` makes for the
        name that they ask for, for `names` and for this machine. Upstream's certificate must be
        for `upstream`, by the authorities of `ca` or of the system, unless `insecure`. Raises
        TlsFileError.
        """
        self.insecure = insecure
        self._given = (certificate, key) if certificate is not None else None
        self._names = tuple(names)
        self._upstream = upstream
        self._ca = ca
        self._folder = folder
        self._authority: Authority | None = None
        self._servers: dict[str, IOpenSSLServerConnectionCreator] = {}
        self._client: IOpenSSLClientConnectionCreator | None = None
        self._why: str | None = None
        self._shown = Shown(self._opened, self._good, names)
        if self._given is not None:
            self.server()
        if ca is not None:
            read_certificates(ca)

    def server(self, flaw: str = "") -> IOpenSSLServerConnectionCreator:
        """Return what begins TLS with a client, in good order or with a flaw that has a name.

        Raises TlsFileError, AuthorityError, or KeyError for what is no flaw.
        """
        if flaw not in self._servers:
            self._servers[flaw] = FLAWS[flaw](self._shown) if flaw else self._good(modern)
        return self._servers[flaw]

    def unready(self) -> str:
        """Return why TLS with clients can't begin, in one line; "" where it can."""
        if self._why is None:
            try:
                self.server()
                self._why = ""
            except (AuthorityError, TlsFileError) as error:
                self._why = str(error)
        return self._why

    def unverifiable(self) -> str:
        """Return why TLS with upstream can't begin, in one line; "" where it can."""
        try:
            self.client()
        except (WhereError, TlsFileError) as error:
            return str(error)
        return ""

    def client(self) -> IOpenSSLClientConnectionCreator:
        """Return what begins TLS with upstream.

        Raises WhereError where upstream has no name that its certificate could bear, and
        TlsFileError.
        """
        if self._client is None:
            if not self._upstream:
                raise WhereError(
                    "upstream has no name that its certificate could be for; "
                    "expected --upstream-name NAME"
                )
            self._client = client_context(self._upstream, self._ca, not self.insecure)
        return self._client

    def authority(self) -> Authority | None:
        """Return the authority that clients are to trust, or None where files were given.

        Raises AuthorityError.
        """
        return None if self._given is not None else self._opened()

    def _opened(self) -> Authority:
        if self._authority is None:
            self._authority = Authority.open(self._folder().absolute())
        return self._authority

    def _good(self, fresh: Fresh) -> IOpenSSLServerConnectionCreator:
        if self._given is not None:
            return given_server_context(*self._given, fresh)
        return server_context(self._opened(), self._names, fresh)
