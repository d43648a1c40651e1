"""Plays the rows side by side: each behind a proxy of its own, all from one Postfix.

All mail is sent under the rules, the queue is looked at, the rules are taken back (SIGHUP), and the
queue is flushed. Judges nothing.
"""

from __future__ import annotations

import secrets
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.peers.mails import sender_of
from tests.peers.mailserver import MailServer
from tests.peers.proxied import Proxied
from tests.peers.queue_fates import Fate, Row
from tests.peers.queue_postfix import KEPT, QueueingPostfix
from tests.programs import Program, serving

AT_ONCE = 4  # proxies that start, and messages that are put in
RULES, LOG = "rules.yaml", "log.jsonl"
OPTIONS = ("--log", LOG, "--log-format", "json", "--drain", "0")
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


@dataclass(frozen=True)
class Staged:
    """A row, the proxy that has its rules, and its messages."""

    row: Row
    proxy: Program
    folder: Path
    letters: tuple[Letter, ...]


class Played(NamedTuple):
    """What became of a row's messages, in their order.

    `left` are the reasons that the queue still shows behind the flush; `sessions` those in which
    the messages came before, and `fired` the rules that did something then.
    """

    fates: list[dict[str, Fate]]
    left: list[str]
    sessions: set[int]
    fired: set[str]


class Told(NamedTuple):
    """What a log tells: the sessions that the messages came in, and the rules that fired."""

    sessions: set[int]
    fired: set[str]


class Look(NamedTuple):
    """What can be seen at one time, by message and recipient: reasons, Statuses, copies."""

    reasons: dict[tuple[str, str], str]
    bounces: dict[tuple[str, str], str]
    copies: Counter[tuple[str, str]]


def play(
    rows: Sequence[Row],
    postfix: QueueingPostfix,
    transports: Mapping[str, str],
    servers: Mapping[str, MailServer],
    folder: Path,
) -> dict[str, Played]:
    """Play rows; `transports` has other names for some, `servers` an upstream by transport."""
    with _staged(rows, servers, folder) as stages:
        _put_in(stages, postfix, transports)
        letters = [letter for staged in stages for letter in staged.letters]
        before = postfix.settle({letter.identity: 1 for letter in letters})
        first = _look(letters, postfix, servers.values())
        told = [_told(staged) for staged in stages]
        _await_parting(stages)
        _take_back(stages)
        postfix.flush()
        postfix.settle({identity: tried + 1 for identity, tried in before.items()})
        last = _look(letters, postfix, servers.values())
        _end([staged.proxy for staged in stages])
    return {
        staged.row.name: _played(staged.letters, first, last, so_far)
        for staged, so_far in zip(stages, told, strict=True)
    }


@contextmanager
def _staged(
    rows: Sequence[Row], servers: Mapping[str, MailServer], folder: Path
) -> Iterator[list[Staged]]:
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:

        def stage(number: int, row: Row) -> Staged:
            own = folder / str(number)
            own.mkdir()
            (own / RULES).write_text(row.file)
            server = servers.get(row.transport, servers["smtp"])
            words = ("--upstream", f"{server.host}:{server.port}", "--rules", RULES)
            proxy = stack.enter_context(serving(own, *words, *OPTIONS, *row.options))
            return Staged(row, proxy, own, tuple(map(_letter, row.messages)))

        yield list(pool.map(stage, range(len(rows)), rows))


def _letter(recipients: Iterable[str]) -> Letter:
    token = secrets.token_hex(8)
    return Letter(sender_of(token), f"<{token}@client.example.org>", tuple(recipients))


def _put_in(
    stages: Sequence[Staged], postfix: QueueingPostfix, transports: Mapping[str, str]
) -> None:
    """Give all messages to Postfix, those of a row in their order."""

    def put(staged: Staged) -> None:
        transport = transports.get(staged.row.transport, staged.row.transport)
        for sender, identity, recipients in staged.letters:
            octets = MESSAGE.format(identity=identity).encode()
            given = postfix.client.give(transport, staged.proxy.port, sender, recipients, octets)
            assert given.ok, given.output

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(put, stages))


def _await_parting(stages: Sequence[Staged]) -> None:
    """Wait until Postfix has left: a session goes on under the rules that it began with."""
    for staged in stages:
        if staged.row.transport == KEPT:
            for letter in staged.letters:
                _proxied(staged).records(letter.sender, 1)


def _take_back(stages: Sequence[Staged]) -> None:
    for staged in stages:
        (staged.folder / RULES).write_text(NO_RULES)
        staged.proxy.send(signal.SIGHUP)
    for staged in stages:
        staged.proxy.await_err("0 rules are in force now")


def _look(
    letters: Sequence[Letter], postfix: QueueingPostfix, servers: Iterable[MailServer]
) -> Look:
    identities = {letter.sender: letter.identity for letter in letters}
    sent = [mail for server in set(servers) for mail in server.delivered()]
    return Look(
        reasons={
            (mail.sender, recipient): reason
            for mail in postfix.queued()
            for recipient, reason in mail.reasons.items()
        },
        bounces={
            (one.sender, one.recipient): one.status
            for one in postfix.bounces()
            if one.action == "failed"
        },
        copies=Counter(
            (mail.sender, recipient)
            for mail in sent
            if identities.get(mail.sender, "\0").encode() in mail.octets
            for recipient in mail.recipients
        ),
    )


def _played(letters: Sequence[Letter], first: Look, last: Look, told: Told) -> Played:
    fates, left = [], []
    for letter in letters:
        keys = {recipient: (letter.sender, recipient) for recipient in letter.recipients}
        fates.append(
            {
                recipient: Fate(
                    first.reasons.get(key, ""),
                    last.bounces.get(key, ""),
                    first.copies[key],
                    last.copies[key],
                )
                for recipient, key in keys.items()
            }
        )
        left += [last.reasons[key] for key in keys.values() if key in last.reasons]
    return Played(fates, left, *told)


def _told(staged: Staged) -> Told:
    """What the proxy's log has so far."""
    proxied = _proxied(staged)
    return Told(
        {record["session"] for one in staged.letters for record in proxied.begun(one.sender)},
        {record["rule"] for record in proxied.read() if "rule" in record},
    )


def _proxied(staged: Staged) -> Proxied:
    return Proxied(staged.proxy.port, staged.folder / LOG)


def _end(proxies: Sequence[Program]) -> None:
    for proxy in proxies:
        proxy.send(signal.SIGTERM)
    for proxy in proxies:
        ended = proxy.ended()
        assert ended.status == 0, ended.err
        assert "Traceback" not in ended.err, ended.err
