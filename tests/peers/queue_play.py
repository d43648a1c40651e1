"""Plays the rows side by side: each behind a proxy of its own, all from one Postfix.

All mail is sent under the rules, the queue is looked at, the rules are taken back, and the queue is
flushed. Judges nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.peers.mailserver import MailServer
from tests.peers.queue_fates import Fate, Row
from tests.peers.queue_postfix import QueueingPostfix
from tests.peers.queue_stage import Letter, Told, put_in, staged, take_back


class Played(NamedTuple):
    """What became of a row's messages, in their order.

    `told` is what the log had before the rules were taken back; `left` are the reasons that the
    queue still shows behind the flush.
    """

    fates: list[dict[str, Fate]]
    told: Told
    left: list[str]


class Look(NamedTuple):
    """What can be seen at one time, by sender and recipient: reasons, Statuses, copies."""

    reasons: dict[tuple[str, str], str]
    bounces: Mapping[tuple[str, str], str]
    copies: Counter[tuple[str, str]]


def play(
    rows: Sequence[Row],
    postfix: QueueingPostfix,
    transports: Mapping[str, str],
    servers: Mapping[str, MailServer],
    folder: Path,
    *variables: str,
) -> dict[str, Played]:
    """Play rows, with these variables in the environment of each proxy.

    `transports` has other names for some, `servers` an upstream by transport.
    """
    with staged(rows, servers, folder, *variables) as stages:
        put_in(stages, postfix, transports)
        letters = [letter for one in stages for letter in one.letters]
        before = postfix.settle({letter.identity: 1 for letter in letters})
        first = look(letters, postfix, servers.values())
        told = [one.told() for one in stages]
        take_back([one for one in stages if not one.row.ends])
        postfix.flush()
        postfix.settle({identity: tried + 1 for identity, tried in before.items()})
        last = look(letters, postfix, servers.values())
    return {
        one.row.name: _played(one.letters, first, last, so_far)
        for one, so_far in zip(stages, told, strict=True)
    }


def look(
    letters: Sequence[Letter], postfix: QueueingPostfix, servers: Iterable[MailServer]
) -> Look:
    """Look at the queue, at the bounces, and at what these servers have of these letters."""
    identities = {letter.sender: letter.identity for letter in letters}
    sent = [mail for server in set(servers) for mail in server.delivered()]
    return Look(
        reasons={
            (mail.sender, recipient): reason
            for mail in postfix.queued()
            for recipient, reason in mail.reasons.items()
        },
        bounces=_bounces(postfix),
        copies=Counter(
            (mail.sender, recipient)
            for mail in sent
            if mail.sender in identities and identities[mail.sender].encode() in mail.octets
            for recipient in mail.recipients
        ),
    )


def _bounces(postfix: QueueingPostfix) -> Mapping[tuple[str, str], str]:
    """The Statuses of what failed; two, where a sender has heard of a recipient twice."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in postfix.bounces():
        if one.action == "failed":
            found[one.sender, one.recipient].append(one.status)
    return {key: ", ".join(statuses) for key, statuses in found.items()}


def _played(letters: Sequence[Letter], first: Look, last: Look, told: Told) -> Played:
    keys = [{one: (letter.sender, one) for one in letter.recipients} for letter in letters]
    fates = [{one: _fate(key, first, last) for one, key in each.items()} for each in keys]
    left = [last.reasons.get(key, "") for each in keys for key in each.values()]
    return Played(fates, told, [reason for reason in left if reason])


def _fate(key: tuple[str, str], first: Look, last: Look) -> Fate:
    reason, bounce = first.reasons.get(key, ""), last.bounces.get(key, "")
    return Fate(reason, bounce, first.copies[key], last.copies[key])
