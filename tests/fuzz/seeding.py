"""Puts the seed dialogues where a fuzzer can begin from them: `python -m tests.fuzz.seeding DIR`.

Each target has a folder of its own in DIR, which holds nothing else.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from smtpproxy.rules.model import ADDRESS_OF
from smtpproxy.smtp.client import parse_command
from tests.fuzz.drawn import HEAD
from tests.fuzz.script import MARK, written
from tests.fuzz.terms import TERMS
from tests.relaying import CLIENT, UPSTREAM, Event, relayed, said_by
from tests.seeds import BEGUN, SEEDS, SHORT_SEEDS, events_of

#: Usual limits with the first choice everywhere, and tight ones with others.
_HEADS = (bytes(HEAD), bytes(range(1, HEAD + 1)))


#: One that meets the rules of `terms`.
_RULED = f"""{BEGUN}
    C: VRFY b
    C: MAIL FROM:<bad@example.org>
    C: RCPT TO:<d@example.net>
    S: 501 what
    C: RSET
    S: 250 ok
    C: MAIL FROM:<x@example.org>
    S: 250 ok
    C: RCPT TO:<no@example.net>
    C: RCPT TO:<b@example.net>
    S: 250 ok
    C: DATA
    C: x
    C: .
    C: MAIL FROM:<a@example.org>
    C: RCPT TO:<c@example.net>
    C: BDAT 2 LAST
    C: x<>
    S: 250 reset
    S: 250 ok
    S: 250 ok
    S: 250 reset
    C: AUTH x
    S: 504 what
    C: STARTTLS
    S: 220 go
    C: HELP
    C: EXPN x
"""


def seeds() -> dict[str, set[bytes]]:
    """Return, by target, what the seed dialogues are as its octets."""
    found: dict[str, set[bytes]] = {}
    for script in (*SEEDS.values(), *SHORT_SEEDS.values(), _RULED):
        for target, octets in _as_octets(events_of(script)):
            found.setdefault(target, set()).add(octets)
    return found


def _as_octets(events: list[Event]) -> Iterator[tuple[str, bytes]]:
    for terms in (b"", *(MARK + digit for digit in TERMS)):
        yield "session", terms + written(events)
    outcome = relayed(events)
    for head in _HEADS:
        yield "commands", head + said_by(events, CLIENT)
        yield "replies", head + said_by(events, UPSTREAM)
        yield "maildata", head + outcome.mail
        yield "chunks", head + outcome.mail
    for one in outcome.exchanges:
        if one.stage in ADDRESS_OF:
            yield "paths", parse_command(one.sent).argument


def main() -> None:
    """Write each to a file of its own."""
    for name, inputs in seeds().items():
        folder = Path(sys.argv[1], name)
        shutil.rmtree(folder, ignore_errors=True)  # seeds of another day
        folder.mkdir(parents=True)
        for octets in inputs:
            (folder / hashlib.sha1(octets).hexdigest()).write_bytes(octets)


if __name__ == "__main__":
    main()
