"""Tells upstream who the client is, by Postfix's XCLIENT, before anything is relayed.

Owns the commands that the proxy itself sends for that. An upstream that does not learn the client's
address would take every client for the proxy: so a session whose introduction fails is ended.
"""

from __future__ import annotations

from smtpproxy.place import Place
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.protocols import SMTP, MailProtocol


class IntroductionError(Exception):
    """Upstream does not take it. Says why, in a few words."""


class Introduction:
    """What is said to upstream on behalf of one client, which is at `source`."""

    def __init__(self, source: Place, protocol: MailProtocol = SMTP) -> None:
        self._source = source
        self._hello = f"{protocol.hello} smtpproxy.localhost\r\n".encode()
        self._said: list[bytes] = []

    def after(self, reply: Reply) -> bytes:
        """Return the next command, or b"" where `reply` is the greeting that the client may hear.

        The first `reply` is upstream's own greeting. Raises IntroductionError.
        """
        steps = len(self._said)
        if steps == 0:
            command = self._hello if reply.code // 100 == 2 else b""
        elif steps == 1:
            command = self._xclient(reply)
        else:
            if reply.code != 220:
                raise IntroductionError(f"upstream answered XCLIENT with {reply.code}")
            command = b""
        self._said.append(command)
        return command

    def _xclient(self, reply: Reply) -> bytes:
        lines = filter(None, (line.upper().split() for line in reply.lines))
        words = {keyword: parameters for keyword, *parameters in lines}
        offered = words.get(b"XCLIENT", []) if reply.code == 250 else []
        if b"ADDR" not in offered:
            raise IntroductionError("upstream does not offer XCLIENT with ADDR to this proxy")
        host, port = self._source.host, self._source.port
        address = f"IPV6:{host}" if ":" in host else host or "[UNAVAILABLE]"
        also = f" PORT={port}" if b"PORT" in offered and port else ""
        return f"XCLIENT ADDR={address}{also}\r\n".encode()
