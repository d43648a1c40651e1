"""Every row of the table of reply codes, said by an upstream at its stage, on real sockets.

The proxy runs as a user would run it; log, statistics and cassette must all name each row rightly.
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smtpproxy.cassette.model import Recorded
from smtpproxy.cassette.store import load_cassette
from tests.programs import HOST, SECONDS, Program, serving
from tests.reply_code_table import TABLE, Row, plain

MAIL = ("EHLO app.example.org", "MAIL FROM:<a@example.org>")
RCPT = (*MAIL, "RCPT TO:<b@example.net>")
# By stage: what the client says before, and what it then says; CONNECT is before all of that.
SAYS: dict[str, tuple[tuple[str, ...], str]] = {
    "CONNECT": ((), ""),
    "HELO": ((), "HELO app.example.org"),
    "EHLO": ((), "EHLO app.example.org"),
    "MAIL": (MAIL[:1], "MAIL FROM:<a@example.org>"),
    "RCPT": (MAIL, "RCPT TO:<b@example.net>"),
    "DATA": (RCPT, "DATA"),
    "END-OF-DATA": ((*RCPT, "DATA"), "Subject: hello\r\n\r\nHi.\r\n."),
    "VRFY": (MAIL[:1], "VRFY b@example.net"),
    "EXPN": (MAIL[:1], "EXPN list@example.net"),
    **{verb: (MAIL[:1], f"{verb} FROM:<a@example.org>") for verb in ("SEND", "SOML", "SAML")},
    **{verb: (MAIL[:1], verb) for verb in ("RSET", "HELP", "NOOP", "QUIT", "TURN")},
}
SEVERITIES = {"2": "success", "3": "intermediate", "4": "transient", "5": "permanent"}
every_row = pytest.mark.parametrize("row", TABLE.rows, ids=str)


class Observed(NamedTuple):
    """What the proxy told of all rows."""

    log: dict[Row, dict[str, Any]]
    cassette: dict[Row, Recorded]
    matrix: dict[str, dict[str, int]]
    heard: dict[Row, str]


class Wire:
    """One session: a client, and the upstream that the proxy connects to for it."""

    def __init__(self, stack: ExitStack, proxy: Program, listening: socket.socket) -> None:
        client = stack.enter_context(socket.create_connection((HOST, proxy.port), SECONDS))
        upstream, _ = listening.accept()
        upstream.settimeout(SECONDS)
        stack.enter_context(upstream)
        self._client, self._upstream = client, upstream
        self._from_client, self._from_upstream = upstream.makefile("rb"), client.makefile("rb")

    def exchange(self, sent: str, said: str) -> str:
        """Let the client send lines, and upstream answer them; return what the client heard."""
        octets = f"{sent}\r\n".encode() if sent else b""
        self._client.sendall(octets)
        for line in octets.splitlines(keepends=True):
            assert self._from_client.readline() == line
        self._upstream.sendall(f"{said}\r\n".encode())
        return self._from_upstream.readline().decode().removesuffix("\r\n")


def play(row: Row, proxy: Program, listening: socket.socket) -> str:
    """Let upstream say this row at its stage; return what the client hears."""
    before, sent = SAYS[row.stage]
    with ExitStack() as stack:
        wire = Wire(stack, proxy, listening)
        if row.stage == "CONNECT":
            return wire.exchange("", f"{row.code} mail.example.org {row.stage}")
        wire.exchange("", "220 mail.example.org")
        for line in before:
            wire.exchange(line, "354 Go on" if line == "DATA" else "250 Ok")
        return wire.exchange(sent, f"{row.code} says {row.stage}")


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """Every row, a session each, in one run of the proxy."""
    folder = tmp_path_factory.mktemp("rows")
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(SECONDS)
        upstream = f"{HOST}:{listening.getsockname()[1]}"
        words = ("--upstream", upstream, "--mode", "record", "--cassette", "rows.yaml")
        log = ("--log", "log", "--log-format", "json", "--stats", "stats.json")
        with serving(folder, *words, *log) as proxy:
            heard = {row: play(row, proxy, listening) for row in TABLE.rows}
            assert proxy.end().status == 0
    yield Observed(
        _logged(folder / "log"),
        _recorded(folder / "rows.yaml"),
        json.loads((folder / "stats.json").read_text())["matrix"],
        heard,
    )


def _logged(path: Path) -> dict[Row, dict[str, Any]]:
    """Return the record of each row's reply: the last one of its session."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    last = {record["session"]: record for record in records if record.get("code") is not None}
    sessions = sorted(last, key=lambda label: int(label.rpartition("-")[2]))
    return dict(zip(TABLE.rows, (last[label] for label in sessions), strict=True))


def _recorded(path: Path) -> dict[Row, Recorded]:
    sessions = sorted(load_cassette(path).sessions, key=lambda session: int(session.label))
    exchanges = [[one for one in session.dialogue if one.said][-1] for session in sessions]
    return dict(zip(TABLE.rows, exchanges, strict=True))


@every_row
def test_the_client_hears_the_row(row: Row, observed: Observed) -> None:
    """What upstream says reaches the client as it is."""
    says = "mail.example.org" if row.stage == "CONNECT" else "says"
    assert observed.heard[row] == f"{row.code} {says} {row.stage}"


@every_row
def test_the_log_names_the_row(row: Row, observed: Observed) -> None:
    """Stage, severity, meaning, place, and whether to try again."""
    record = observed.log[row]
    assert (record["stage"], record["code"], record["by"]) == (row.stage, row.code, "upstream")
    assert record["severity"] == SEVERITIES[str(row.code)[0]]
    assert plain(record["meaning"]) == plain(row.words)
    assert (record["listed"], record["place"], record["known"]) == (True, "listed", True)
    # The words say nothing here: so it follows from the first digit.
    retryable = {"4": True, "5": False}.get(str(row.code)[0])
    assert record.get("retryable") is retryable


@every_row
def test_the_cassette_keeps_the_row(row: Row, observed: Observed) -> None:
    """The exchange stands at its stage, with the reply."""
    kept = observed.cassette[row]
    assert kept.stage == row.stage
    assert kept.said == (observed.heard[row].encode() + b"\r\n",)
    assert kept.heard == kept.said[0]


def test_the_statistics_count_the_rows(observed: Observed) -> None:
    """The matrix has each row once, and the replies that led there."""
    expected: Counter[tuple[str, str]] = Counter()
    for row in TABLE.rows:
        expected[row.stage, str(row.code)] += 1
        if row.stage != "CONNECT":
            expected["CONNECT", "220"] += 1
        for line in SAYS[row.stage][0]:
            expected[line.split()[0], "354" if line == "DATA" else "250"] += 1
    counted = {
        (stage, code): count
        for stage, codes in observed.matrix.items()
        for code, count in codes.items()
    }
    assert counted == dict(expected)
