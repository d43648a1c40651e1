"""Mail data is looked at for what is odd in it, wherever TCP cuts it."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.smtp.anomalies import LOOK_ALIKE, LOOK_ALIKE_BLANK
from smtpproxy.smtp.lookalike import Found, MailDataScan
from tests.smtp.dialogue import every_cut

BARE_CR, BARE_LF, NUL = Found("bare-cr", ""), Found("bare-lf", ""), Found("nul", "")
ZERO_WIDTH_SPACE = "\u200b".encode()
#: Look-alikes between two texts, by the name under which each is found, and its form.
LOOK_ALIKES = [
    (b"\n.\n", "look-alike-end", "LF . LF"),
    (b"\n.\r\n", "look-alike-end", "LF . CRLF"),
    (b"\r.\r", "look-alike-end", "CR . CR"),
    (b"\r.\n", "look-alike-end", "CR . LF"),
    (b"\r.\r\n", "look-alike-end", "CR . CRLF"),
    (b"\n.\r", "look-alike-end", "LF . CR"),
    (b"\r\n.\n", "look-alike-end", "CRLF . LF"),
    (b"\r\n.\r", "look-alike-end", "CRLF . CR"),
    (b"\r\n.\r\r\n", "look-alike-end", "CRLF . CR"),
    (b"\r\n\0.\r\n", "look-alike-end-nul", "CRLF NUL . CRLF"),
    (b"\r\n.\0\r\n", "look-alike-end-nul", "CRLF . NUL CRLF"),
    (b"\r\n.\x0b\r\n", "look-alike-end-nul", "CRLF . VT CRLF"),
    (b"\r\n" + ZERO_WIDTH_SPACE + b".\r\n", "look-alike-end-nul", "CRLF ZWSP . CRLF"),
    (b"\r\n." + ZERO_WIDTH_SPACE + b"\r\n", "look-alike-end-nul", "CRLF . ZWSP CRLF"),
    (b"\r\n.\t\r\n", "look-alike-end-blank", "CRLF . TAB CRLF"),
    (b"\r\n .\r\n", "look-alike-end-blank", "CRLF SP . CRLF"),
    (b"\r\n.  \r\n", "look-alike-end-blank", "CRLF . SP SP CRLF"),
    (b"\n .\n", "look-alike-end-blank", "LF SP . LF"),
]


def scan(pieces: Iterable[bytes]) -> set[Found]:
    """Return all that is found in these pieces of one message."""
    found = in_order(pieces)
    assert len(found) == len(set(found)), "each is found once"
    return set(found)


def in_order(pieces: Iterable[bytes]) -> list[Found]:
    """Return what is found in these pieces, as it is found."""
    looking = MailDataScan()
    return [one for piece in pieces for one in looking.look(piece)]


@pytest.mark.parametrize(("octets", "name", "form"), LOOK_ALIKES)
def test_look_alikes(octets: bytes, name: str, form: str) -> None:
    """Each look-alike is found by its form, wherever it is cut, and so are bare line endings."""
    expected = {Found(name, form)}
    without_pairs = octets.replace(b"\r\n", b"")
    expected |= {BARE_CR} if b"\r" in without_pairs else set()
    expected |= {BARE_LF} if b"\n" in without_pairs else set()
    expected |= {NUL} if b"\0" in octets else set()
    for pieces in every_cut(b"Hi" + octets + b"MAIL FROM:<a@example.org>\r\n.\r\n"):
        assert scan(pieces) == expected, pieces


@pytest.mark.parametrize(
    "data",
    [
        b".\r\n",
        b"a\r\n.\r\n",
        b"..\r\n. x\r\nend.\r\n.\r\n",
        b"a.\r\n\r\n...\r\n.\r\n",
        b"x .\r\n.\r\n",
        b"\r\n\r\n.\r\n",
    ],
)
def test_nothing_odd(data: bytes) -> None:
    """The true end, and lines that only begin or end with a dot, are nothing odd."""
    for pieces in every_cut(data):
        assert scan(pieces) == set(), pieces


def test_the_first_line_may_be_a_look_alike() -> None:
    """The line of DATA ended in CRLF: what follows at once begins a line."""
    for pieces in every_cut(b".\nMAIL FROM:<a@example.org>\r\n.\r\n"):
        assert scan(pieces) == {Found("look-alike-end", "CRLF . LF"), BARE_LF}


def test_a_line_of_a_megabyte_changes_nothing() -> None:
    """A look-alike behind a line without an end is found all the same."""
    assert scan([b"x" * 1_000_000, b"\n", b".", b"\n"]) == {
        Found("look-alike-end", "LF . LF"),
        BARE_LF,
    }


def test_the_order_is_that_of_the_octets() -> None:
    """What is decided by an earlier octet comes first; a CR is judged by the octet behind it."""
    data = b"a\n.\n\0b\rc\r\n.\r\r\n"
    for pieces in every_cut(data):
        assert in_order(pieces) == [
            *(BARE_LF, Found("look-alike-end", "LF . LF"), NUL, BARE_CR),
            Found("look-alike-end", "CRLF . CR"),
        ], pieces


@settings(max_examples=500, deadline=None)
@given(
    octets=st.lists(
        st.sampled_from((b"\r", b"\n", b"\r\n", b".", b"\r\n.", b"x", b"\0", b" ", b"\xe2\x80\x8b"))
    ).map(b"".join),
    size=st.integers(1, 7),
)
def test_cuts_change_nothing(octets: bytes, size: int) -> None:
    """The same is found, however the octets are cut; what ends in CR is not judged yet."""
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    assert scan(pieces) == scan([octets])
    assert in_order(pieces) == in_order([octets])
    ended = octets + b"x"
    bare = {BARE_CR} if b"\r" in ended.replace(b"\r\n", b"") else set()
    bare |= {BARE_LF} if b"\n" in ended.replace(b"\r\n", b"") else set()
    assert scan([ended]) & {BARE_CR, BARE_LF} == bare


@pytest.mark.parametrize("octets", [octets for octets, _, _ in LOOK_ALIKES])
def test_what_is_undecided_is_told(octets: bytes) -> None:
    """Before a look-alike is complete, its dot and what follows is said to be undecided."""
    data = b"Hi" + octets + b"x"
    looking = MailDataScan()
    withheld = b""
    for at in range(len(data)):
        octet = withheld + data[at : at + 1]
        found = looking.look(data[at : at + 1])
        if any(one.name.startswith("look-alike") for one in found):
            assert b"." in octet
            return
        undecided = min(len(octet), looking.undecided)
        withheld = octet[len(octet) - undecided :]
    raise AssertionError("not found")


def test_a_form_is_found_once_whatever_stands_around_it() -> None:
    """The same look-alike behind other text is no news."""
    scan = MailDataScan()
    assert Found(LOOK_ALIKE, "LF . LF") in scan.look(b"a\n.\nb")
    assert scan.look(b"c\n.\nd\n.\n") == []


def test_so_many_forms_of_a_name_and_no_more() -> None:
    """Whoever sends ever new ones is told of with 64 of them."""
    scan = MailDataScan()
    blanks = [" " * spaces + "\t" * tabs for spaces in range(1, 9) for tabs in range(1, 9 - spaces)]
    text = "".join(f"\n{before}.{after}\n" for before in blanks for after in blanks)
    found = [one for one in scan.look(text.encode()) if one.name == LOOK_ALIKE_BLANK]
    assert len(found) == len(set(found)) == 64
