"""aiosmtplib's client, as one of the `send_` functions."""

import asyncio
from collections.abc import Sequence

import aiosmtplib

from tests.peers.clients import CLIENT_NAME, SECONDS, Outcome


def send_aiosmtplib(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by aiosmtplib, with options for MAIL; it goes on where one recipient is refused."""

    async def converse() -> Outcome:
        client = aiosmtplib.SMTP(
            hostname=host, port=port, local_hostname=CLIENT_NAME, timeout=seconds
        )
        async with client:
            refused, said = await client.sendmail(
                sender, recipients, message, mail_options=options or None
            )
        return Outcome(not refused, f"{said}\n{refused}")

    try:
        return asyncio.run(converse())
    except (OSError, aiosmtplib.SMTPException) as problem:
        return Outcome(False, repr(problem))
