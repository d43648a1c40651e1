"""The end of a session in the middle of a message."""

from __future__ import annotations

import re

import pytest

from smtpproxy.faults import FaultError, MidData
from smtpproxy.faults.base import Value


def test_what_is_read() -> None:
    """After how many octets, and what the client hears then."""
    fault = MidData.parse({"after": "10 KiB", "reply": "421 4.3.2 Going down"}, "DATA")
    assert fault.after == 10240
    assert fault.reply is not None
    assert fault.reply.octets("x", "") == b"421 4.3.2 Going down\r\n"
    for way in ("drop", "reset", "silence"):
        assert MidData.parse({"after": "5", "client": way}, "DATA") == MidData(5, None, way)


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ("10 KiB", (), "expected a mapping such as {after: 10 KiB, reply: 421}"),
        ({"reply": "421"}, (), "expected after: and a number of octets"),
        ({"after": "10 KiB"}, (), "expected either reply: or client:"),
        ({"after": "1", "reply": "421", "client": "drop"}, (), "either reply: or client:"),
        ({"after": "ten", "reply": "421"}, ("after",), "expected a size such as 10 KiB"),
        ({"after": "-1", "reply": "421"}, ("after",), "expected a size such as 10 KiB"),
        ({"after": "1", "reply": "450"}, ("reply",), "expected 421, got 450"),
        ({"after": "1", "reply": "no"}, ("reply",), "expected a reply code"),
        ({"after": "1", "client": "close"}, ("client",), "drop, reset or silence, got 'close'"),
        ({"before": "1"}, ("before",), "expected after, reply, client, got 'before'"),
    ],
)
def test_what_is_not(value: Value, path: tuple[str, ...], problem: str) -> None:
    """Each mistake is told where it stands."""
    with pytest.raises(FaultError, match=re.escape(problem)) as caught:
        MidData.parse(value, "DATA")
    assert caught.value.path == path


@pytest.mark.parametrize("stage", ["BDAT", "END-OF-DATA", "RCPT"])
def test_where_it_stands(stage: str) -> None:
    """It stands at DATA, also for what comes by BDAT."""
    with pytest.raises(FaultError, match="expected at DATA alone"):
        MidData.parse({"after": "1", "reply": "421"}, stage)


def test_words() -> None:
    """A person reads what happens."""
    words = MidData.parse({"after": "5", "client": "reset"}, "DATA").words
    assert words == (
        "after 5 octets of mail data the client's connection is reset, "
        "and upstream's connection ends"
    )
