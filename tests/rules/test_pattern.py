"""Patterns fit what they say, in any case, and can't hang the proxy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.rules.pattern import Pattern, PatternError, ReplyPattern

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        # Exact.
        ("b@example.net", "b@example.net", "bb@example.net"),
        ("b@example.net", "B@Example.NET", "b@example.net.example.com"),
        ("b@example.net", "b@example.net", "b@exampleXnet"),
        ("", "", "b@example.net"),
        # Suffix.
        ("*@example.net", "b@example.net", "b@example.com"),
        ("*@example.net", "b@EXAMPLE.net", "b@example.net.example.com"),
        ("*@example.net", "@example.net", "b@sub.example.net"),
        ("*.net", "b@example.net", "b@net"),
        # Other globs.
        ("b*@example.net", "bob@example.net", "alice@example.net"),
        ("b*", "B", "a"),
        ("b?b@example.net", "bob@example.net", "boob@example.net"),
        ("b?b@example.net", "b\nb@example.net", "bb@example.net"),
        ("*@*.example.net", "b@sub.example.net", "b@example.net"),
        ("*@example.n?t", "b@example.net", "b@example.net\n"),
        ("?@example.net", "ü@example.net", "ue@example.net"),
        # What is special elsewhere stands for itself.
        ("*+tag@*", "b+tag@example.net", "bbtag@example.net"),
        ("b.*@example.net", "b.c@example.net", "bc@example.net"),
        ("*[1]*", "b@[1]", "b@1"),
        ('"b(c"*', '"b(c"@example.net', '"bc"@example.net'),
        ("*\\*", "b\\c@example.net", "b@example.net"),
        ("/b", "/b", "b"),
        # Regular expressions match anywhere, unless they say otherwise.
        ("/bob|carol/", "my.CAROL@example.net", "dave@example.net"),
        ("/^b[0-9]+@/", "b17@example.net", "bb17@example.net"),
        (r"/@example\.(net|org)$/", "b@Example.ORG", "b@example.org.example.com"),
        (r"/@(?-i:example)/", "b@example.net", "b@Example.net"),
        ("/^$/", "", "b"),
    ],
)
def test_address(pattern: str, fits: str, does_not: str) -> None:
    """A glob fits the whole address, a regular expression any part of it; case is ignored."""
    assert Pattern(pattern).matches(fits)
    assert not Pattern(pattern).matches(does_not)


@pytest.mark.parametrize("address", ["", "b@example.net", '"a\\"b \r\n\0"@[192.0.2.1]', "☃@\\xff"])
def test_star_fits_everything(address: str) -> None:
    """`*` fits the null reverse-path, and any character that a client may think of."""
    assert Pattern("*").matches(address)
    assert Pattern("**").matches(address)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec="ascii"), max_size=20), st.text(max_size=20))
def test_every_address_fits_itself(local: str, other: str) -> None:
    """An address without wild cards is its own pattern; `*` and `?` stand for what they hide."""
    address = "x" + local.replace("*", "").replace("?", "") + "@example.net"
    assert Pattern(address).matches(address)
    assert Pattern("?" + address[1:]).matches(address)
    assert Pattern("x*" + address[1:]).matches("x" + other + address[1:])
    assert not Pattern("y*" + address[1:]).matches(address)


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("/(a+)+$/", "a" * MEGABYTE + "b"),
        ("/^(a|aa)+$/", "a" * MEGABYTE + "b"),
        ("/^(.*a){20}c/", "a" * MEGABYTE),
        ("*a*a*a*a*a*a*a*a*b", "a" * MEGABYTE),
    ],
)
def test_long_addresses_are_answered_in_linear_time(pattern: str, near: str) -> None:
    """What backtracks for ever elsewhere is found not to fit a megabyte."""
    assert not Pattern(pattern).matches(near)


@pytest.mark.parametrize(
    "pattern", ["/(/", "/[/", "/*/", r"/(a)\1/", "/a(?=b)/", "/(?<!a)b/", "/((a{1000}){1000})/"]
)
def test_pattern_that_can_not_be_read(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    """It is an error that names the pattern; what no linear-time engine can do is one, too."""
    with pytest.raises(PatternError, match="can't be read") as caught:
        Pattern(pattern)
    assert repr(pattern) in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("550", range(550, 551)),
        ("55x", range(550, 560)),
        ("5xx", range(500, 600)),
        ("20x", range(200, 210)),
        ("3xx", range(300, 400)),
    ],
)
def test_reply_pattern(pattern: str, fits: range) -> None:
    """A code fits itself, `55x` a group, `5xx` a class; none fits where upstream was not asked."""
    found = ReplyPattern.parse(pattern)
    assert [code for code in range(1000) if found.matches(code)] == list(fits)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "5",
        "55",
        "5500",
        "x50",
        "5x0",
        "xxx",
        "150",
        "600",
        "5_0",
        "+55",
        "\uff15\uff15\uff10",
        "550\n",
    ],
)
def test_no_reply_pattern(pattern: str) -> None:
    """What is no code from 200 to 599, no group and no class is refused with the three forms."""
    with pytest.raises(PatternError, match="550, 55x or 5xx"):
        ReplyPattern.parse(pattern)
