"""aiosmtpd in a thread: the one server here whose envelopes are kept as it got them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.peers.mailserver import Delivered, MailServer
from tests.peers.processes import HOST, await_greeting, free_port

UNKNOWN = "nobody@example.net"


class Keeper:
    """Keeps every envelope; refuses one recipient. The methods are named as aiosmtpd calls them."""

    def __init__(self) -> None:
        self.kept: list[Delivered] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take every recipient save the unknown one."""
        if address == UNKNOWN:
            return f"550 5.1.1 <{address}>: user unknown"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the envelope and its mail data."""
        sender = (envelope.mail_from or "").strip("<>")  # it keeps the null reverse-path as `<>`
        octets = envelope.original_content or b""
        self.kept.append(Delivered(sender, tuple(envelope.rcpt_tos), octets))
        return "250 2.0.0 Ok: kept"


@dataclass(frozen=True)
class AiosmtpdServer(MailServer):
    """A running aiosmtpd, and what it has kept."""

    keeper: Keeper

    def delivered(self) -> list[Delivered]:
        """Every envelope kept so far."""
        return list(self.keeper.kept)


@contextlib.contextmanager
def run_aiosmtpd() -> Iterator[AiosmtpdServer]:
    """Run aiosmtpd in a thread with its Controller."""
    keeper, port = Keeper(), free_port()
    controller = Controller(keeper, hostname=HOST, port=port, server_hostname="aio.example.net")
    controller.start()
    try:
        await_greeting(port)
        yield AiosmtpdServer(HOST, port, keeper)
    finally:
        controller.stop()
