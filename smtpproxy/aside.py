"""What the proxy itself says to upstream while its client waits.

Owns the form of it: a generator that yields what is to be done, and is sent each reply, or None
once its leg is encrypted. It ends where the client may go on.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from smtpproxy.actions import StartTls
from smtpproxy.smtp.facts import Reply

#: Yields a command, or b"" to wait; returns the greeting that the client is to hear, if it is any.
Aside: TypeAlias = Generator[bytes | StartTls, Reply | None, Reply | None]

#: The fact of a login that failed.
NOT_LOGGED_IN = "not-logged-in"


class AsideError(Exception):
    """Upstream does not take it. Says why, in a few words; `fact` is its name in the log.

    `fatal`: the session is to end.
    """

    def __init__(self, words: str, fact: str = "not-introduced", fatal: bool = True) -> None:
        super().__init__(words)
        self.fact = fact
        self.fatal = fatal


def heard(reply: Reply | None) -> Reply:
    """Return a reply that must be there, where TLS was not asked for."""
    if reply is None:
        raise AsideError("upstream's leg was encrypted unasked")
    return reply
