"""`smtpproxy import TRANSCRIPT -o CASSETTE`: what another program printed, as a cassette.

Named so because `import` is a word of Python's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from smtpproxy.cassette.acting import act
from smtpproxy.cassette.chunklines import Fitted, fitted
from smtpproxy.cassette.overheard import hear
from smtpproxy.cassette.recorder import Recorder
from smtpproxy.cassette.store import CassetteFile
from smtpproxy.console import FOUND, GOOD, UNABLE, counted, say
from smtpproxy.documents import MOST_OCTETS, DocumentError, read_octets
from smtpproxy.options import OneLineOptions


class ImportOptions(OneLineOptions):
    """Which transcript, and the new cassette."""

    synopsis = "Usage: smtpproxy import TRANSCRIPT -o CASSETTE [options]"
    examples = (
        "  smtpproxy import rfc.txt -o rfc.yaml\n"
        "  swaks --to bob@example.net | smtpproxy import - -o swaks.yaml\n"
        "  tshark -r x.pcap -q -z follow,tcp,raw,0 | smtpproxy import - -o pcap.yaml\n"
    )
    longdesc = (
        "Read are dialogues of lines with C: and S:, the output of swaks, of Python's smtplib with "
        "set_debuglevel(1), and of tshark -z follow,tcp,ascii or raw. Credentials are left out as "
        "they are when a dialogue is recorded."
    )
    optParameters = (("output", "o", None, "the new cassette"),)
    optFlags = (("replace", None, "write over a cassette that is there"),)

    def parseArgs(self, *transcripts: str) -> None:
        """Take the transcript."""
        self.transcripts = transcripts


def import_(words: list[str]) -> int:
    """Act the transcript out, and record it."""
    options = ImportOptions()
    options.parseOptions(words)
    if len(options.transcripts) != 1 or not options["output"]:
        say("smtpproxy: expected one transcript (- is standard input), and -o with a cassette")
        return UNABLE
    target = Path(options["output"])
    if target.exists() and not options["replace"]:
        say(f"smtpproxy: {target} is there already; --replace takes its place")
        return UNABLE
    try:
        return _record(options.transcripts[0], target)
    except (DocumentError, OSError) as error:
        say(f"smtpproxy: {error}")
        return UNABLE


def _record(name: str, target: Path) -> int:
    source = "standard input" if name == "-" else name
    heard = hear(_octets(name, source), source)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    problems: list[str] = []
    recorder = Recorder(
        CassetteFile(target, f"transcript:{Path(source).name}", now), problems.append
    )
    fit = fitted(heard.turns) if heard.by_line else Fitted(heard.turns, [])
    acted = act(fit.turns, recorder, source)
    commands = recorder.commands
    recorder.finish()
    for line in acted.lacking:
        say(f"{source}:{line}: a session begins here without a greeting; one was made up")
    if heard.passed:
        many, first = len(heard.passed), heard.passed[0]
        say(f"{source}:{first}: here, and in {counted(many, 'line')} in all, nobody says anything")
    for line in fit.misfits:
        say(f"{source}:{line}: other octets follow than BDAT says; it is made to say how many")
    for line in acted.lost:
        say(f"{source}:{line}: is left out, with what follows: the session was over by then")
    for problem in problems:
        say(f"smtpproxy: {problem}")
    if not commands:
        say(f"smtpproxy: {source}: no command was found")
        return FOUND
    told = f"{counted(acted.sessions, 'session')}, {counted(commands, 'command')}"
    print(f"{target}: {told} ({heard.form})")
    return FOUND if problems or acted.lost or fit.misfits else GOOD


def _octets(name: str, source: str) -> bytes:
    if name != "-":
        return read_octets(Path(name))
    octets = sys.stdin.buffer.read(MOST_OCTETS + 1)
    if len(octets) > MOST_OCTETS:
        raise DocumentError(source, 0, f"is larger than {MOST_OCTETS:,} octets")
    return octets
