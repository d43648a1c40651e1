"""TLS on both legs, as options ask for it: what is asked, what it is made of, what is said of it.

Owns the refusal of what could never work, before anything listens.
"""

from __future__ import annotations

from collections.abc import Sequence

from smtpproxy.console import say
from smtpproxy.encryption import MIRROR, TERMINATE
from smtpproxy.net.authority import Authority
from smtpproxy.net.endpoints import SECURE, SINK
from smtpproxy.net.securing import relation_between, security_of
from smtpproxy.settings import Settings, SettingsError
from smtpproxy.smtp.protocols import MailProtocol

_INSECURE = "--upstream-insecure: upstream's certificate"


class Encrypting:
    """How a run has TLS, between clients at server endpoints and an upstream.

    `where` is upstream as it was given, or "" for a cassette. Raises SettingsError.
    """

    def __init__(
        self, settings: Settings, listen: Sequence[str], where: str, protocol: MailProtocol
    ) -> None:
        self.relation, self.asks_for_tls = relation_between(settings, where, protocol)
        self.security = security_of(settings, listen, where, protocol)
        secure = any(place.startswith(SECURE) for place in listen)
        # Who has TLS from the first octet on can't ask for upstream's.
        self._at_once = self.asks_for_tls or (secure and self.relation == MIRROR)
        # May there be TLS with clients?
        follows = self.relation == TERMINATE or (self.relation == MIRROR and where != SINK)
        self._with_clients = follows or secure

    def check(self) -> None:
        """Refuse what could not begin TLS where that is sure to be due. Raises SettingsError."""
        if self.relation == TERMINATE and (why := self.security.unready()):
            raise SettingsError(f"--tls {self.relation}: {why}")
        if self._at_once and (why := self.security.unverifiable()):
            raise SettingsError(f"--tls {self.relation}: {why}")

    def authority(self) -> Authority | None:
        """Return the authority that clients are to trust; None where they meet no such thing.

        Raises AuthorityError.
        """
        return self.security.authority() if self._with_clients else None

    def unready(self) -> str:
        """Return whose leg can't have TLS, and why, where a client asks for it, or ""."""
        if why := self.security.unready():
            return f"client: {why}"
        why = self.security.unverifiable() if self.relation == MIRROR else ""
        return f"upstream: {why}" if why else ""

    def warn(self) -> None:
        """Say what is not verified in this run, if anything."""
        if self.security.insecure:
            say(f"smtpproxy: {_INSECURE} is not verified: whoever poses as upstream is believed")

    def remind(self) -> None:
        """Say at the end what was not verified."""
        if self.security.insecure:
            say(f"smtpproxy: {_INSECURE} was not verified in this run")
