"""Octets as YAML scalars: readable where that is safe, and always the same octets again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.cassette.scalars import (
    ScalarError,
    read_line,
    read_message,
    write_line,
    write_message,
)
from smtpproxy.documents import Mapping, Node, Sequence, read_documents

# What editors, terminals and YAML parsers treat in ways of their own, and what looks like YAML.
ODD = (
    *("\0", "\t", "\n", "\r", "\r\n", " ", "  ", "\x0b", "\x1b", "\x7f", "\x85", "\xa0", "\xad"),
    *("\u200b", "\u2028", "\u2029", "\u202e", "\ufeff", "\ufffe", "\uffff", "\ufffd", "\U000e0001"),
    *("é", "語", "😀", "\U0010ffff", '"', "'", "\\", "\\\n", "#", " #", ": ", ":", "- ", "---\n"),
    *("...\n", "|", ">", "%", "&a", "*a", "!", "{", "}", "[", "]", ",", "~", "null", "250", "."),
)
TEXTS = st.lists(st.sampled_from(ODD) | st.text(max_size=5), max_size=8).map(
    lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
)
OCTETS = TEXTS | st.binary(max_size=40)
FEW = settings(max_examples=150, deadline=None)


def scalar(written: str) -> Node:
    """Return what a scalar in an exchange of a cassette is read as."""
    document = next(iter(read_documents(f"- S: {written}\n  C: x\n".encode(), "c.yaml")))
    assert isinstance(document, Sequence)
    exchange = document.items[0]
    assert isinstance(exchange, Mapping)
    return exchange.entries["S"]


@pytest.mark.parametrize(
    ("octets", "written"),
    [
        (b"250 2.1.0 Ok\r\n", '"250 2.1.0 Ok"'),
        (b"RCPT TO:<b@example.net>\r\n", '"RCPT TO:<b@example.net>"'),
        (b'MAIL FROM:<"a\\b"@example.org>\r\n', r'"MAIL FROM:<\"a\\b\"@example.org>"'),
        (b"250 Ok: queued # 4\r\n", '"250 Ok: queued # 4"'),
        (b"\r\n", '""'),
        ("250 grüße\r\n".encode(), '"250 grüße"'),
        (b"NOOP \x07\t\r\n", r'"NOOP \x07\t"'),
        (b"250 a\r\r\n", r'"250 a\r"'),
        (b"250 \xe9\r\n", '{base64: "MjUwIOkNCg=="}'),
        (b"250 bare\n", '{base64: "MjUwIGJhcmUK"}'),
        (b"250 none", '{base64: "MjUwIG5vbmU="}'),
    ],
)
def test_a_line_is_quoted_or_base64(octets: bytes, written: str) -> None:
    """One line stands in double quotes; what is not UTF-8, or does not end in CRLF, in base64."""
    assert write_line(octets, "  ") == written


def test_a_multiline_reply_is_a_block() -> None:
    """More than one line reads as it was said, one line below the other."""
    reply = b"250-mail.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
    assert write_line(reply, "  ") == (
        "|\n    250-mail.example.org\n    250-PIPELINING\n    250 8BITMIME"
    )


def test_a_message_is_a_block() -> None:
    """Mail data reads as in a mail reader; empty lines are empty; tabs within lines stay."""
    message = b"Subject: hello\r\n\r\nHi:\tthere # you\r\n--- \\\"'\r\n"
    assert write_message(message, "  ") == (
        "|\n    Subject: hello\n\n    Hi:\tthere # you\n    --- \\\"'"
    )


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"a \r\nb\r\n", id="trailing blank"),
        pytest.param(b"a\t\r\nb\r\n", id="trailing tab"),
        pytest.param(b"a\r\n \r\nb\r\n", id="line of a blank"),
        pytest.param(b"a\r\nb", id="no final CRLF"),
        pytest.param(b"a\x00\r\n", id="NUL"),
        pytest.param(b"a\x1b[31m\r\n", id="escape"),
        pytest.param(b"a\x7f\r\n", id="DEL"),
        pytest.param("a\x85b\r\n".encode(), id="U+0085"),
        pytest.param("a\u2028b\r\n".encode(), id="U+2028"),
        pytest.param("a\u2029b\r\n".encode(), id="U+2029"),
        pytest.param("\ufeffa\r\n".encode(), id="BOM"),
        pytest.param("a\u202eb\r\n".encode(), id="reordering"),
        pytest.param("a\uffffb\r\n".encode(), id="no character"),
        pytest.param(b"a\rb\r\n", id="bare CR"),
        pytest.param(b"a\nb\r\n", id="bare LF"),
        pytest.param(b"a\xff\r\n", id="not UTF-8"),
        pytest.param(b"\xed\xa0\x80\r\n", id="half of a surrogate pair"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\r\n", id="one empty line"),
        pytest.param(b"\r\n\r\n", id="empty lines"),
    ],
)
def test_what_a_block_would_lose_is_no_block(message: bytes) -> None:
    """What an editor would eat, or YAML would read otherwise, is quoted or base64."""
    written = write_message(message, "  ")
    assert written.startswith(('"', '{base64: "'))
    assert all(letter.isprintable() or letter == "\n" for letter in written)
    assert read_message(scalar(written)) == message


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b" a\r\nb\r\n", id="begins with a blank"),
        pytest.param(b"\ta\r\nb\r\n", id="begins with a tab"),
        pytest.param(b"\r\na\r\n", id="begins with an empty line"),
        pytest.param(b"\r\n  a\r\nb\r\n", id="an empty line, then blanks"),
        pytest.param(b"a\r\n\r\n\r\n", id="ends in empty lines"),
        pytest.param(b"---\r\n...\r\n", id="looks like YAML"),
        pytest.param(b"# a\r\n#b\r\n", id="looks like a comment"),
        pytest.param("é語😀\r\n".encode(), id="not ASCII"),
        pytest.param(b"x" * 5000 + b"\r\n", id="a long line"),
    ],
)
def test_a_block_gives_back_what_looks_difficult(message: bytes) -> None:
    """Blanks at the beginning and empty lines at the end are no reason to leave the block form."""
    written = write_message(message, "  ")
    assert written.startswith("|")
    assert read_message(scalar(written)) == message


@FEW
@given(OCTETS)
def test_every_octet_of_a_line_survives(octets: bytes) -> None:
    """Any octets, read back as a line, are the same octets."""
    assert read_line(scalar(write_line(octets, "  "))) == octets


@FEW
@given(OCTETS)
def test_every_octet_of_a_message_survives(octets: bytes) -> None:
    """Any octets, read back as mail data, are the same octets."""
    assert read_message(scalar(write_message(octets, "  "))) == octets


@FEW
@given(OCTETS.filter(lambda octets: octets.count(b"\n") < 2))
def test_a_line_may_stand_in_a_list(octets: bytes) -> None:
    """One line can be written into a list of pipelined commands."""
    node = scalar(f"[{write_line(octets, '  ')}, {write_line(octets, '  ')}]")
    assert isinstance(node, Sequence)
    assert [read_line(item) for item in node.items] == [octets, octets]


@FEW
@given(OCTETS)
def test_nothing_hidden_is_written(octets: bytes) -> None:
    """A cassette can be shown on a terminal: no control or hidden character stands as itself."""
    hidden = set("\r\x0b\x1b\x7f\x85\xad\u200b\u2028\u2029\u202e\ufeff\0")
    assert not hidden & set(write_message(octets, "  ") + write_line(octets, "  "))


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        ("250 Ok", b"250 Ok\r\n"),
        ("250", b"250\r\n"),
        ("yes", b"yes\r\n"),
        ("2026-11-23", b"2026-11-23\r\n"),
        ("'250 Ok'", b"250 Ok\r\n"),
        ("|-\n    250-a\n    250 b", b"250-a\r\n250 b\r\n"),
        ("|\n    250-a\n    250 b", b"250-a\r\n250 b\r\n"),
        ("{base64: MjUwCg==}", b"250\n"),
    ],
)
def test_what_a_person_writes_is_text(written: str, octets: bytes) -> None:
    """Every scalar is text, never a number, a boolean or a date; the last CRLF is implied."""
    assert read_line(scalar(written)) == octets


def test_a_message_without_final_line_end_has_none() -> None:
    """In mail data no CRLF is implied: quotes say exactly what is there."""
    assert read_message(scalar('"a\\nb"')) == b"a\r\nb"


@pytest.mark.parametrize(
    "written",
    [
        *("[a, b]", "{}", "{text: a}", "{base64: a, x: b}", "{base64: [a]}", "{base64: {a: b}}"),
        *('{base64: "a"}', '{base64: "YQ"}', '{base64: "Y Q=="}', '{base64: "é==="}'),
    ],
)
def test_anything_else_is_an_error(written: str) -> None:
    """A list, another mapping, and what is not base64 are told from octets."""
    with pytest.raises(ScalarError, match="base64"):
        read_line(scalar(written))
    with pytest.raises(ScalarError, match="base64"):
        read_message(scalar(written))
