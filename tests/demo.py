"""The main job, shown and checked: `make demo`.

Runs the real programs as a user would, sends real messages with Python's smtplib, and ends with
status 0 only if each step did what it says.
"""

from __future__ import annotations

import re
import shutil
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from rich.console import Console

from tests.programs import SMTPPROXY, TWISTD, environment

FOLDER = Path("demo")
CASSETTE = "signup.yaml"
SECONDS = 15.0
BOB, CAROL = "bob@example.net", "carol@example.net"
console = Console(highlight=False, soft_wrap=True)


class NotAsItShouldBe(Exception):
    """A step did not do what it says."""


def main() -> int:
    """Show each step; return the exit status."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    try:
        record()
        show()
        replay()
        miss()
        refuse()
    except NotAsItShouldBe as problem:
        console.print(f"[bold red]not as it should be:[/] {problem}")
        return 1
    console.print("\n[bold green]Every step did what it says.[/]")
    return 0


def record() -> None:
    """Send three messages through the proxy into the built-in upstream, and record them."""
    step("Record: three messages through the proxy, to the built-in upstream that takes everything")
    with proxy(TWISTD, "--upstream", "sink:", "--mode", "record", "--cassette", CASSETTE) as port:
        check(send(port, "Welcome", BOB) == {}, "Bob was accepted")
        check(send(port, "Your receipt", BOB, CAROL) == {}, "Bob and Carol were accepted")
        check(send(port, "Password reset", CAROL, log_in=True) == {}, "Carol was accepted")
    text = (FOLDER / CASSETTE).read_text()
    check(len(re.findall(r"^- message:", text, re.MULTILINE)) == 3, "the cassette has 3 messages")
    check("open sesame" not in text and "b3BlbiBzZXNhbWU" not in text, "the password is not in it")


def show() -> None:
    """Print the last session of the cassette."""
    step("Show: what the two sides said to each other (the last session)")
    ran = tool("show", CASSETTE)
    check(ran.returncode == 0, "the cassette can be shown", quiet=True)
    console.print(indented(ran.stdout[ran.stdout.rindex("session ") :]), markup=False)


def replay() -> None:
    """Answer the same client from the cassette, with no upstream at all."""
    step("Replay: the same client again, answered by the cassette; there is no upstream now")
    with proxy(TWISTD, "--mode", "replay", "--cassette", CASSETTE) as port:
        check(send(port, "Password reset", CAROL, log_in=True) == {}, "Carol was accepted")
        check(send(port, "Your receipt", BOB, CAROL) == {}, "Bob and Carol were accepted")
        check(send(port, "Welcome", BOB) == {}, "Bob was accepted")


def miss() -> None:
    """Ask the cassette for what it does not have: the client and the exit status tell."""
    step("Replay something else: the client is told at once, and the run ends with status 1")
    options = ("--mode", "replay", "--cassette", CASSETTE)
    with proxy(TWISTD, *options, status=1) as port:
        refused = send(port, "Welcome", "eve@example.net")
    check("replay miss 1" in str(refused), f"Eve is not in the cassette: {told(refused)}")


def refuse() -> None:
    """Refuse one recipient by a rule."""
    rule = f"RCPT {BOB}: 550"
    step(f"Rewrite by rule: {rule}")
    with proxy(TWISTD, "--upstream", "sink:", "--rule", rule) as port:
        refused = send(port, "Welcome", BOB, CAROL)
    check(list(refused) == [BOB], f"Bob was refused, Carol was not: {told(refused)}")
    code, text = refused[BOB]
    check((code, text[:5]) == (550, b"5.1.1"), "the words came from the registry of reply codes")


Refused = dict[str, tuple[int, bytes]]


def send(port: int, subject: str, *recipients: str, log_in: bool = False) -> Refused:
    """Send a message as an application would; return the recipients that were refused."""
    message = EmailMessage()
    message["From"], message["To"] = "shop@example.org", ", ".join(recipients)
    message["Subject"] = subject
    message.set_content(f"{subject}!\n\n.This line begins with a dot.\n")
    with smtplib.SMTP("127.0.0.1", port, "app.example.org", timeout=SECONDS) as client:
        if log_in:
            client.login("shop", "open sesame")
        try:
            return dict(client.send_message(message))
        except smtplib.SMTPRecipientsRefused as error:
            return dict(error.recipients)


@contextmanager
def proxy(program: tuple[str, ...], *options: str, status: int = 0) -> Iterator[int]:
    """Run the proxy while the block lasts; yield its port."""
    words = [*program, *options, "--listen", "0", "--ready-file", "ready", "--log", "-"]
    shown = [Path(program[0]).name, *program[1:], *options]
    console.print(f"  $ {' '.join(quoted(word) for word in shown)}", style="bold", markup=False)
    ready = FOLDER / "ready"
    ready.unlink(missing_ok=True)
    with (FOLDER / "log").open("wb") as log, (FOLDER / "errors").open("wb") as errors:
        running = subprocess.Popen(
            words,
            cwd=FOLDER,
            env=environment(),
            stdout=log,
            stderr=errors,
            stdin=subprocess.DEVNULL,
        )
        try:
            yield port_in(ready, running)
        finally:
            running.terminate()
            ended = running.wait(SECONDS)
    lines = (FOLDER / "log").read_text().splitlines()
    console.print(indented("\n".join(lines[-10:])), style="dim", markup=False)
    check(ended == status, f"the proxy ended with status {ended}")


def port_in(ready: Path, running: subprocess.Popen[bytes]) -> int:
    """Wait until the proxy listens."""
    deadline = time.monotonic() + SECONDS
    while not ready.exists():
        if running.poll() is not None or time.monotonic() > deadline:
            raise NotAsItShouldBe((FOLDER / "errors").read_text())
        time.sleep(0.05)
    return int(ready.read_text().rpartition(":")[2])


def tool(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one of the tools."""
    console.print(f"  $ smtpproxy {' '.join(words)}", style="bold", markup=False)
    return subprocess.run(
        [*SMTPPROXY, *words], cwd=FOLDER, env=environment(), capture_output=True, text=True
    )


def step(title: str) -> None:
    """Say what comes."""
    console.print(f"\n[bold cyan]{title}[/]")


def check(holds: bool, what: str, quiet: bool = False) -> None:
    """Say that something is as it should be, or end."""
    if not holds:
        raise NotAsItShouldBe(what)
    if not quiet:
        console.print(f"  ok: {what}", style="green", markup=False)


def told(refused: Refused) -> str:
    """Return the replies that refused recipients got."""
    return "; ".join(f"{code} {text.decode()}" for code, text in refused.values())


def indented(text: str) -> str:
    """Return a text as a block of its own."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


def quoted(word: str) -> str:
    """Return a word as a shell takes it."""
    return f"'{word}'" if " " in word else word


if __name__ == "__main__":
    sys.exit(main())
