"""An edited reply: which parts change, which stay, and what no edit can do."""

from __future__ import annotations

import pytest

from smtpproxy.faults import Edit, FaultError, Telling
from smtpproxy.faults.base import Value
from smtpproxy.smtp.facts import Reply


def edited(wire: bytes, value: Value, stage: str = "RCPT") -> bytes:
    """Return what a reply becomes."""
    telling = Telling(Reply(int(wire[:3]), wire), stage, "mail.example.org", "b@example.net")
    Edit.parse(value, stage).apply(telling)
    assert telling.reply is not None
    assert telling.reply.code == int(telling.reply.wire[:3])
    return telling.reply.wire


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ({"code": "252"}, b"252-2.1.5 one\r\n252 2.1.5 two\r\n"),
        ({"code": "451"}, b"451-4.1.5 one\r\n451 4.1.5 two\r\n"),
        ({"code": "354"}, b"354-one\r\n354 two\r\n"),
        ({"enhanced": "2.0.0"}, b"250-2.0.0 one\r\n250 2.0.0 two\r\n"),
        ({"enhanced": "none"}, b"250-one\r\n250 two\r\n"),
        ({"text": "new"}, b"250 2.1.5 new\r\n"),
        ({"text": ["a", "b", "c"]}, b"250-2.1.5 a\r\n250-2.1.5 b\r\n250 2.1.5 c\r\n"),
        ({"text": "for <forward-path> at <domain>"}, b"250 2.1.5 for <b@example.net> at mail"),
        ({"replace": {"/O[NK]/": "1"}}, b"250-2.1.5 1e\r\n250 2.1.5 two\r\n"),
        ({"replace": {"/t(.)o/": r"\1"}}, b"250-2.1.5 one\r\n250 2.1.5 \\1\r\n"),
        ({"code": "550", "enhanced": "5.7.1", "text": "No"}, b"550 5.7.1 No\r\n"),
    ],
)
def test_parts_change_and_the_others_stay(value: Value, wire: bytes) -> None:
    """RFC 2034 §4: an enhanced code stands on every line, is of the code's class, not with 3xx."""
    assert edited(b"250-2.1.5 one\r\n250 2.1.5 two\r\n", value).startswith(wire)


@pytest.mark.parametrize(
    "wire", [b"250\r\n", b"250 \r\n", b"250 Gr\xfc\xdfe\n", b"250-a\r\nstray\r\n250 b\r\n"]
)
def test_whatever_upstream_says_can_be_edited(wire: bytes) -> None:
    """An odd reply becomes one in order, and no octet of it is taken for a code."""
    told = edited(wire, {"code": "451", "replace": {"/./": "x"}})
    lines = told.split(b"\r\n")
    assert lines.pop() == b""
    assert all(line[:4] == b"451-" for line in lines[:-1])
    assert lines[-1][:4] == b"451 "


def test_nothing_is_edited_where_nothing_is_said() -> None:
    """A connection that ends has no reply."""
    telling = Telling(None)
    Edit(451).apply(telling)
    assert telling.reply is None


def test_what_is_replaced_does_not_grow_without_bound() -> None:
    """A line is cut where it is longer than any that a server may say."""
    told = edited(b"250 " + b"x" * 4000 + b"\r\n", {"replace": {"/x/": "y" * 4000}})
    assert len(told) < 5000


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("451", "mapping with code, enhanced, text, replace"),
        ({}, "mapping with code"),
        ({"cod": "451"}, "got 'cod'"),
        ({"code": "199"}, "from 200 to 599"),
        ({"code": "4x0"}, "from 200 to 599"),
        ({"enhanced": "3.0.0"}, "such as 4.7.1"),
        ({"code": "451", "enhanced": "5.7.1"}, "class of 451"),
        ({"text": []}, "1 to 100 lines"),
        ({"text": ["a"] * 101}, "1 to 100 lines"),
        ({"text": "a\rb"}, "can't hold"),
        ({"text": "a\0b"}, "can't hold"),
        ({"text": ["a\nb"]}, "can't hold"),
        ({"text": {"a": "b"}}, "expected a text"),
        ({"replace": {"/a/": "b\r\nc"}}, "can't hold"),
        ({"replace": {"/a/": "b\0"}}, "can't hold"),
        ({"replace": {"a": "b"}}, "between slashes"),
        ({"replace": {"//": "b"}}, "between slashes"),
        ({"replace": {"/(/": "b"}}, "can't be read"),
        ({"replace": {}}, "mapping such as"),
        ({"replace": "/a/"}, "mapping such as"),
    ],
)
def test_no_edit(value: Value, words: str) -> None:
    """What can't be read is refused, with what was expected; CR, LF and NUL can't be said."""
    with pytest.raises(FaultError) as caught:
        Edit.parse(value, "RCPT")
    assert words in str(caught.value)


def test_it_says_in_words_what_it_does() -> None:
    """Every part has its words."""
    value: Value = {"code": "451", "enhanced": "4.7.1", "text": "Later", "replace": {"/a/": "b"}}
    words = Edit.parse(value, "RCPT").words
    assert words == (
        "the reply is edited: code 451, enhanced code 4.7.1, text 'Later', /a/ replaced by 'b'"
    )
