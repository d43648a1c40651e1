"""Who a client asks to be logged in as, read from its AUTH (RFC 4954); the password is not kept.

Owns where each mechanism writes the name. Whether the client is believed is the server's affair.
"""

from __future__ import annotations

import re

from smtpproxy.auth.credentialforms import decoded
from smtpproxy.smtp.facts import Command, Continuation

_LONGEST = 256  # characters of a name
# RFC 4616, XOAUTH2, RFC 7628 and RFC 5801 §4, RFC 2195, RFC 5802 §5.1, RFC 2831 §2.1.2.
_FORMS: dict[bytes, re.Pattern[bytes]] = {
    b"PLAIN": re.compile(rb"[^\0]*\0(?P<name>[^\0]+)\0"),
    b"XOAUTH2": re.compile(rb"user=(?P<name>[^\x01]+)"),
    b"OAUTHBEARER": re.compile(rb"[nyp](?:=[^,]*)?,a=(?P<name>[^,]+),"),
    b"CRAM-MD5": re.compile(rb"(?P<name>.+) [0-9a-fA-F]{32}\Z", re.S),
    b"DIGEST-MD5": re.compile(rb"(?:.*?,)?\s{0,8}username=\"(?P<name>[^\"]+)\""),
    b"SCRAM": re.compile(rb"[nyp](?:=[^,]*)?,(?:a=[^,]*)?,n=(?P<name>[^,]+),r="),
}
_NAME_ALONE = frozenset({b"LOGIN", b"EXTERNAL", b"ANONYMOUS"})


class Identity:
    """The name in one client's AUTH: "" until it has said one."""

    __slots__ = ("_mechanism", "name")

    def __init__(self) -> None:
        self._mechanism = b""  # until the name was read
        self.name = ""

    def said(self, line: Command | Continuation) -> None:
        """The client sent AUTH, or a line that goes on with it."""
        if isinstance(line, Continuation):
            self._response(line.wire.strip())
            return
        mechanism, *initial = line.argument.split(None, 1) or [b""]
        self._mechanism, self.name = mechanism.upper(), ""
        if initial:
            self._response(initial[0])

    def _response(self, token: bytes) -> None:
        mechanism = self._mechanism
        if not mechanism or not token or token in (b"*", b"="):
            return
        response = decoded(token)
        if mechanism in _NAME_ALONE:
            self._named(response)
        elif form := _FORMS.get(b"SCRAM" if mechanism.startswith(b"SCRAM-") else mechanism):
            found = form.match(response)
            if found is not None:
                self._named(_unescaped(mechanism, found["name"]))

    def _named(self, name: bytes) -> None:
        self._mechanism = b""  # what follows is no name
        self.name = name.decode("utf-8", "backslashreplace")[:_LONGEST]


def _unescaped(mechanism: bytes, name: bytes) -> bytes:
    """Return a name without what RFC 5802 §5.1 does to commas and equal signs."""
    if mechanism.startswith((b"SCRAM-", b"OAUTH")):
        return name.replace(b"=2C", b",").replace(b"=3D", b"=")
    return name
