"""AUTH that is answered in upstream's place; tests/test_sink.py has its dialogues."""

from __future__ import annotations

import pytest

from smtpproxy.auth.localauth import LocalAuth
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Continuation

REFUSAL = b"535 5.7.8 Upstream said no\r\n"


@pytest.mark.parametrize(
    ("lines", "heard"),
    [
        (["AUTH PLAIN AGEAYg=="], [REFUSAL]),
        (["AUTH PLAIN ="], [REFUSAL]),
        (["AUTH PLAIN", "AGEAYg=="], [b"334 \r\n", REFUSAL]),
        (["auth\tlogin  YQ==", "Yg=="], [b"334 UGFzc3dvcmQ6\r\n", REFUSAL]),
        (["AUTH LOGIN YQ== Yg=="], [REFUSAL]),
    ],
)
def test_how_it_ends_is_said_by_the_caller(lines: list[str], heard: list[bytes]) -> None:
    """Once all credentials are there, whatever they are."""
    auth = LocalAuth(REFUSAL)
    wires = [f"{line}\r\n".encode() for line in lines]
    assert auth.command(parse_command(wires[0])) == heard[0]
    assert [auth.continuation(Continuation(wire)) for wire in wires[1:]] == heard[1:]


@pytest.mark.parametrize("again", ["AUTH PLAIN", "AUTH LOGIN"])
def test_what_was_cancelled_begins_anew(again: str) -> None:
    """`*` leaves nothing behind, nor does a mechanism that is not offered."""
    auth = LocalAuth()
    auth.command(parse_command(b"AUTH LOGIN\r\n"))
    assert auth.continuation(Continuation(b"*\r\n")).startswith(b"501 ")
    assert auth.command(parse_command(b"AUTH CRAM-MD5\r\n")).startswith(b"504 ")
    assert auth.command(parse_command(f"{again}\r\n".encode())).startswith(b"334 ")


def test_the_end_may_be_decided_late() -> None:
    """The caller may learn how it ends while the client is being asked."""
    auth = LocalAuth()
    auth.command(parse_command(b"AUTH PLAIN\r\n"))
    auth.final = REFUSAL
    assert auth.continuation(Continuation(b"AGEAYg==\r\n")) == REFUSAL
