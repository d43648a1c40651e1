"""Records the sample cassettes anew from real servers: `python -m tests.peers.record_samples`.

Each shows another dialogue that people meet; README and docs refer to them by name.
"""

from __future__ import annotations

import shutil
import smtplib
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.peers.aiosmtpd_server import run_aiosmtpd
from tests.peers.clients import send_curl, send_smtplib, send_swaks
from tests.peers.exim import run_exim
from tests.peers.mailserver import MailServer
from tests.peers.postfix import run_postfix
from tests.programs import serving

SAMPLES = Path(__file__).parents[2] / "cassettes"
SENDER, BOB, CAROL, NOBODY = (
    *("alice@example.org", "bob@example.net"),
    *("carol@example.net", "nobody@example.net"),
)


def message(subject: str, *lines: str) -> bytes:
    """Return a small message."""
    head = ("From: Alice <alice@example.org>", "To: Bob <bob@example.net>", f"Subject: {subject}")
    date = "Date: Mon, 23 Nov 2026 12:00:00 +0000"
    return "".join(f"{line}\r\n" for line in (*head, date, "", *lines)).encode()


def postfix_refused_recipient(port: int) -> None:
    """One recipient of two is refused, and a health check comes by."""
    text = message("Your receipt", "Thank you.", "", ".A line that begins with a dot", "Grüße")
    send_smtplib("127.0.0.1", port, SENDER, [BOB, NOBODY], text, "BODY=8BITMIME")
    with smtplib.SMTP("127.0.0.1", port, "probe.example.org") as client:
        client.noop()


def postfix_pipelining(port: int) -> None:
    """swaks sends MAIL, RCPT and DATA in one go."""
    text = message("Pipelined", "All at once.")
    send_swaks("127.0.0.1", port, SENDER, [BOB, CAROL], text, "--pipeline")


def exim_two_messages(port: int) -> None:
    """Two messages in one session, with a transaction reset between them."""
    with smtplib.SMTP("127.0.0.1", port, "app.example.org") as client:
        client.sendmail(SENDER, [BOB], message("The first", "One."))
        client.mail(SENDER)
        client.rset()
        client.sendmail(SENDER, [CAROL], message("The second", "Two."))
        client.verify("bob")


def aiosmtpd_curl(port: int) -> None:
    """curl sends one message."""
    send_curl("127.0.0.1", port, SENDER, [BOB], message("Hello", "Hi."))


Sample = tuple[Callable[[], AbstractContextManager[MailServer]], Callable[[int], None]]
RECORDINGS: dict[str, Sample] = {
    "postfix-refused-recipient": (run_postfix, postfix_refused_recipient),
    "postfix-pipelining": (run_postfix, postfix_pipelining),
    "exim-two-messages": (run_exim, exim_two_messages),
    "aiosmtpd-curl": (run_aiosmtpd, aiosmtpd_curl),
}


def main() -> None:
    """Record each sample."""
    for name, (run_server, converse) in RECORDINGS.items():
        with run_server() as server, tempfile.TemporaryDirectory() as folder:
            upstream = f"{server.host}:{server.port}"
            options = ("--mode", "record", "--cassette", f"{name}.yaml", "--log", "none")
            with serving(Path(folder), "--upstream", upstream, *options) as proxy:
                converse(proxy.port)
                ended = proxy.end()
            if ended.status:
                sys.exit(ended.err)
            text = (Path(folder) / f"{name}.yaml").read_text()
            # The port was the system's choice of that moment.
            shown = text.replace(f"tcp:{server.host}:{server.port}", "tcp:mail.example.net:25")
            (Path(folder) / f"{name}.yaml").write_text(shown)
            shutil.copy(Path(folder) / f"{name}.yaml", SAMPLES)
        print(f"recorded {name}")


if __name__ == "__main__":
    main()
