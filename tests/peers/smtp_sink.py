"""Postfix's smtp-sink: takes everything at once, and dumps each mail transaction to a file."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.mailserver import Delivered, MailServer
from tests.peers.processes import HOST, free_port, open_folder, running
from tests.peers.programs import need

BACKLOG = "1024"
# smtp-sink(1), "dump file format": X-… records, then a Received of three lines ends its own part.
OWN_HEADERS = re.compile(rb"\A(?:X-[^\n]*\n)*Received: [^\n]*\n\t[^\n]*\n\t[^\n]*\n")
RECORD = re.compile(rb"^X-(Mail|Rcpt)-Args: <([^>]*)>", re.MULTILINE)


@dataclass(frozen=True)
class SmtpSink(MailServer):
    """A running smtp-sink, and the folder of its dump files."""

    dumps: Path

    def delivered(self) -> list[Delivered]:
        """Every dumped transaction that has come to its end."""
        parsed = [parse_dump(path.read_bytes()) for path in sorted(self.dumps.iterdir())]
        return [mail for mail in parsed if mail is not None]


def parse_dump(dump: bytes) -> Delivered | None:
    """Read one dump file; None for one that is still being written.

    Each CRLF was dumped as a newline, and an empty line put after the message.
    """
    own = OWN_HEADERS.match(dump)
    if own is None or not dump.endswith(b"\n\n"):
        return None
    envelope = [(name, address.decode()) for name, address in RECORD.findall(own[0])]
    return Delivered(
        sender=next(address for name, address in envelope if name == b"Mail"),
        recipients=tuple(address for name, address in envelope if name == b"Rcpt"),
        octets=dump[own.end() : -1].replace(b"\n", b"\r\n"),
    )


@contextlib.contextmanager
def run_smtp_sink(*options: str) -> Iterator[SmtpSink]:
    """Run smtp-sink with further options of smtp-sink(1), such as `-L` or `-f RCPT`."""
    program = need("smtp-sink")
    with open_folder() as folder:
        port = free_port()
        dumps = folder / "dumps"
        dumps.mkdir()
        user = ["-u", "root"] if os.geteuid() == 0 else []  # root has to say whom it runs as
        command = [program, *user, "-d", f"{dumps}/", *options, f"{HOST}:{port}", BACKLOG]
        with running(command, port, folder / "log"):
            yield SmtpSink(HOST, port, dumps)
