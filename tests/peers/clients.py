"""Real clients, each sending one message (or a load of them) and telling what came of it.

Every call is plain and blocking, and ends within its time limit. Knows no server.
"""

import smtplib
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.peers.programs import need

SECONDS = 30.0
LOAD_SECONDS = 120.0
CLIENT_NAME = "client.example.org"


@dataclass(frozen=True)
class Outcome:
    """Whether the client holds its message for delivered, and its own words about it."""

    ok: bool
    output: str


class SendMessage(Protocol):
    """What all the `send_` functions are: one message with CRLF line ends, by one real client."""

    def __call__(
        self,
        host: str,
        port: int,
        sender: str,
        recipients: Sequence[str],
        message: bytes,
        *options: str,
        seconds: float = SECONDS,
    ) -> Outcome: ...


def run_client(command: Sequence[str], mail_data: bytes = b"", seconds: float = SECONDS) -> Outcome:
    """Run a client's program to its end, or until its time is over; 0 is a success."""
    try:
        done = subprocess.run(
            command,
            input=mail_data,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        said = (expired.output or b"").decode(errors="replace")
        return Outcome(False, f"{said}\n{command[0]} had not ended after {seconds} seconds")
    said = done.stdout.decode(errors="replace")
    return Outcome(done.returncode == 0, f"{said}\n{command[0]} ended with {done.returncode}")


class _Telling(smtplib.SMTP):
    """smtplib's client, writing down its commands and the replies."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self.transcript: list[str] = []
        super().__init__(host, port, local_hostname=CLIENT_NAME, timeout=seconds)

    def putcmd(self, cmd: str, args: str = "") -> None:
        self.transcript.append(f"C: {cmd} {args}".rstrip())
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        self.transcript.append(f"S: {code} {text.decode(errors='replace')}")
        return code, text


class _TellingLmtp(_Telling, smtplib.LMTP):
    """smtplib's client for LMTP, of which the same is true."""


def send_smtplib(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by Python's smtplib; a refused recipient is no success, even beside accepted ones."""

    def send(client: smtplib.SMTP) -> bool:
        return not client.sendmail(sender, recipients, message, options)

    return _converse(_Telling, host, port, seconds, send)


def send_smtplib_lmtp(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by smtplib.LMTP, in a transaction for each recipient.

    It reads one reply behind the mail data, where a server says one for each recipient.
    """

    def send(client: smtplib.SMTP) -> bool:
        taken = True
        for recipient in recipients:
            try:
                client.sendmail(sender, [recipient], message, options)
            except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
                taken = False
        return taken

    return _converse(_TellingLmtp, host, port, seconds, send)


def _converse(
    speaker: type[_Telling],
    host: str,
    port: int,
    seconds: float,
    send: Callable[[smtplib.SMTP], bool],
) -> Outcome:
    client = None
    try:
        client = speaker(host, port, seconds)
        with client:
            taken = send(client)
    except (OSError, smtplib.SMTPException) as problem:
        return Outcome(False, "\n".join([*(client.transcript if client else []), repr(problem)]))
    return Outcome(taken, "\n".join(client.transcript))


def send_swaks(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by swaks, with options such as `--pipeline`; the message is stuffed here.

    With --no-data-fixup swaks sends the octets as they are; without it, it would put its own
    words for `%DATE%` and `\\n`.
    """
    stuffed = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b"."
    with tempfile.NamedTemporaryFile() as file:
        file.write(stuffed)
        file.flush()
        command = [need("swaks"), "--server", f"{host}:{port}", "--ehlo", CLIENT_NAME]
        envelope = ["--from", sender, "--to", ",".join(recipients)]
        data = ["--no-data-fixup", "--data", f"@{file.name}"]
        return run_client([*command, *envelope, *data, *options], seconds=seconds)


def send_msmtp(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by msmtp, which reads no configuration file and adds no header of its own."""
    command = [need("msmtp"), "--file=/dev/null", "--debug", f"--host={host}", f"--port={port}"]
    own = ["--auth=off", "--tls=off", f"--domain={CLIENT_NAME}", f"--from={sender}"]
    return run_client([*command, *own, *options, "--", *recipients], message, seconds)


def send_curl(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by curl, with options of its own, or `smtps` for implicit TLS.

    Its address takes the name for EHLO as its path.
    """
    command = [need("curl"), "--disable", "--silent", "--show-error", "--verbose"]
    envelope = ["--mail-from", sender]
    for recipient in recipients:
        envelope += ["--mail-rcpt", recipient]
    scheme = "smtps" if "smtps" in options else "smtp"
    own = [option for option in options if option != "smtps"]
    what = ["--upload-file", "-", *own, f"{scheme}://{host}:{port}/{CLIENT_NAME}"]
    return run_client([*command, *envelope, *what], message, seconds)


def run_smtp_source(
    host: str,
    port: int,
    messages: int = 1000,
    sessions: int = 20,
    length: int = 4096,
    keep: bool = False,
    subject: str = "load",
    seconds: float = LOAD_SECONDS,
) -> Outcome:
    """Send a load by Postfix's smtp-source; `keep` sends all of a session's mail over it."""
    command = [need("smtp-source"), "-M", CLIENT_NAME, "-m", str(messages), "-s", str(sessions)]
    command += ["-f", "alice@example.org", "-t", "bob@example.net"]
    command += ["-l", str(length), "-S", subject, *(["-d"] if keep else [])]
    return run_client([*command, f"{host}:{port}"], seconds=seconds)
