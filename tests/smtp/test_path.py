"""Paths and parameters are read as clients really send them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.smtp.facts import Command
from smtpproxy.smtp.path import Path, domain_in, domain_of, parse_path, with_path, without_size


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


@pytest.mark.parametrize(
    ("line", "domain"),
    [
        (b"RCPT TO:<b@example.net>", "example.net"),
        (b"RCPT TO:<b@Example.NET> NOTIFY=NEVER ORCPT=rfc822;c@example.org", "example.net"),
        (b"rcpt to: <b@Example.NET>", "example.net"),
        (b"RCPT TO:b@example.net ORCPT=<c@example.org>", "example.net"),
        (b"RCPT TO:<Postmaster>", ""),
        (b"RCPT TO:<Postmaster> ORCPT=<c@example.org>", ""),
        (b"RCPT TO:<@example.net>", ""),
        (b"RCPT TO:<@relay.example,@b.example:c@example.org>", "example.org"),
        (b'RCPT TO:<"b@example.org"@example.net>', "example.net"),
        (b'RCPT TO:<"b@example.org">', ""),
        (b"RCPT TO:<b@[192.0.2.1]>", "[192.0.2.1]"),
        (b"RCPT TO:<b@[IPv6:2001:DB8::1]>", "[ipv6:2001:db8::1]"),
        ("RCPT TO:<b@B\u00dccher.example>".encode(), "b\u00fccher.example"),
        (b"RCPT TO:<b@\xff.example>", "\\xff.example"),
        (b"RCPT", ""),
        (b"RCPT b@example.net", ""),
    ],
)
def test_domain(line: bytes, domain: str) -> None:
    """RFC 5321 §2.4: domains are alike in any case; parameters have none of the recipient's."""
    assert domain_in(line + b"\r\n") == domain


@settings(max_examples=300, deadline=None)
@given(
    local_part=st.text(alphabet='<>":\\@, ab', max_size=4),
    domain=st.text(alphabet='<>":\\@, Ab-.', max_size=6),
    behind=st.sampled_from(["", ">", "> ORCPT=rfc822;c@example.org", "@b>", '">']),
)
def test_the_quick_way_to_a_domain_is_the_long_way(
    local_part: str, domain: str, behind: str
) -> None:
    """What is found of a plain line at a glance is what reading its path gives."""
    argument = f"TO:<{local_part}@{domain}{behind}".encode()
    path = parse_path(argument)
    assert domain_in(b"RCPT " + argument + b"\r\n") == (domain_of(path.address) if path else "")


@pytest.mark.parametrize(
    ("line", "other"),
    [
        (b"RCPT TO:<b@example.net>\r\n", b"RCPT TO:<c@example.org>\r\n"),
        (b" rcpt\tto : <b@x>NOTIFY=b@x \n", b" rcpt\tto : <c@example.org>NOTIFY=b@x \n"),
        (b"RCPT TO:<@x,@y:b@z> A\r\n", b"RCPT TO:<c@example.org> A\r\n"),
        (b"RCPT TO:b@x A=\xff\r\n", b"RCPT TO:c@example.org A=\xff\r\n"),
        (b"RCPT TO:<>\r\n", b"RCPT TO:<c@example.org>\r\n"),
        (b"RCPT b@x\r\n", None),
        (b"RCPT\r\n", None),
    ],
)
def test_another_address(line: bytes, other: bytes | None) -> None:
    """It stands in the place of the one that was sent, and all else stays."""
    assert with_path(Command("RCPT", line), b"c@example.org") == other


def test_no_address_has_angle_brackets() -> None:
    """RFC 5321 §4.1.2: the null reverse-path is <>."""
    assert with_path(Command("MAIL", b"MAIL FROM:<a@x> A\r\n"), b"") == b"MAIL FROM:<> A\r\n"
    assert with_path(Command("MAIL", b"MAIL FROM:a@x A\r\n"), b"") == b"MAIL FROM:<> A\r\n"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"MAIL FROM:<a@x> SIZE=10\r\n", b"MAIL FROM:<a@x>\r\n"),
        (
            b"MAIL FROM:<a@x> BODY=7BIT size=10 SMTPUTF8\r\n",
            b"MAIL FROM:<a@x> BODY=7BIT SMTPUTF8\r\n",
        ),
        (b"mail from:<SIZE=1@x>  SIZEX=2\r\n", b"mail from:<SIZE=1@x>  SIZEX=2\r\n"),
        (b"MAIL FROM:<a@x>\r\n", b"MAIL FROM:<a@x>\r\n"),
        (b"MAIL nonsense SIZE=1\r\n", b"MAIL nonsense SIZE=1\r\n"),
    ],
)
def test_the_size_is_taken_out(said: bytes, told: bytes) -> None:
    """RFC 1870 §3: the parameter goes with the blank before it, and all else stays."""
    assert without_size(Command("MAIL", said)) == told
