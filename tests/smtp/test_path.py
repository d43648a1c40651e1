"""Paths and parameters are read as clients really send them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.smtp.path import Path, parse_path


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        (b"FROM:<a@example.org>", "a@example.org"),
        (b"TO:<b@example.net>", "b@example.net"),
        (b"from:<A@Example.ORG>", "A@Example.ORG"),
        (b"FROM:<>", ""),
        (b"TO:<Postmaster>", "Postmaster"),
        (b"TO:<b@[192.0.2.1]>", "b@[192.0.2.1]"),
        (b"TO:<b@[IPv6:2001:db8::1]>", "b@[IPv6:2001:db8::1]"),
        (b'TO:<"b c"@example.net>', '"b c"@example.net'),
        (b'TO:<"b>c"@example.net>', '"b>c"@example.net'),
        (b'TO:<"b\\"c>"@example.net>', '"b\\"c>"@example.net'),
        (b"TO:<b+tag=x@example.net>", "b+tag=x@example.net"),
        ("TO:<jörg@example.net>".encode(), "jörg@example.net"),
    ],
)
def test_address(argument: bytes, address: str) -> None:
    """RFC 5321 §4.1.2, RFC 6531: the mailbox between the angle brackets, as it was sent."""
    assert parse_path(argument) == Path(address)


@pytest.mark.parametrize(
    "argument",
    [
        *(b"TO: <b@example.net>", b"TO:\t<b@example.net>", b"TO :<b@example.net>"),
        *(b"TO:b@example.net", b"TO: b@example.net", b"To:<b@example.net> "),
    ],
)
def test_lenient(argument: bytes) -> None:
    """Blanks around the colon and missing angle brackets are forgiven, as servers forgive them."""
    assert parse_path(argument) == Path("b@example.net")


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        (b"TO:<@relay.example.com:b@example.net>", "b@example.net"),
        (b"TO:<@one.example.com,@two.example.com:b@example.net>", "b@example.net"),
        (b"TO:<@one.example.com:b@[IPv6:2001:db8::1]>", "b@[IPv6:2001:db8::1]"),
        (b"TO:<a:b@example.net>", "a:b@example.net"),
    ],
)
def test_source_route(argument: bytes, address: str) -> None:
    """RFC 5321 §4.1.2 and appendix C: a source route is taken and ignored."""
    assert parse_path(argument) == Path(address)


@pytest.mark.parametrize(
    ("argument", "parameters"),
    [
        (b"FROM:<a@example.org> SIZE=1000", (("SIZE", "1000"),)),
        (
            b"FROM:<a@example.org> size=10 Body=8bitMIME SMTPUTF8",
            (("SIZE", "10"), ("BODY", "8bitMIME"), ("SMTPUTF8", "")),
        ),
        (b"FROM:<> AUTH=<>", (("AUTH", "<>"),)),
        (b"TO:<b@example.net>  ORCPT=rfc822;b@example.net ", (("ORCPT", "rfc822;b@example.net"),)),
        (b"TO:<b@example.net> X=a=b", (("X", "a=b"),)),
        (b"FROM:a@example.org SIZE=10", (("SIZE", "10"),)),
        (b"FROM:<> A=1\tB=2 \t C", (("A", "1"), ("B", "2"), ("C", ""))),
        ("TO:<b@example.net> X=a\u00a0b\u2003c\x1cd".encode(), (("X", "a\u00a0b\u2003c\x1cd"),)),
    ],
)
def test_parameters(argument: bytes, parameters: tuple[tuple[str, str], ...]) -> None:
    """RFC 5321 §4.1.2: keywords in upper case, values as sent, in the order in which they came."""
    found = parse_path(argument)
    assert found is not None
    assert found.parameters == parameters


@pytest.mark.parametrize(
    "argument",
    [
        *(b"", b"FROM", b"FROM:", b"FROM: ", b"FROM <a@example.org>", b"<a@example.org>"),
        *(b"a@example.org", b"FROM:<a@example.org", b'FROM:<"a@example.org>', b"XFROM:<a>"),
    ],
)
def test_no_path(argument: bytes) -> None:
    """What holds no path gives None."""
    assert parse_path(argument) is None


def test_octets_that_are_not_utf_8() -> None:
    """Octets that are not UTF-8 appear as \\xNN."""
    assert parse_path(b"TO:<b\xff@example.net> X=\xfe") == Path(
        r"b\xff@example.net", (("X", r"\xfe"),)
    )


@settings(max_examples=300, deadline=None)
@given(rest=st.one_of(st.binary(), st.text(alphabet='<>":\\@, =ab').map(str.encode)))
def test_never_raises(rest: bytes) -> None:
    """Whatever a client sends, there is a path or there is none; brackets never are part of it."""
    found = parse_path(b"FROM:" + rest)
    assert found is None or '"' in found.address or ">" not in found.address


def test_long_arguments_cost_little() -> None:
    """Quotes that never end are read in linear time; else this test would not come to an end."""
    for unit in (b'"', b'"\\', b'"a" ', b"@a:", b'\\"'):
        assert parse_path(b"TO:<" + unit * 100_001) is None
