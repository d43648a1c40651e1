"""`smtpproxy show CASSETTE`: the transcript, as the RFCs print dialogues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from smtpproxy.cassette.chunklines import shown
from smtpproxy.cassette.model import STRAY, Kept, Recorded, RecordedSession, RecordedTls
from smtpproxy.cassette.store import load_recorded
from smtpproxy.classify import classify
from smtpproxy.console import COLOURS, UNABLE, say
from smtpproxy.documents import DocumentError
from smtpproxy.log.shown import tls_words
from smtpproxy.options import OneLineOptions
from smtpproxy.smtp.maildata import stuff
from smtpproxy.smtp.server import final_code
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.tools.paging import paged
from smtpproxy.visible import visible, visible_text


class ShowOptions(OneLineOptions):
    """Which cassette."""

    synopsis = "Usage: smtpproxy show CASSETTE [options]"
    examples = "  smtpproxy show signup.yaml\n  smtpproxy show --plain signup.yaml > signup.txt\n"
    longdesc = "On a terminal it is coloured, and paged by the PAGER of the environment, or less."
    optFlags = (("plain", None, "no colours, no pager"),)

    def parseArgs(self, cassette: str = "") -> None:
        """Take the cassette."""
        self.cassette = cassette


def show(words: list[str]) -> int:
    """Print the transcript."""
    options = ShowOptions()
    options.parseOptions(words)
    if not options.cassette:
        say("smtpproxy: expected a cassette")
        return UNABLE
    try:
        cassette = load_recorded(Path(options.cassette), lambda w: say(f"smtpproxy: {w}"))
    except DocumentError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    with paged(plain=bool(options["plain"])) as console:
        about = f"{cassette.source}: {cassette.upstream}, recorded {cassette.recorded}"
        console.print(Text(visible_text(about)))
        for session in cassette.sessions:
            for line, style in _session(session):
                console.print(Text(line, style=style))
    return 0


def _session(session: RecordedSession) -> Iterator[tuple[str, str]]:
    client = f", client {session.client}" if session.client else ""
    yield "", ""
    yield visible_text(f"session {session.label}{client}"), "bold"
    for side, tls in session.tls.items():
        yield f"   ({_tls(side, tls)})", "dim"
    for one in session.dialogue:
        yield from _exchange(one)
    if session.opaque:
        yield visible_text(f"   (after {session.opaque}, octets passed unread)"), "dim"
    yield visible_text(f"   ({session.ended})"), "dim"


def _tls(side: str, tls: RecordedTls) -> str:
    if tls.failed:
        return f"no TLS with {side}: {visible_text(tls.failed)}"
    return f"TLS with {side}: {tls_words(TlsFacts(*tls[:-1]))}"


def _exchange(one: Recorded) -> Iterator[tuple[str, str]]:
    yield from _lines("C:", one.sent, "bold")
    if one.kept is not None:
        yield from _message(one.kept, chunk=bool(one.sent))
    for said in one.said:
        told = "  (not told to the client)" if one.changed else ""
        yield from _lines("S:", said, _style(one, said), told)
    if one.changed:
        why = f"  (rule {visible_text(one.rule)})" if one.rule else "  (by the proxy)"
        if one.saw is None:
            yield f"=: nothing{why}", "magenta"
        else:
            yield from _lines("=:", one.saw, _style(one, one.saw), why)


def _message(kept: Kept, chunk: bool) -> Iterator[tuple[str, str]]:
    if kept.file:
        yield f"C: ({kept.size:,} octets in {kept.file})", "dim"
        return
    if chunk:
        yield from ((f"C: {line}", "dim") for line in shown(kept.octets))
        return
    # As it was sent: whoever reads the dialogue undoes the dot-stuffing.
    lines = (kept.octets if kept.wire else stuff(kept.octets)).split(b"\r\n")
    for line in lines[: -1 if not lines[-1] else None]:
        yield f"C: {visible(line)}", "dim"
    yield "C: .", "dim"


def _lines(mark: str, octets: bytes, style: str, note: str = "") -> Iterator[tuple[str, str]]:
    lines = octets.split(b"\r\n")
    for at, line in enumerate(lines[: -1 if not lines[-1] else None]):
        yield f"{mark} {visible(line)}{'' if at else note}", style


def _style(one: Recorded, said: bytes) -> str:
    if one.stage == STRAY:
        return "magenta"
    return COLOURS.get(classify(one.stage, final_code(said)).severity, "magenta")
