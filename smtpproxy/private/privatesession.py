"""One session as it may be kept: its facts, its state and its ends, by the user's rules.

Owns the order: credentials are hidden first, then what the rules name. What is relayed is never
touched.
"""

from __future__ import annotations

import re
from typing import Any

from smtpproxy.auth.echoes import PLACEHOLDER
from smtpproxy.auth.redaction import REDACTED_LINE, Redactor
from smtpproxy.exchange import Exchange
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatelines import PrivateLines
from smtpproxy.private.privatemail import PrivateMail
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Chunk, MailData, Reply, is_last_chunk
from smtpproxy.smtp.path import Path, domain_of, parse_path
from smtpproxy.smtp.state import State
from smtpproxy.tlsfacts import TlsFacts

#: Facts whose octets are whole lines of upstream's; of others they were cut anywhere.
_WHOLE = frozenset({"stray-line", "unsolicited-reply", "early-reply"})
_PLACE = re.compile(r"\[([^\]]*)\](.*)|([^:/]*)(:[0-9]+)?")


class PrivateRedactor(Redactor):
    """What the secrets of one session are: credentials, and what the user's rules name."""

    __slots__ = ("_mail", "_reset", "lines", "privacy")

    def __init__(self, privacy: Privacy) -> None:
        super().__init__()
        self.privacy = privacy
        self.lines = PrivateLines(privacy)
        self._mail: PrivateMail | None = None  # the message that is passing
        self._reset = True  # what follows is a message of its own

    def concerns(self, stage: str) -> bool:
        """Is there anything to redact in an exchange at this stage?"""
        return True

    def sent(self, exchange: Exchange) -> bytes:
        """Return what the client sent, as it may be kept."""
        shown = super().sent(exchange)
        if not shown or shown is REDACTED_LINE:
            return shown
        return self.lines.command(exchange.stage, shown)

    def told(self, wire: bytes) -> bytes:
        """Return a command that upstream was told, as it may be kept."""
        shown = super().told(wire)
        return self.lines.command(parse_command(shown).verb, shown)

    def said(self, exchange: Exchange, reply: Reply | None) -> Reply | None:
        """Return a reply as it may be kept."""
        shown = super().said(exchange, reply)
        if shown is None:
            return None
        wire = self.lines.reply(exchange.stage, shown.wire)
        return shown if wire == shown.wire else Reply(shown.code, wire)

    def foresee(self, exchange: Exchange) -> None:
        """Take note of what an exchange announces: secrets, or a chunk, or another message."""
        command = exchange.command
        if exchange.stage == "BDAT" and command is not None:
            if self._reset:
                self._mail = None
            self._reset = is_last_chunk(command.wire)
        elif exchange.stage == "RSET":
            self._reset = True
        else:
            super().foresee(exchange)

    def mail(self) -> PrivateMail:
        """Return the message that is passing, or the one that begins."""
        if self._mail is None:
            self._mail = PrivateMail(self.privacy, self.lines.words)
        return self._mail

    def mail_data(self, fact: MailData | Chunk) -> MailData | Chunk:
        """Return octets of mail data as they may be kept, as far as that is certain by now."""
        if not self.privacy.of_mail:
            return fact
        mail = self.mail()
        ends = fact.last and (isinstance(fact, MailData) or self._reset)
        octets = mail.feed(fact.octets, ends)
        if ends:
            self._mail = None
        return fact._replace(octets=octets)

    def noted(self, fact: str, octets: bytes) -> bytes:
        """Return the octets of a fact as they may be kept."""
        if not octets or octets == PLACEHOLDER:
            return octets
        if fact in _WHOLE:
            return self.lines.reply("", octets)
        return PLACEHOLDER  # it was cut, and so may be what would have been found in it

    def detail(self, fact: str, detail: str) -> str:
        """Return the detail of a fact as it may be kept."""
        if fact != "own-command":
            return self.privacy.words(detail)
        octets = detail.encode("utf-8", "backslashreplace")
        shown = self.lines.command(detail.partition(" ")[0], octets)
        return shown.decode("utf-8", "backslashreplace")

    def tls(self, facts: TlsFacts) -> TlsFacts:
        """Return what is known of a leg's TLS: the certificate tells whose it is."""
        if self.privacy.addresses is None:
            return facts
        return facts._replace(sni=self.privacy.words(facts.sni), subject="", fingerprint="")

    def path(self, path: Path | None) -> Path | None:
        """Return a path as it may be kept."""
        if path is None:
            return None
        line = b"MAIL FROM:<" + path.address.encode("utf-8", "backslashreplace") + b">\r\n"
        shown = parse_path(self.lines.command("MAIL", line)[5:].strip())
        return Path(shown.address if shown else "", ())

    def recipient(self, address: str) -> str:
        """Return an address as it may be kept."""
        shown = self.path(Path(address)) if address else None
        return shown.address if shown else ""


class PrivateState(State):
    """What observers may know of a session's state."""

    __slots__ = ("_of", "_redactor")

    def __init__(self, of: State, redactor: PrivateRedactor) -> None:
        # What is not set here is asked for below.
        self._of = of
        self._redactor = redactor

    def __getattr__(self, name: str) -> Any:
        """Return what tells of nobody."""
        found = getattr(self._of, name)
        if name == "helo" and found:
            return self._redactor.lines.command("EHLO", b"EHLO " + found)[5:]
        return found

    @property
    def sender(self) -> Path | None:
        """The reverse-path of the open mail transaction, or None where there is none."""
        return self._redactor.path(self._of.sender)

    @property
    def accepted(self) -> list[Path]:
        """The forward-paths that were accepted, in order, as far as they are remembered."""
        return [path for path in map(self._redactor.path, self._of.accepted) if path is not None]

    def accepted_addresses(self) -> list[str]:
        """Return the address of each accepted RCPT, or "" where it is not known."""
        return list(map(self._redactor.recipient, self._of.accepted_addresses()))

    def accepted_domains(self) -> set[str]:
        """Return the domain of each accepted RCPT, in lower case, "" where it has none."""
        return set(map(domain_of, self.accepted_addresses()))


def private_place(privacy: Privacy, place: str) -> str:
    """Return HOST:PORT with a pseudonym for the host."""
    names, found = privacy.addresses, _PLACE.fullmatch(place)
    if names is None or found is None:
        return place
    host = names.ip(found[1] or found[3] or "")
    port = found[2] or found[4] or ""
    return f"[{host}]{port}" if ":" in host else f"{host}{port}"


def private_host(privacy: Privacy, host: str) -> str:
    """Return an IP address as it may be kept."""
    return host if privacy.addresses is None else privacy.addresses.ip(host)
