"""A proxy in front of a real server, and what its log tells of one client's messages."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.mailserver import MailServer
from tests.peers.processes import open_folder
from tests.programs import SERVE, serving

SECONDS = 10.0
POLL_SECONDS = 0.02

Record = dict[str, Any]


@dataclass(frozen=True)
class Proxied:
    """A running proxy; `port` is where it listens, the first of several."""

    port: int
    log: Path

    def records(self, sender: str, transactions: int) -> list[Record]:
        """All records of the sessions with mail from this sender, once those have ended."""
        deadline = time.monotonic() + SECONDS
        while True:
            records = self.read()
            began = [one["session"] for one in records if _begins_mail(one, sender)]
            ended = {one["session"] for one in records if one.get("fact") == "ended"}
            if len(began) >= transactions and {*began} <= ended:
                return [one for one in records if one["session"] in began]
            assert time.monotonic() < deadline, f"{len(began)} transactions; ended: {ended}"
            time.sleep(POLL_SECONDS)

    def begun(self, sender: str) -> list[Record]:
        """The records of MAIL from this sender so far."""
        return [one for one in self.read() if _begins_mail(one, sender)]

    def so_far(self) -> int:
        """How many records it has written."""
        return len(self.read())

    def ended_since(self, count: int) -> list[Record]:
        """All records but the first `count`, once a session is among them and all have ended."""
        deadline = time.monotonic() + SECONDS
        while True:
            records = self.read()[count:]
            ended = {one["session"] for one in records if one.get("fact") == "ended"}
            if ended and {one["session"] for one in records} == ended:
                return records
            assert time.monotonic() < deadline, f"not ended: {records}"
            time.sleep(POLL_SECONDS)

    def read(self) -> list[Record]:
        """All records so far."""
        whole, _, _ = self.log.read_bytes().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]


def _begins_mail(record: Record, sender: str) -> bool:
    return record.get("stage") == "MAIL" and f"<{sender}>" in record["command"]


@contextlib.contextmanager
def proxied(server: MailServer, *options: str) -> Iterator[Proxied]:
    """Relay to this server until the block ends; the proxy has to end well."""
    with relaying("--upstream", f"{server.host}:{server.port}", *options) as proxy:
        yield proxy


@contextlib.contextmanager
def relaying(*options: str, variables: Sequence[str] = ()) -> Iterator[Proxied]:
    """Relay as these options say, and variables (`NAME=VALUE`); the proxy has to end well."""
    with open_folder() as folder:
        fixed = ("--mode", "relay", "--log", "log.jsonl", "--log-format", "json")
        program = ("env", *variables, *SERVE)
        with serving(folder, *fixed, *options, program=program) as proxy:
            port = int(proxy.place.splitlines()[0].rpartition(":")[2])
            yield Proxied(port, folder / "log.jsonl")
            ended = proxy.end()
            assert ended.status == 0, ended.err
