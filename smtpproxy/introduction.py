"""What upstream is told before anything is relayed: STARTTLS, and who the client is (XCLIENT).

Owns the commands that the proxy itself sends for that. An upstream that does not encrypt would be
sent in plain text what was to be kept secret, and one that does not learn the client's address
would take every client for the proxy: so a session whose introduction fails is ended.
"""

from __future__ import annotations

from typing import NamedTuple

from smtpproxy.actions import Side, StartTls
from smtpproxy.aside import Aside, AsideError, heard
from smtpproxy.place import UNKNOWN, Place
from smtpproxy.smtp.ehlo import keyword_of, offers
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.protocols import SMTP, MailProtocol


class Introduction(NamedTuple):
    """What is to be said on behalf of one client, which is at `source`."""

    source: Place = UNKNOWN.source
    protocol: MailProtocol = SMTP
    xclient: bool = False
    starttls: bool = False
    later: bool = False  # upstream is connected to where a cassette does not go on

    def __bool__(self) -> bool:
        return (self.xclient or self.starttls) and not self.later

    def aside(self) -> Aside:
        """Return the dialogue. It raises AsideError."""
        greeting = heard((yield b""))
        if greeting.code // 100 != 2:
            return greeting  # there is nobody to be told anything
        if self.starttls:
            yield from self._encrypted()
        if self.xclient:
            return (yield from self._named())
        return greeting

    def again(self, hello: bytes) -> Aside:
        """Return the dialogue with another connection, up to the client's own EHLO."""
        greeting = yield from self.aside()
        if greeting is None or greeting.code // 100 != 2:
            raise AsideError("upstream does not greet again")
        reply = heard((yield hello)) if hello else greeting
        if reply.code // 100 != 2:
            raise AsideError(f"upstream answered the client's own greeting with {reply.code}")
        return None

    @property
    def _hello(self) -> bytes:
        return f"{self.protocol.hello} smtpproxy.localhost\r\n".encode()

    def _encrypted(self) -> Aside:
        if not offers(heard((yield self._hello)), b"STARTTLS"):
            raise AsideError("upstream does not offer STARTTLS")
        reply = heard((yield b"STARTTLS\r\n"))
        if reply.code != 220:
            raise AsideError(f"upstream answered STARTTLS with {reply.code}")
        yield StartTls(Side.UPSTREAM)
        return None

    def _named(self) -> Aside:
        reply = heard((yield self._xclient(heard((yield self._hello)))))
        if reply.code != 220:
            raise AsideError(f"upstream answered XCLIENT with {reply.code}")
        return reply

    def _xclient(self, reply: Reply) -> bytes:
        found = [line.upper().split()[1:] for line in reply.lines if keyword_of(line) == b"XCLIENT"]
        offered = found[0] if found and reply.code == 250 else []
        if b"ADDR" not in offered:
            raise AsideError("upstream does not offer XCLIENT with ADDR to this proxy")
        host, port = self.source.host, self.source.port
        address = f"IPV6:{host}" if ":" in host else host or "[UNAVAILABLE]"
        also = f" PORT={port}" if b"PORT" in offered and port else ""
        return f"XCLIENT ADDR={address}{also}\r\n".encode()


NO_INTRODUCTION = Introduction()
