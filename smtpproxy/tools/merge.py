"""`smtpproxy merge CASSETTE… -o OUT`: the sessions of several cassettes in one."""

from __future__ import annotations

from pathlib import Path

from smtpproxy.cassette.merging import copy_messages, merged
from smtpproxy.cassette.script import load_script
from smtpproxy.cassette.whole import must_be_new, write_pieces
from smtpproxy.console import GOOD, UNABLE, counted, say
from smtpproxy.documents import DocumentError
from smtpproxy.options import OneLineOptions


class MergeOptions(OneLineOptions):
    """Which cassettes, and the new one."""

    synopsis = "Usage: smtpproxy merge CASSETTE... -o OUT [options]"
    examples = "  smtpproxy merge signup.yaml reset.yaml -o all.yaml\n"
    longdesc = (
        "Comments, notes and layout stay. Where a label is taken, a session gets another one. "
        "The header is that of the first cassette."
    )
    optParameters = (("output", "o", None, "the new cassette"),)
    optFlags = (("replace", None, "write over a cassette that is there"),)

    def parseArgs(self, *cassettes: str) -> None:
        """Take the cassettes."""
        self.cassettes = [Path(cassette) for cassette in cassettes]


def merge(words: list[str]) -> int:
    """Write the new cassette, behind its message files."""
    options = MergeOptions()
    options.parseOptions(words)
    if not options.cassettes or not options["output"]:
        say("smtpproxy: expected cassettes, and -o with the name of the new one")
        return UNABLE
    target, replace = Path(options["output"]), bool(options["replace"])
    try:
        if not replace:
            must_be_new(target)
        scripts = [load_script(path) for path in options.cassettes]
        octets = merged(scripts, target)
        many = copy_messages(scripts, target)
        write_pieces(target, [octets], replace)
    except FileExistsError:
        say(f"smtpproxy: {target} is there already; --replace takes its place")
        return UNABLE
    except (DocumentError, OSError) as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    sessions = sum(len(script.cassette.sessions) for script in scripts)
    print(f"{target}: {counted(sessions, 'session')}, {counted(many, 'message file')}")
    return GOOD
