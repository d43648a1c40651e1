"""Raw octets: how they are written, what they may not promise, and what they are taken for."""

from __future__ import annotations

import pytest

from smtpproxy.faults import FaultError, Raw, Telling
from smtpproxy.faults.base import Value
from smtpproxy.smtp.facts import Reply


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (r"250 Ok\r\n", b"250 Ok\r\n"),
        (r"\0\t\\\xff\x0D", b"\0\t\\\xff\r"),
        ("250 Ok\r\n\0", b"250 Ok\r\n\0"),
        ("Grüße", "Grüße".encode()),
        ({"base64": "MjUwIE9rDQo="}, b"250 Ok\r\n"),
        ({"base64": "MjUw\nIE9r\n"}, b"250 Ok"),
    ],
)
def test_octets_as_they_are_written(value: Value, octets: bytes) -> None:
    """Escapes, YAML's own characters and base64 say every octet."""
    assert Raw.parse(value, "RCPT").octets == octets


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "1 to 65536 octets"),
        ("x" * 65537, "1 to 65536 octets"),
        (r"\q", "got '\\\\q'"),
        (r"\x0", "got '\\\\x'"),
        ("\\", "got '\\\\'"),
        ([], "expected a text"),
        ({"base64": "?"}, "expected base64"),
        ({"base64": "MjU"}, "expected base64"),
        ({"hex": "00"}, "got 'hex'"),
    ],
)
def test_no_octets(value: Value, words: str) -> None:
    """What can't be read is refused, and so is more than 64 KiB."""
    with pytest.raises(FaultError) as caught:
        Raw.parse(value, "RCPT")
    assert words in str(caught.value)


@pytest.mark.parametrize("stage", ["AUTH", "STARTTLS", "TURN", "ATRN"])
@pytest.mark.parametrize("octets", [r"220 Go\r\n", r"334 \r\n", r"x\r\n334 \r\n"])
def test_nothing_is_promised_that_only_upstream_can_keep(stage: str, octets: str) -> None:
    """Who hears 334 sends a secret, and who hears 220 begins TLS: nobody would take them."""
    with pytest.raises(FaultError, match="only upstream can keep"):
        Raw.parse(octets, stage)
    assert Raw.parse(r"5\r\n", stage).octets == b"5\r\n"


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"554 No\r\n", 554),
        (b"stray\r\n354 Go\r\n", 354),
        (b"451-a\r\n250 b\r\n", 250),
        (b"220 one\r\n221 two\r\n", 220),
        (b"25", 250),
        (b"\0\r\n", 250),
    ],
)
def test_the_client_is_taken_at_what_it_can_read(octets: bytes, code: int) -> None:
    """Where the octets hold a reply, it is that; else it is what was to be said."""
    telling = Telling(Reply(250, b"250 Ok\r\n"), "RCPT")
    Raw(octets).apply(telling)
    assert telling.reply is not None
    assert (telling.reply.code, telling.octets) == (code, octets)


def test_nothing_is_said_where_nothing_is_said() -> None:
    """A connection that ends has no reply."""
    telling = Telling(None)
    Raw(b"250").apply(telling)
    assert telling.octets is None


def test_it_says_in_words_what_it_does() -> None:
    """Octets are shown, not obeyed, and not all of many."""
    assert Raw(b"250 \0\r\n").words == r"the client hears the raw octets '250 \\x00\\x0d\\x0a'"
    assert "…" in Raw(b"x" * 100).words
