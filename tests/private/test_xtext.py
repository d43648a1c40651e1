"""xtext is undone and done again."""

import pytest

from smtpproxy.private.xtext import from_xtext, to_xtext


@pytest.mark.parametrize(
    ("encoded", "plain"),
    [
        (b"alice+40corp.example", b"alice@corp.example"),
        (b"a+2Bb+3Dc", b"a+b=c"),
        (b"a\\x{F1}b", "añb".encode()),
        (b"a+b", b"a+b"),
        (b"\\x{FFFFFF}", b"\\x{FFFFFF}"),
    ],
)
def test_what_is_encoded(encoded: bytes, plain: bytes) -> None:
    """RFC 3461 §4 and RFC 6533 §3; what is no such thing stays."""
    assert from_xtext(encoded) == plain


def test_every_octet_there_and_back() -> None:
    """Nothing is lost, and what stands in a parameter is printable (RFC 3461 §4)."""
    octets = bytes(range(256))
    assert from_xtext(to_xtext(octets)) == octets
    assert all(33 <= octet <= 126 and octet != ord("=") for octet in to_xtext(octets))
