"""What a server sends becomes the right replies, wherever TCP cuts it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.smtp.facts import Opaque, Overlong, Reply, ServerFact, Stray
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from smtpproxy.smtp.server import ServerReader, final_code
from tests.smtp.dialogue import every_cut
from tests.smtp.reading import Facts, octets_of, read_on, read_server


def read(*lines: bytes) -> Facts:
    """Read these lines, each ended by CRLF, by every cut."""
    octets = b"".join(line + b"\r\n" for line in lines)
    whole = read_server([octets])
    for pieces in every_cut(octets):
        assert read_server(pieces) == whole, pieces
    assert octets_of(whole) == octets
    return whole


def test_replies() -> None:
    """Each line with a code and a blank is a whole reply (RFC 5321 §4.2)."""
    assert read(b"220 mail.example.org ready", b"250 2.1.0 Ok") == [
        Reply(220, b"220 mail.example.org ready\r\n"),
        Reply(250, b"250 2.1.0 Ok\r\n"),
    ]


def test_multiline_reply() -> None:
    """Lines with a hyphen go on; the first without one ends the reply (RFC 5321 §4.2.1)."""
    lines = b"250-mail.example.org\r\n250-SIZE 1000\r\n250-\r\n250 8BITMIME\r\n"
    assert read(*lines.split(b"\r\n")[:-1], b"221 Bye") == [
        Reply(250, lines),
        Reply(221, b"221 Bye\r\n"),
    ]


@pytest.mark.parametrize("line", [b"250", b"250 ", b"250\tOk", b"250Ok"])
def test_single_line_without_a_hyphen(line: bytes) -> None:
    """RFC 5321 §4.2: clients accept a code with no text; whatever is no hyphen ends the reply."""
    assert read(line) == [Reply(250, line + b"\r\n")]


def test_code_of_the_last_line() -> None:
    """Where the codes of a reply differ, the last one counts."""
    assert read(b"250-One", b"550 Two") == [Reply(550, b"250-One\r\n550 Two\r\n")]


@pytest.mark.parametrize("code", [0, 99, 199, 600, 999])
def test_any_three_digits_are_a_code(code: int) -> None:
    """A code that no RFC knows is still a code: what it means is not for the reader to say."""
    assert read(b"%03d odd" % code) == [Reply(code, b"%03d odd\r\n" % code)]


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"hello", b"25", b"2_5 Ok", b"+25 Ok", b"-25 Ok", b" 25 Ok", b"2 5 Ok", b"0x1 Ok"),
        *(b" 250 Ok", b"\0250 Ok", b"25O Ok", "٢٥٠ Ok".encode()),
    ],
)
def test_stray_lines(line: bytes) -> None:
    """What does not begin with three ASCII digits is no reply, though int() might take it."""
    assert read(line, b"250 Ok") == [Stray(line + b"\r\n"), Reply(250, b"250 Ok\r\n")]


def test_odd_line_inside_a_multiline_reply() -> None:
    """Inside a multiline reply an odd line is part of it, so that nothing is torn apart."""
    assert read(b"250-One", b"hello", b"250 Two") == [
        Reply(250, b"250-One\r\nhello\r\n250 Two\r\n"),
    ]


def test_bare_line_endings() -> None:
    """A bare LF ends a line, a bare CR does not: servers with bare LF are read, as they were."""
    assert read_server([b"250-a\n250 b\n220 c\rd\r\n"]) == [
        Reply(250, b"250-a\n250 b\n"),
        Reply(220, b"220 c\rd\r\n"),
    ]


def test_unfinished_reply_is_kept() -> None:
    """A reply of which the last line is missing is no fact; rest() gives its octets once."""
    reader = ServerReader()
    reader.receive(b"220 Hi\r\n250-One\r\n250 Tw")
    assert read_on(reader) == [Reply(220, b"220 Hi\r\n")]
    assert (reader.rest(), reader.rest()) == (b"250-One\r\n250 Tw", b"")


def test_longest_line() -> None:
    """A line of as many octets as the limit is a reply; one more, ended or not, is Overlong."""
    longest = b"250 ".ljust(DEFAULT_LIMITS.max_reply_line - 2, b"x") + b"\r\n"
    assert read_server([longest]) == [Reply(250, longest)]
    assert read_server([longest[:-1], b"\n"]) == [Reply(250, longest)]
    for over in (b"250 x" + longest[4:], b"y" * (DEFAULT_LIMITS.max_reply_line + 1)):
        octets = b"220 Hi\r\n250-One\r\n" + over + b"250 Ok\r\n"
        for pieces in (
            [octets],
            [octets[: DEFAULT_LIMITS.max_reply_line], octets[DEFAULT_LIMITS.max_reply_line :]],
        ):
            assert read_server(pieces) == [
                Reply(220, b"220 Hi\r\n"),
                Overlong(octets.removeprefix(b"220 Hi\r\n")),
            ]


def test_most_lines() -> None:
    """A reply may have as many lines as the limit; with one more it is Overlong."""
    most = b"250-x\r\n" * (DEFAULT_LIMITS.max_reply_lines - 1) + b"250 x\r\n"
    assert read_server([most, most]) == [Reply(250, most), Reply(250, most)]
    over = b"250-x\r\n" + most
    assert read_server([over]) == read_server([over[:99], over[99:]]) == [Overlong(over)]
    odd = b"250-x\r\n" + b"odd\r\n" * (DEFAULT_LIMITS.max_reply_lines - 1) + b"250 x\r\n"
    assert read_server([odd]) == [Overlong(odd)]


def test_nothing_is_read_after_an_overlong_line() -> None:
    """Once too much came, nothing more is a fact."""
    reader = ServerReader()
    reader.receive(b"x" * (DEFAULT_LIMITS.max_reply_line + 1))
    assert read_on(reader) == [Overlong(b"x" * (DEFAULT_LIMITS.max_reply_line + 1))]
    reader.receive(b"250 Ok\r\n")
    assert read_on(reader) == []
    assert reader.closed


def test_opaque() -> None:
    """Once told, the reader reads no more: octets that look like replies are none."""
    reader = ServerReader()
    reader.receive(b"220 Go on\r\n250 Ok\r\n25")
    assert reader.next() == Reply(220, b"220 Go on\r\n")
    reader.opaque = True
    assert read_on(reader) == [Opaque(b"250 Ok\r\n25")]
    reader.receive(b"0 Ok\r\n")
    assert read_on(reader) == [Opaque(b"0 Ok\r\n")]


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"250 Ok\r\n", 250),
        (b"250-One\r\n550 Two\r\n", 550),
        (b"250-One\n354\n", 354),
        (b"550 no line ending", 550),
        (b"2_5 Ok\r\n", 0),
        (b"250 Ok\r\nodd\r\n", 0),
        (b"25\r\n", 0),
        (b"", 0),
    ],
)
def test_final_code(wire: bytes, code: int) -> None:
    """The reply code of octets is that of their last line, or 0."""
    assert final_code(wire) == code


CODE = st.integers(0, 999).map(lambda code: b"%03d" % code)
TEXT = st.binary(max_size=8).map(lambda text: text.replace(b"\n", b""))
EOL = st.sampled_from((b"\r\n", b"\r\n", b"\n"))
MIDDLE = st.one_of(
    st.builds(lambda code, text, eol: code + b"-" + text + eol, CODE, TEXT, EOL),
    st.builds(lambda text, eol: b"odd" + text + eol, TEXT, EOL),
)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    """Draw a reply of one line or more."""
    code, eol = draw(CODE), draw(EOL)
    more = draw(st.lists(MIDDLE, max_size=3))
    begin = [draw(CODE) + b"-" + draw(TEXT) + eol] if more else []
    last = code + draw(st.sampled_from((b"", b" ", b" 2.1.0 ", b"x"))) + eol
    return Reply(int(code), b"".join([*begin, *more, last]))


STRAYS = st.builds(lambda text, eol: Stray(b"?" + text + eol), TEXT, EOL)
FACTS: st.SearchStrategy[list[ServerFact]] = st.lists(st.one_of(replies(), STRAYS), max_size=6)


@settings(max_examples=200, deadline=None)
@given(facts=FACTS, size=st.integers(1, 9))
def test_replies_survive_any_cut(facts: list[ServerFact], size: int) -> None:
    """Replies and strays, put together and cut anyhow, are read as they were put together."""
    octets = octets_of(facts)
    assert read_server([octets[at : at + size] for at in range(0, len(octets), size)]) == facts
    assert read_server([octets]) == facts


def test_what_is_no_reply_yet_is_pending() -> None:
    """So it is known whether a server has said more than its 220."""
    reader = ServerReader()
    reader.receive(b"220 Go\r\n250 inj")
    assert reader.pending == 15
    assert reader.next() == Reply(220, b"220 Go\r\n")
    assert reader.pending == len(b"250 inj")
