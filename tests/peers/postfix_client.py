"""Postfix's smtp(8) and lmtp(8) as one of the `send_` functions: an instance with no server.

A header tells each message where to go, and is taken off as the mail leaves, so that one instance
sends to any number of servers.
"""

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import compat32
from pathlib import Path

from tests.peers.clients import CLIENT_NAME, SECONDS, Outcome, run_client
from tests.peers.postfix_instance import add, open_postfix, sendmail, started

POLL_SECONDS = 0.02

MAIN_CF = """
myhostname = {name}
myorigin = example.org
header_checks = regexp:{folder}/etc/directed
smtp_header_checks = regexp:{folder}/etc/taken-off
lmtp_header_checks = regexp:{folder}/etc/taken-off
smtp_connection_cache_on_demand = no
lmtp_connection_cache_on_demand = no
smtp_tls_security_level = none
lmtp_tls_security_level = none
"""

# header_checks(5): where all of the mail is sent, whoever it is for.
DIRECTED = r"""
/^X-Transport: (smtp|lmtp) ([0-9]+)$/  FILTER $1:[127.0.0.1]:$2
"""

TAKEN_OFF = """
/^X-Transport:/  IGNORE
"""

MASTER_CF = """
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
"""

DELIVERIES = r": {queue_id}: to=<.*status=.*"


@dataclass(frozen=True)
class PostfixClient:
    """A Postfix that runs, to which mail is given by sendmail(1)."""

    folder: Path
    sendmail: Sequence[str]

    def send(
        self,
        host: str,
        port: int,
        sender: str,
        recipients: Sequence[str],
        message: bytes,
        *options: str,
        seconds: float = SECONDS,
    ) -> Outcome:
        """Send by Postfix, with options for sendmail(1), or `lmtp`; wait until the mail has left.

        The message needs a Message-ID of its own, by which the log tells what became of it.
        """
        transport = "lmtp" if "lmtp" in options else "smtp"
        given = [option for option in options if option != "lmtp"]
        command = [*self.sendmail, "-i", "-B", "8BITMIME"]
        envelope = ["-f", sender, *given, "--", *recipients]
        text = f"X-Transport: {transport} {port}\n".encode() + message.replace(b"\r\n", b"\n")
        taken = run_client([*command, *envelope], text, seconds)
        return self._await_end(message, seconds) if taken.ok else taken

    def _await_end(self, message: bytes, seconds: float) -> Outcome:
        identity = str(message_from_bytes(message, policy=compat32)["Message-ID"])
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            log = (self.folder / "log" / "postfix.log").read_text(errors="replace")
            known = re.search(rf" ([0-9A-F]+): message-id={re.escape(identity)}$", log, re.M)
            if known and re.search(rf": {known[1]}: (removed|.*status=deferred)", log):
                said = re.findall(DELIVERIES.format(queue_id=known[1]), log)
                return Outcome(all("status=sent" in line for line in said), "\n".join(said))
            time.sleep(POLL_SECONDS)
        return Outcome(False, f"Postfix still had {identity} after {seconds} seconds")


@contextlib.contextmanager
def run_postfix_client() -> Iterator[PostfixClient]:
    """Run a Postfix that listens nowhere."""
    with open_postfix() as folder:
        etc = folder / "etc"
        (etc / "directed").write_text(DIRECTED)
        (etc / "taken-off").write_text(TAKEN_OFF)
        add(etc / "main.cf", MAIN_CF.format(name=CLIENT_NAME, folder=folder))
        add(etc / "master.cf", MASTER_CF)
        with started(folder):
            yield PostfixClient(folder, sendmail(folder))
