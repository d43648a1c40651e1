"""nodemailer, as one of the `send_` functions. The program is ours (node/send.js)."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.peers.clients import CLIENT_NAME, SECONDS, Outcome, run_client
from tests.peers.programs import need_node

SEND = Path(__file__).parent / "node" / "send.js"


def send_nodemailer(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by nodemailer, with options such as `lmtp`, `dsn` or `ca=FILE`.

    It goes on past a refused recipient.
    """
    place = {"host": host, "port": port, "name": CLIENT_NAME}
    envelope = {"from": sender, "to": list(recipients)}
    parted = [option.partition("=") for option in options]
    words = json.dumps(place | envelope | {key: value or True for key, _, value in parted})
    return run_client([*need_node("nodemailer"), str(SEND), words], message, seconds)
