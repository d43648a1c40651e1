"""Mail data on its way into a cassette: kept exactly, wherever it was cut, and large in a file."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.spool import LARGE, Spool, folder_of
from smtpproxy.cassette.store import mail_data_on_the_wire

DOT = b".\r\n"
BODY = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (LARGE // 16) + b"\r\n"
PIECES = (b".", b"..", b"\r\n", b"\r", b"\n", b"a", b"\r\n.", b"\r\n..", b"\r\n.a")


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """Where the cassette would be, beside whose file large mail data goes."""
    return tmp_path / "signup.yaml"


def keep(cassette: Path, pieces: list[bytes], stuffed: bool = True) -> Kept:
    """Return what is kept of mail data that came in these pieces."""
    spool = Spool(folder_of(cassette), stuffed)
    for piece in pieces:
        spool.add(piece)
    return spool.finish()


def in_two(octets: bytes) -> Iterator[list[bytes]]:
    """Yield octets cut in two at every place, and octet by octet."""
    for at in range(len(octets) + 1):
        yield [octets[:at], octets[at:]]
    yield [octets[at : at + 1] for at in range(len(octets))]


def names(cassette: Path) -> set[str]:
    """Return the names of the files beside the cassette."""
    return {path.name for path in folder_of(cassette).glob("*")}


def digest(octets: bytes) -> str:
    """Return the name of the file that holds these octets."""
    return f"{hashlib.sha256(octets).hexdigest()}.eml"


def test_the_folder_is_named_after_the_cassette() -> None:
    """NAME.yaml has its message files in NAME.d beside it."""
    assert folder_of(Path("cassettes/signup.yaml")) == Path("cassettes/signup.d")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"", Kept(b"")),
        (b"Hi.\r\n", Kept(b"Hi.\r\n")),
        (b"Hi..\r\na.b\r\n", Kept(b"Hi..\r\na.b\r\n")),
        (b"..\r\n", Kept(b".\r\n")),
        (b"a\r\n..b\r\n", Kept(b"a\r\n.b\r\n")),
        (b"a\r\n...\r\n..\r\n", Kept(b"a\r\n..\r\n.\r\n")),
        # Stuffing again would not give these: a line begins with a single dot.
        (b".a\r\n", Kept(b".a\r\n", wire=True)),
        (b"a\r\n.b\r\n", Kept(b"a\r\n.b\r\n", wire=True)),
        (b"..\r\n.b\r\n", Kept(b"..\r\n.b\r\n", wire=True)),
        (b"a\r.\nb\n.\r\n", Kept(b"a\r.\nb\n.\r\n")),
    ],
)
def test_small_mail_data_is_kept_as_a_receiver_reads_it(
    cassette: Path, sent: bytes, kept: Kept
) -> None:
    """Dot-stuffing is undone (RFC 5321 §4.5.2), unless redoing it would change the octets."""
    for pieces in in_two(sent + DOT):
        assert keep(cassette, pieces) == kept
    assert mail_data_on_the_wire(kept, cassette) == sent
    assert not folder_of(cassette).exists()


def test_a_chunk_is_kept_as_it_is(cassette: Path) -> None:
    """BDAT knows no dots (RFC 3030 §2): nothing is undone, and no final dot is cut off."""
    for pieces in in_two(b".a\r\n..b\r\n.\r\n"):
        assert keep(cassette, pieces, stuffed=False) == Kept(b".a\r\n..b\r\n.\r\n")


def test_large_mail_data_goes_to_a_file(cassette: Path) -> None:
    """Over 64 KiB, a file named by the SHA-256 of what it holds; nothing else is left behind."""
    kept = keep(cassette, [BODY, DOT])
    assert kept == Kept(b"", False, digest(BODY), len(BODY))
    assert names(cassette) == {kept.file}
    assert (folder_of(cassette) / kept.file).read_bytes() == BODY


def test_a_large_chunk_goes_to_a_file(cassette: Path) -> None:
    """A chunk's file holds every octet, also what looks like a final dot."""
    chunk = b"." + BODY + DOT
    kept = keep(cassette, [chunk], stuffed=False)
    assert kept == Kept(b"", False, digest(chunk), len(chunk))
    assert (folder_of(cassette) / kept.file).read_bytes() == chunk


@pytest.mark.parametrize(
    ("tail", "message", "wire"),
    [
        (b"a\r\n..\r\n", b"a\r\n.\r\n", False),
        (b"a\r\n...b\r\n..c\r\n", b"a\r\n..b\r\n.c\r\n", False),
        (b"a\r\n.b\r\n", b"a\r\n.b\r\n", True),
        (b"a\r\n..\r\n.b\r\n", b"a\r\n..\r\n.b\r\n", True),
        (b"a\r..\n\n..\r\n", b"a\r..\n\n..\r\n", False),
    ],
)
def test_large_mail_data_may_be_cut_anywhere(
    cassette: Path, tail: bytes, message: bytes, wire: bool
) -> None:
    """In a file, too, dots at the beginnings of lines are seen wherever TCP cut the octets."""
    expected = Kept(b"", wire, digest(BODY + message), len(BODY + message))
    for pieces in in_two(tail + DOT):
        assert keep(cassette, [BODY, *pieces]) == expected
    assert names(cassette) == {expected.file}
    assert mail_data_on_the_wire(expected, cassette) == BODY + tail


@pytest.mark.parametrize("beginning", [b"..a\r\n", b".a\r\n", b"...\r\n"])
def test_a_dot_at_the_very_beginning_of_a_file(cassette: Path, beginning: bytes) -> None:
    """The first line of mail data may be dot-stuffed, too."""
    for pieces in in_two(beginning):
        kept = keep(cassette, [*pieces, BODY, DOT])
        assert kept.wire is (beginning == b".a\r\n")
        assert mail_data_on_the_wire(kept, cassette) == beginning + BODY


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
    st.integers(-8, 8),
    st.lists(st.integers(1, 4), min_size=1, max_size=40),
)
def test_what_was_sent_can_be_sent_again(
    tmp_path_factory: pytest.TempPathFactory, odd: bytes, shift: int, sizes: list[int]
) -> None:
    """Around the size where a file begins, any octets in any pieces come back as they were."""
    cassette = tmp_path_factory.getbasetemp() / "signup.yaml"
    sent = b"a" * (LARGE + shift) + odd + b"\r\n"
    while b"\r\n.\r\n" in sent:
        sent = sent.replace(b"\r\n.\r\n", b"\r\n")
    at = LARGE - 8
    pieces = [sent[:at]]
    for size in sizes:
        pieces.append(sent[at : at + size])
        at += size
    kept = keep(cassette, [*pieces, sent[at:] + DOT])
    assert mail_data_on_the_wire(kept, cassette) == sent


def test_the_same_message_has_one_file(cassette: Path) -> None:
    """What is sent twice is kept once."""
    assert keep(cassette, [BODY, DOT]) == keep(cassette, [BODY + DOT])
    assert len(names(cassette)) == 1


def test_large_mail_data_is_not_held_in_memory(cassette: Path) -> None:
    """While a message passes, what came so far is in the file and not in the spool."""
    spool = Spool(folder_of(cassette), stuffed=True)
    for _ in range(16):
        spool.add(BODY)
    (file,) = folder_of(cassette).iterdir()
    assert file.stat().st_size > 8 * len(BODY)
    spool.discard()


def test_what_is_discarded_leaves_no_file(cassette: Path) -> None:
    """Mail data that never ended leaves nothing behind."""
    spool = Spool(folder_of(cassette), stuffed=True)
    spool.add(BODY)
    assert len(names(cassette)) == 1
    spool.discard()
    assert names(cassette) == set()
