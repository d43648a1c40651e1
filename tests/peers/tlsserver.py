"""What every real server that speaks TLS has in common, and what it says of how mail came."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.peers.mailserver import Delivered, MailServer

# RFC 5321 §4.4: a clause of the topmost trace field; RFC 3848 has its words.
WITH = re.compile(rb"^Received:.*?\bwith (\w+)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class TlsServer:
    """One server at three ports: STARTTLS is offered, must be used, or TLS is implicit.

    `mail` has the first of them, and what has been delivered by any.
    """

    mail: MailServer
    insisting: int
    implicit: int

    @property
    def offering(self) -> int:
        """The port at which STARTTLS is offered, and mail is taken without it."""
        return self.mail.port


def came_with(mail: Delivered) -> str:
    """The protocol by which a server says that it got a message: ESMTP, ESMTPS, ESMTPSA …"""
    headers = mail.octets.partition(b"\r\n\r\n")[0]
    found = WITH.search(headers)
    assert found is not None, headers
    return found[1].decode().upper()
