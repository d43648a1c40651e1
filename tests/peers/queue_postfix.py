"""A Postfix that sends, whose queue can be looked at, and which delivers its bounces to a maildir.

Nothing is tried again before the queue is flushed, so that each try is one that a test asked for,
unless settings of the test's own say otherwise.
"""

from __future__ import annotations

import contextlib
import json
import pwd
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import compat32
from pathlib import Path
from typing import NamedTuple

from tests.peers.mailserver import read_maildir
from tests.peers.postfix_client import PostfixClient, run_postfix_client
from tests.peers.processes import open_folder
from tests.peers.programs import need, need_root

SETTLED_SECONDS = 40.0
POLL_SECONDS = 0.1

#: Transports, besides those of `run_postfix_client`: over one connection, and in a hurry.
KEPT, HURRIED = "kept", "hurried"

SETTINGS = """
enable_long_queue_ids = yes
notify_classes =
virtual_mailbox_domains = example.org
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {folder}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
kept_destination_concurrency_limit = 1
"""

SERVICES = """
virtual unix - n n - - virtual
scache unix - - n - 1 scache
kept unix - - n - 1 smtp
  -o smtp_host_lookup=native
  -o smtp_connection_cache_destinations=static:all
  -o smtp_connection_cache_time_limit=3s
hurried unix - - n - - smtp
  -o smtp_host_lookup=native
  -o smtp_helo_timeout={seconds}
  -o smtp_mail_timeout={seconds}
  -o smtp_rcpt_timeout={seconds}
  -o smtp_data_init_timeout={seconds}
  -o smtp_data_done_timeout={seconds}
  -o smtp_quit_timeout={seconds}
"""
HURRIED_SECONDS = "2s"


class Bounce(NamedTuple):
    """What a bounce message says of one recipient (RFC 3464 §2.3)."""

    sender: str
    recipient: str
    action: str
    status: str


class Logged(NamedTuple):
    """What a log tells: Message-ID by queue ID, what has left the queue, and tries by queue ID."""

    known: dict[str, str]
    removed: set[str]
    tries: Counter[str]


@dataclass(frozen=True)
class QueuedMail:
    """A message in the queue: why each recipient has not got it yet, `""` where not tried."""

    identity: str
    queue: str
    sender: str
    reasons: dict[str, str]

    @property
    def put_off(self) -> bool:
        """Whether it waits for its next try."""
        return self.queue == "deferred" and all(self.reasons.values())


@dataclass(frozen=True)
class QueueingPostfix:
    """A Postfix that runs, and the maildir to which it bounces."""

    client: PostfixClient
    maildir: Path

    def queued(self) -> list[QueuedMail]:
        """All that is in the queue."""
        lines = self._postqueue("-j").splitlines()
        return [_queued(json.loads(line)) for line in lines]

    def flush(self) -> None:
        """Try everything again, now."""
        self._postqueue("-f")

    def tries(self, identity: str) -> int:
        """How often a delivery of the message with this Message-ID was tried."""
        known, _, tries = self._logged()
        return sum(tries[queued] for queued, message in known.items() if message == identity)

    def settle(self, least: Mapping[str, int]) -> dict[str, int]:
        """Wait until nothing is under way; how often what is put off was tried, by Message-ID.

        `least` says how many tries must have been made at least, also by Message-ID.
        """
        for known, removed, tries in self._while_it_goes_on():
            put_off = {mail.identity for mail in self.queued() if mail.put_off}
            tried = {identity: tries[queued] for queued, identity in known.items()}
            enough = all(tried.get(identity, 0) >= count for identity, count in least.items())
            if enough and known.keys() == put_off | removed:
                break
        return {known[queued]: tries[queued] for queued in put_off}

    def await_empty(self) -> None:
        """Wait until all that was in the queue has left it, bounces too."""
        for known, removed, _ in self._while_it_goes_on():
            if known.keys() == removed:
                break

    def _while_it_goes_on(self) -> Iterator[Logged]:
        """What is logged, again and again; fail when that takes too long."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while True:
            yield self._logged()
            if time.monotonic() > deadline:
                going = [mail for mail in self.queued() if not mail.put_off]
                raise AssertionError(f"Postfix goes on with {going}")
            time.sleep(POLL_SECONDS)

    def _logged(self) -> Logged:
        log = self.client.log()
        known = dict(re.findall(r" (\w+): message-id=(<\S+>)$", log, re.MULTILINE))
        removed = set(re.findall(r" (\w+): removed$", log, re.MULTILINE))
        return Logged(known, removed, Counter(re.findall(r" (\w+): to=<.* status=", log)))

    def bounces(self) -> list[Bounce]:
        """All that bounce messages say."""
        return [one for mail in read_maildir(self.maildir) for one in read_bounce(mail.octets)]

    def _postqueue(self, option: str) -> str:
        command = [need("postqueue"), "-c", str(self.client.folder / "etc"), option]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def read_bounce(octets: bytes) -> list[Bounce]:
    """Read the delivery status that a bounce message carries."""
    message = message_from_bytes(octets, policy=compat32)
    sender = str(message["To"]).strip("<>")
    return [
        Bounce(sender, fields["Final-Recipient"].partition("; ")[2], fields["Action"], status)
        for part in message.walk()
        if (status := str(part["Status"] or "")) and (fields := part)
    ]


@contextlib.contextmanager
def run_queueing_postfix(*authorities: Path, settings: str = "") -> Iterator[QueueingPostfix]:
    """Run a Postfix that bounces to a maildir and takes no mail from the network.

    `settings` are further lines of main.cf, which win.
    """
    need_root()
    with open_folder() as folder:
        owner = pwd.getpwnam("nobody")
        shutil.chown(folder, owner.pw_uid, owner.pw_gid)
        own = SETTINGS.format(folder=folder, uid=owner.pw_uid, gid=owner.pw_gid) + settings
        services = SERVICES.format(seconds=HURRIED_SECONDS)
        with run_postfix_client(*authorities, settings=own, services=services) as client:
            yield QueueingPostfix(client, folder / "inbox")


def _queued(told: dict[str, object]) -> QueuedMail:
    """Read a line of `postqueue -j`."""
    recipients = told["recipients"]
    assert isinstance(recipients, list)
    return QueuedMail(
        identity=str(told["queue_id"]),
        queue=str(told["queue_name"]),
        sender=str(told["sender"]),
        reasons={one["address"]: one.get("delay_reason", "") for one in recipients},
    )
