"""Who said what, in the forms of other programs."""

from __future__ import annotations

import pytest

from smtpproxy.cassette.overheard import Heard, Side, hear
from smtpproxy.documents import DocumentError

C, S = Side.CLIENT, Side.SERVER


def heard(text: str | bytes) -> Heard:
    """Return what is heard in a text."""
    return hear(text if isinstance(text, bytes) else text.encode(), "talk.txt")


def said(text: str | bytes) -> list[tuple[Side, bytes]]:
    """Return who said what."""
    return [(turn.side, turn.octets) for turn in heard(text).turns]


def test_letters() -> None:
    """As the RFCs have it, with blanks before it, and directions for the stage left out."""
    text = (
        "   Some words\n"
        "      S: <waits for connection on TCP port 25>\n"
        "      S: 220 mail.example.org\n"
        "   C: MAIL FROM:<a@example.org>\n"
        "C:\n"
        "C:  two blanks\r\n"
    )
    found = heard(text)
    assert [(turn.side, turn.octets, turn.line) for turn in found.turns] == [
        (S, b"220 mail.example.org\r\n", 3),
        (C, b"MAIL FROM:<a@example.org>\r\n", 4),
        (C, b"\r\n", 5),
        (C, b" two blanks\r\n", 6),
    ]
    assert found.passed == [1, 2]


def test_swaks() -> None:
    """Arrows, of what was expected and what was not, with and without TLS."""
    text = (
        "=== Trying 127.0.0.1:25...\n=== Connected to 127.0.0.1.\n"
        "<-  220 Hi\n -> EHLO x\n<** 550 No\n ~> NOOP\n<~  250 Ok\n<~* 450 Hm\n**> QUIT\n ->\n"
    )
    assert said(text) == [
        (Side.CONNECTED, b""),
        (S, b"220 Hi\r\n"),
        (C, b"EHLO x\r\n"),
        (S, b"550 No\r\n"),
        (C, b"NOOP\r\n"),
        (S, b"250 Ok\r\n"),
        (S, b"450 Hm\r\n"),
        (C, b"QUIT\r\n"),
        (C, b"\r\n"),
    ]


def test_smtplib() -> None:
    """Octets as Python prints them; what it prints beside them is passed over."""
    text = (
        "connect: to ('mail.example.org', 25) None\n"
        "reply: b'220 Hi\\r\\n'\nreply: retcode (220); Msg: b'Hi'\nconnect: b'Hi'\n"
        "send: 'ehlo x\\r\\n'\n"
        '12:00:00.123456 send: b"it\'s\\xff\\r\\n.\\r\\n"\n'
        "data: (250, b'Ok')\n"
    )
    found = heard(text)
    assert [turn[:2] for turn in found.turns if turn.octets or turn.side is Side.CONNECTED] == [
        (Side.CONNECTED, b""),
        (S, b"220 Hi\r\n"),
        (C, b"ehlo x\r\n"),
        (C, b"it's\xff\r\n.\r\n"),
    ]
    assert found.passed == []


@pytest.mark.parametrize("literal", ["b'\\x'", "'a' + 'b'", "b'a' 'b'"])
def test_only_octets_are_read(literal: str) -> None:
    """What looks like Python's print and is none is an error with its line."""
    with pytest.raises(DocumentError, match=r"talk.txt:2: expected octets as Python prints them"):
        heard(f"reply: b'220 Hi\\r\\n'\nsend: {literal}\n")


def test_the_form_is_that_of_most_lines() -> None:
    """A line that looks like another form's, among those of one, is no part of the dialogue."""
    found = heard("C: NOOP\nS: 250 Ok\nsend: 'a' + 'b'\n -> NOOP\n")
    assert (found.form, len(found.turns), found.passed) == ("C: and S:", 2, [3, 4])


HEADING = "\n" + "=" * 67 + "\nFollow: tcp,{}\nFilter: tcp.stream eq 0\nNode 0: 127.0.0.1:{}\n"
PARTS = [(S, b"220 Hi\r\n"), (C, b"EHLO x\r\n14\r\n"), (S, b"250 Hi\r\n")]


@pytest.mark.parametrize("first", [S, C], ids=["server", "client"])
@pytest.mark.parametrize("form", ["ascii", "raw"])
def test_tshark(first: Side, form: str) -> None:
    """Both nodes' parts, whichever of them tshark calls the first."""
    text = HEADING.format(form, 25).encode()
    for side, octets in PARTS:
        tab = b"" if side is first else b"\t"
        shown = octets.hex().encode() if form == "raw" else b"%d\n%s" % (len(octets), octets)
        text += tab + shown + b"\n"
    assert said(text + b"=" * 67 + b"\n") == PARTS


def test_tshark_with_other_line_ends() -> None:
    """Where line ends were changed, what was sent can't be known; the way out is told."""
    text = HEADING.format("ascii", 25) + "8\n220 Hi\n\n\t3\nQ\n\n"
    with pytest.raises(DocumentError, match=r"talk.txt:6: .* take follow,tcp,raw"):
        heard(text)


def test_nothing_is_an_error() -> None:
    """A file without any dialogue is told so."""
    with pytest.raises(DocumentError, match="no dialogue was found"):
        heard("Dear Bob,\nhow are you?\n")
