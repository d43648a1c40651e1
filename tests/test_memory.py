"""What hostile peers cost in memory: a few of the cases that `make memory` tries, and its table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.memory.cases import CASES
from bench.memory.measure import BOUND, Figure, measure
from bench.memory.table import markdown
from tests.peers.programs import need

CONNECTIONS = 4
QUICK = ("long-command", "chunks-recorded", "opaque")


@pytest.mark.skipif(sys.platform != "linux", reason="another's memory is read in /proc")
@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_connection_costs_less_than_a_mebibyte(name: str, tmp_path: Path) -> None:
    """Some connections that behave badly at once take no more than 1 MiB each."""
    figure = measure(CASES[name], CONNECTIONS, tmp_path)
    assert figure.offered > CONNECTIONS * 100_000
    assert figure.each <= BOUND


@pytest.mark.skipif(sys.platform != "linux", reason="another's memory is read in /proc")
def test_an_idle_session_under_tls(tmp_path: Path) -> None:
    """With TLS on both legs, sessions of plain peers stand, and EHLO is relayed."""
    need("haproxy")
    figure = measure(CASES["idle-tls"], CONNECTIONS, tmp_path)
    assert figure.ended == "goes on"
    assert figure.offered > CONNECTIONS * 100
    assert 0 < figure.each <= BOUND


def test_the_table_for_the_documentation() -> None:
    """A row says what was tried, on how many connections, what it cost, and what came of it."""
    figure = Figure(50, 10_000_000, 50 * 100 * 1024, "500, closed")
    assert markdown({"long-command": figure}, CASES).splitlines() == [
        "|  | connections | MB offered | KiB a connection | then |",
        "|---|---|---|---|---|",
        "| client: a command line that never ends | 50 | 10.0 | 100 | 500, closed |",
    ]
