"""What of a cassette was recorded under TLS."""

from __future__ import annotations

import pytest

from smtpproxy.cassette.matching import STRICT, key_of
from smtpproxy.cassette.tree import Tree
from smtpproxy.cassette.undertls import CONNECTION, RECORDING, UnderTls
from tests.cassette.dialogues import cassette
from tests.cassette.replaying import OPENING, letter, lines

STARTTLS = "C: STARTTLS\nS: 220 go"
RECORDED = cassette(
    lines(
        OPENING,
        letter(1, "plain"),
        letter(2, "both"),
        STARTTLS,
        *OPENING.splitlines()[1:],
        letter(3, "secure"),
        letter(4, "both"),
    )
)


@pytest.mark.parametrize("order", ["any", STRICT])
@pytest.mark.parametrize(
    ("to", "secure", "alone"),
    [
        ("plain", False, ""),
        ("plain", True, CONNECTION),
        ("secure", False, RECORDING),
        ("secure", True, ""),
        ("both", False, ""),
        ("both", True, ""),
        ("nobody", False, ""),
    ],
)
def test_who_alone_was_under_tls(order: str, to: str, secure: bool, alone: str) -> None:
    """The recording or the connection; neither, where that command was recorded as it is asked."""
    where = UnderTls(Tree(RECORDED, order=order))
    key = key_of("RCPT", f"RCPT TO:<{to}@example.net>".encode())
    assert where.alone("RCPT", key, secure) == alone


def test_a_stage_that_was_recorded_on_one_side_alone() -> None:
    """Where the very command never was, its stage is what counts; where neither was, nothing is."""
    where = UnderTls(Tree(cassette(lines(OPENING, STARTTLS, "C: VRFY a\nS: 252 b"))))
    assert where.alone("VRFY", key_of("VRFY", b"VRFY z"), secure=False) == RECORDING
    assert where.alone("EXPN", key_of("EXPN", b"EXPN z"), secure=False) == ""
