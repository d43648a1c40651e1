"""`smtpproxy export CASSETTE`: its messages as mail files or an mbox, its sessions as JSON."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from smtpproxy.cassette.exporting import messages_of, named, octets_of, record
from smtpproxy.cassette.mbox import quoted, separator
from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.store import load_cassette
from smtpproxy.cassette.whole import must_be_new, write_pieces
from smtpproxy.console import GOOD, UNABLE, say
from smtpproxy.documents import DocumentError
from smtpproxy.options import OneLineOptions


class ExportOptions(OneLineOptions):
    """Which cassette, and what is made of it."""

    synopsis = "Usage: smtpproxy export CASSETTE [options]"
    examples = (
        "  smtpproxy export signup.yaml --eml mails/\n"
        "  smtpproxy export signup.yaml --mbox signup.mbox\n"
        "  smtpproxy export signup.yaml --json | jq .messages\n"
    )
    longdesc = "Names of mail files are made of the session's label and the message's number in it."
    optParameters = (
        ("eml", "o", None, "a folder for the messages, a file each"),
        ("mbox", None, None, "a file for all messages"),
    )
    optFlags = (
        ("json", None, "one JSON object a session, on standard output"),
        ("replace", None, "write over files that are there"),
    )

    def parseArgs(self, *cassettes: str) -> None:
        """Take the cassette."""
        self.cassettes = [Path(cassette) for cassette in cassettes]


def export(words: list[str]) -> int:
    """Write out what is asked for."""
    options = ExportOptions()
    options.parseOptions(words)
    if len(options.cassettes) != 1:
        say("smtpproxy: expected one cassette")
        return UNABLE
    if sum(bool(options[name]) for name in ("eml", "mbox", "json")) != 1:
        say("smtpproxy: expected one of --eml FOLDER, --mbox FILE and --json")
        return UNABLE
    replace = bool(options["replace"])
    try:
        cassette = load_cassette(options.cassettes[0])
        if options["json"]:
            for session in cassette.sessions:
                print(msgspec.json.encode(record(cassette, session)).decode())
        elif options["eml"]:
            _as_files(cassette, Path(options["eml"]), replace)
        else:
            write_pieces(Path(options["mbox"]), _as_mbox(cassette), replace)
    except FileExistsError as error:
        there = options["mbox"] or error.filename
        say(f"smtpproxy: {there} is there already; --replace takes its place")
        return UNABLE
    except (DocumentError, OSError) as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    return GOOD


def _as_files(cassette: Cassette, folder: Path, replace: bool) -> None:
    messages = list(named(m for session in cassette.sessions for m in messages_of(session)))
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    for name, _ in messages:
        if not replace:
            must_be_new(folder / name)  # before anything is written
    for name, message in messages:
        write_pieces(folder / name, octets_of(message, Path(cassette.source)), replace)
        print(folder / name)


def _as_mbox(cassette: Cassette) -> Iterator[bytes]:
    for session in cassette.sessions:
        for message in messages_of(session):
            yield separator(message.sender, cassette.recorded)
            yield from quoted(octets_of(message, Path(cassette.source)))
