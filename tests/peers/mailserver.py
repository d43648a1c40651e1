"""What every real server of the tests has in common: an address, and the mail it has taken.

Knows how delivered mail is waited for and how a maildir is read; not how a server is started.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from email import message_from_string
from email.policy import compat32
from email.utils import getaddresses
from functools import cache
from pathlib import Path

SECONDS = 30.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Delivered:
    """One message as it was delivered: its envelope, and its octets with CRLF line ends."""

    sender: str
    recipients: tuple[str, ...]
    octets: bytes


@dataclass(frozen=True)
class MailServer(ABC):
    """A real server, listening on `host` and `port` until its block ends."""

    host: str
    port: int

    @abstractmethod
    def delivered(self) -> list[Delivered]:
        """All that has been delivered since the server started, in no certain order."""

    def messages(self) -> list[bytes]:
        """The octets alone of all that has been delivered."""
        return [delivered.octets for delivered in self.delivered()]

    def await_mail(
        self, count: int = 1, containing: bytes = b"", seconds: float = SECONDS
    ) -> list[Delivered]:
        """Wait until `count` messages that contain these octets have come, and return them all.

        More than `count` are returned too: a message delivered twice is for the test to see.
        """
        return self._await(lambda found: len(found) >= count, containing, seconds)

    def await_recipients(
        self, recipients: Collection[str], containing: bytes = b"", seconds: float = SECONDS
    ) -> list[Delivered]:
        """Wait until each of these recipients has a message that contains these octets.

        A server may deliver one copy for all recipients (Exim) or one for each (Postfix).
        """

        def reached(found: list[Delivered]) -> bool:
            return {*recipients} <= {address for mail in found for address in mail.recipients}

        return self._await(reached, containing, seconds)

    def _await(
        self, enough: Callable[[list[Delivered]], bool], containing: bytes, seconds: float
    ) -> list[Delivered]:
        deadline = time.monotonic() + seconds
        while True:
            found = [mail for mail in self.delivered() if containing in mail.octets]
            if enough(found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds} seconds only {len(found)} had come")
            time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class MaildirServer(MailServer):
    """A server that delivers to one maildir, and writes the envelope on top of each message."""

    maildir: Path

    def delivered(self) -> list[Delivered]:
        """Every message in `new`, where a message is only moved once it is complete."""
        return read_maildir(self.maildir)


def read_maildir(maildir: Path) -> list[Delivered]:
    """Every message of a maildir, where none has been read yet."""
    return [_read(path) for path in sorted(maildir.glob("new/*"))]


@cache  # a maildir is looked at again and again, and a message in it never changes
def _read(path: Path) -> Delivered:
    octets = path.read_bytes()
    added = message_from_string(octets.partition(b"\n\n")[0].decode(), policy=compat32)
    recipients = added.get_all("Envelope-to", []) or added.get_all("Delivered-To", [])
    return Delivered(
        # OpenSMTPD leaves the field out where the reverse-path is null.
        sender=added.get("Return-Path", "").strip().strip("<>"),
        recipients=tuple(address for _, address in getaddresses(recipients)),
        octets=octets.replace(b"\n", b"\r\n"),
    )
