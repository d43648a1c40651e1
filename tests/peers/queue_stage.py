"""A row on its stage: a proxy that has its rules, and messages that no other row has.

Knows how both are started and ended; not what becomes of the mail.
"""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.peers.mails import sender_of
from tests.peers.mailserver import MailServer
from tests.peers.proxied import Proxied
from tests.peers.queue_fates import Row
from tests.peers.queue_postfix import QueueingPostfix
from tests.programs import SERVE, Program, serving

AT_ONCE = 4  # proxies that start, and messages that are put in
RULES, LOG = "rules.yaml", "log.jsonl"
OPTIONS = ("--rules", RULES, "--log", LOG, "--log-format", "json", "--drain", "0")
NO_RULES = "smtpproxy-rules: 1\nrules: []\n"

MESSAGE = """From: Alice <alice@example.org>
To: Bob <bob@example.net>
Date: Mon, 23 Nov 2026 12:00:00 +0000
Message-ID: {identity}
Subject: The queue

One line.
. and one with a dot.
"""


class Letter(NamedTuple):
    """A message under way, like no other: by its reverse-path too."""

    sender: str
    identity: str
    recipients: tuple[str, ...]


class Told(NamedTuple):
    """What a log tells: the sessions that the messages came in, and the rules that fired."""

    sessions: set[int]
    fired: set[str]


@dataclass(frozen=True)
class Staged:
    """A row, the proxy that has its rules, and its messages."""

    row: Row
    proxy: Program
    folder: Path
    letters: tuple[Letter, ...]

    def put_in(self, postfix: QueueingPostfix, transport: str) -> None:
        """Give the messages to Postfix, in their order."""
        for sender, identity, recipients in self.letters:
            octets = MESSAGE.format(identity=identity).encode()
            given = postfix.client.give(transport, self.proxy.port, sender, recipients, octets)
            assert given.ok, given.output

    def told(self) -> Told:
        """What the log has so far."""
        log = Proxied(self.proxy.port, self.folder / LOG)
        return Told(
            {record["session"] for one in self.letters for record in log.begun(one.sender)},
            {record["rule"] for record in log.read() if "rule" in record},
        )

    def take_back(self) -> None:
        """Take the rules back, without waiting until that is done."""
        (self.folder / RULES).write_text(NO_RULES)
        self.proxy.send(signal.SIGHUP)


@contextmanager
def staged(
    rows: Sequence[Row], servers: Mapping[str, MailServer], folder: Path, *variables: str
) -> Iterator[list[Staged]]:
    """Have a proxy for each row until the block ends; each must end well.

    `servers` are the upstreams, by a row's transport: those that are not there have that of `smtp`.
    `variables` (`NAME=VALUE`) are for the environment of all proxies.
    """
    program = ("env", *variables, *SERVE)
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:

        def stage(number: int, row: Row) -> Staged:
            own = folder / str(number)
            own.mkdir()
            (own / RULES).write_text(row.file)
            server = servers.get(row.transport, servers["smtp"])
            words = ("--upstream", f"{server.host}:{server.port}", *OPTIONS, *row.options)
            proxy = stack.enter_context(serving(own, *words, program=program))
            return Staged(row, proxy, own, tuple(map(_letter, row.messages)))

        stages = list(pool.map(stage, range(len(rows)), rows))
        yield stages
        _end([one.proxy for one in stages])


def put_in(
    stages: Sequence[Staged], postfix: QueueingPostfix, transports: Mapping[str, str]
) -> None:
    """Give all messages to Postfix, by the transports of their rows, of which some are renamed."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = [transports.get(one.row.transport, one.row.transport) for one in stages]
        list(pool.map(lambda one, name: one.put_in(postfix, name), stages, names))


def take_back(stages: Sequence[Staged]) -> None:
    """Let no rule be in force any more."""
    for one in stages:
        one.take_back()
    for one in stages:
        one.proxy.await_err("0 rules are in force now")


def _letter(recipients: Iterable[str]) -> Letter:
    token = secrets.token_hex(8)
    return Letter(sender_of(token), f"<{token}@client.example.org>", tuple(recipients))


def _end(proxies: Sequence[Program]) -> None:
    for proxy in proxies:
        proxy.send(signal.SIGTERM)
    for proxy in proxies:
        ended = proxy.ended()
        assert ended.status == 0, ended.err
        assert "Traceback" not in ended.err, ended.err
