"""The proxy's own password for upstream: no client sent it, and upstream may repeat it to any."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cassette.canary import PASSWORD, Watched, aligned, traces

READY = "S: 220 mail.example.org ESMTP ready"


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A session whose proxy logs in to upstream."""
    watched = Watched(tmp_path)
    watched.conversation.transcript.keep_secret(PASSWORD.encode())
    return watched


@pytest.mark.parametrize("form", [PASSWORD, *(one.decode() for one in aligned(PASSWORD.encode()))])
def test_upstream_repeats_it(watched: Watched, form: str) -> None:
    """From the greeting on, in replies and behind them, whole or cut."""
    cut = form[3:-3]
    watched.play(f"{READY} {form}\nC: NOOP\nS: 250-2.0.0 {cut}\nS: 250 2.0.0 {form}")
    watched.play(f"S: debug: {cut}\nS: 421 4.7.0 {form}")
    watched.over()
    everything = watched.everything()
    assert traces(everything, [PASSWORD]) == []
    assert everything.count("[redacted]") > 5


def test_the_clients_lines_stay(watched: Watched) -> None:
    """The client has not authenticated: what it sends is no secret, not even half a line."""
    watched.play(f"{READY}\nC: XYZZY 1 2\nS: 500 5.5.2 What?")
    watched.conversation.client(b"XYZZ")
    kept = watched.over()
    assert 'C: "XYZZY 1 2"' in kept
    assert "unfinished-line client XYZZ" in kept
