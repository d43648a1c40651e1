"""`smtpproxy recover CASSETTE`: a recording that did not end, made a cassette."""

from __future__ import annotations

from pathlib import Path

from smtpproxy.cassette.names import cassette_of
from smtpproxy.cassette.partial import left_out
from smtpproxy.cassette.recovery import RecoveryError
from smtpproxy.cassette.recovery import recover as recovered
from smtpproxy.console import FOUND, UNABLE, say
from smtpproxy.documents import DocumentError
from smtpproxy.options import OneLineOptions


class RecoverOptions(OneLineOptions):
    """Which cassette."""

    synopsis = "Usage: smtpproxy recover CASSETTE [options]"
    examples = "  smtpproxy recover signup.yaml\n  smtpproxy recover --replace signup.yaml\n"
    optFlags = (("replace", None, "in the place of the cassette that is there"),)

    def parseArgs(self, cassette: str = "") -> None:
        """Take the cassette."""
        self.cassette = cassette


def recover(words: list[str]) -> int:
    """Put the unfinished recording in the cassette's place."""
    options = RecoverOptions()
    options.parseOptions(words)
    if not options.cassette:
        say("smtpproxy: expected a cassette")
        return UNABLE
    path = Path(options.cassette)
    try:
        extent = recovered(path, bool(options["replace"]))
    except RecoveryError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    except DocumentError as error:
        say(f"smtpproxy: nothing is recovered: {error}")
        return FOUND
    except OSError as error:
        say(f"smtpproxy: {error.filename or path} can't be used: {error.strerror}")
        return UNABLE
    if not extent.sessions:
        say(f"smtpproxy: nothing is recovered: no session was whole ({extent.torn:,} octets)")
        return FOUND
    print(f"{cassette_of(path)}: {left_out(extent)}")
    return 0
