"""Postfix's smtp(8) and lmtp(8) as one of the `send_` functions: an instance with no server.

A header tells each message where to go, and is taken off as the mail leaves, so that one instance
sends to any number of servers. It also names the transport, and with it what is asked of TLS.
"""

import contextlib
import hashlib
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
# A certificate is for a name, which Postfix takes from here.
DIRECTED = r"""
/^X-Transport: (smtp|lmtp) ([0-9]+)$/  FILTER $1:[127.0.0.1]:$2
/^X-Transport: ([^ ]+) ([0-9]+)$/  FILTER $1:[localhost]:$2
"""

TAKEN_OFF = """
/^X-Transport:/  IGNORE
"""

MASTER_CF = """
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
"""

TRANSPORT = """
{name} unix - - n - - smtp
  -o smtp_host_lookup=native
  -o smtp_tls_CAfile={authority}
  -o smtp_tls_security_level={level}
  -o smtp_tls_wrappermode={implicit}
"""
# Levels of smtp_tls_security_level, and whether TLS is implicit.
LEVELS = {
    "may": ("may", "no"),
    "encrypt": ("encrypt", "no"),
    "verify": ("verify", "no"),
    "implicit": ("verify", "yes"),
    "implicit-encrypt": ("encrypt", "yes"),
}

DELIVERIES = r": {queue_id}: to=<.*status=.*"


@dataclass(frozen=True)
class PostfixClient:
    """A Postfix that runs, to which mail is given by sendmail(1)."""

    folder: Path
    sendmail: Sequence[str]
    transports: Sequence[str]

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
        """Send by Postfix, with options for sendmail(1), or the name of a transport.

        Return once the mail has left, or was put off for later. The message needs a Message-ID of
        its own, by which the log tells what became of it.
        """
        named = [option for option in options if option in self.transports]
        given = [option for option in options if option not in named]
        transport = named[0] if named else "smtp"
        taken = self.give(transport, port, sender, recipients, message, *given, seconds=seconds)
        return self._await_end(message, seconds) if taken.ok else taken

    def give(
        self,
        transport: str,
        port: int,
        sender: str,
        recipients: Sequence[str],
        message: bytes,
        *options: str,
        seconds: float = SECONDS,
    ) -> Outcome:
        """Put a message into the queue, for this transport and port, and wait for no more."""
        command = [*self.sendmail, "-i", "-B", "8BITMIME"]
        envelope = ["-f", sender, *options, "--", *recipients]
        text = f"X-Transport: {transport} {port}\n".encode() + message.replace(b"\r\n", b"\n")
        return run_client([*command, *envelope], text, seconds)

    def log(self) -> str:
        """What Postfix has logged so far."""
        return (self.folder / "log" / "postfix.log").read_text(errors="replace")

    def _await_end(self, message: bytes, seconds: float) -> Outcome:
        identity = str(message_from_bytes(message, policy=compat32)["Message-ID"])
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            log = self.log()
            known = re.search(rf" ([0-9A-F]+): message-id={re.escape(identity)}$", log, re.M)
            if known and re.search(rf": {known[1]}: (removed|.*status=deferred)", log):
                said = re.findall(DELIVERIES.format(queue_id=known[1]), log)
                return Outcome(all("status=sent" in line for line in said), "\n".join(said))
            time.sleep(POLL_SECONDS)
        return Outcome(False, f"Postfix still had {identity} after {seconds} seconds")


def transport_name(level: str, authority: Path) -> str:
    """The transport that trusts this authority, at one of LEVELS."""
    return f"{level}-{hashlib.sha256(bytes(authority)).hexdigest()[:8]}"


@contextlib.contextmanager
def run_postfix_client(
    *authorities: Path, settings: str = "", services: str = ""
) -> Iterator[PostfixClient]:
    """Run a Postfix that listens nowhere, with transports for those whom it may trust.

    `settings` and `services` are further lines of main.cf and master.cf, which win.
    """
    with open_postfix() as folder:
        etc = folder / "etc"
        (etc / "directed").write_text(DIRECTED)
        (etc / "taken-off").write_text(TAKEN_OFF)
        add(etc / "main.cf", MAIN_CF.format(name=CLIENT_NAME, folder=folder) + settings)
        add(etc / "master.cf", MASTER_CF + services)
        transports = dict(
            _transport(level, authority) for authority in authorities for level in LEVELS
        )
        add(etc / "master.cf", "".join(transports.values()))
        with started(folder):
            yield PostfixClient(folder, sendmail(folder), ("smtp", "lmtp", *transports))


def _transport(level: str, authority: Path) -> tuple[str, str]:
    """A transport's name, and its lines of master(5)."""
    name = transport_name(level, authority)
    how, implicit = LEVELS[level]
    return name, TRANSPORT.format(name=name, authority=authority, level=how, implicit=implicit)
