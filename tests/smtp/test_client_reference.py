"""The client's reader agrees with a slow reference model, whatever is sent, cut and answered."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.smtp.choosing import choosing, cut
from tests.smtp.reading import in_turn, octets_of, read_client
from tests.smtp.reference import Reference

LINES = (
    *(b"EHLO app.example.org", b"mail FROM:<a@example.org>", b"RCPT TO:<b@example.net>", b"RSET"),
    *(b"DATA", b"DATA", b"data", b"DATA x", b".", b"..", b".x", b"", b"Subject: hello", b"QUIT"),
    *(b"AUTH LOGIN", b"AUTH PLAIN AGEAYg==", b"c2VjcmV0", b"*", b"STARTTLS", b"XCLIENT NAME=x"),
    *(b"TURN", b"ATRN", b"BDAT 0 LAST", b"BDAT 7", b"BDAT\t3\tlast ", b"BDAT", b"BDAT 1 x"),
    *(b"\0", b"\xff", b"250 Ok", b"N" * 33, b"X-1 x"),
)
LINE = st.builds(
    bytes.__add__, st.sampled_from(LINES), st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n"))
)
NOISE = st.lists(st.sampled_from((b"\r", b"\n", b".", b"\r\n", b"x", b" "))).map(b"".join)
CHUNK = st.binary(max_size=12).map(lambda octets: b"BDAT %d LAST\r\n%s" % (len(octets), octets))
MESSAGE = NOISE.map(lambda octets: b"DATA\r\n%s\r\n.\r\n" % octets)
NEAR_A_LIMIT = st.builds(
    lambda begin, size: begin.ljust(size - 2, b"x") + b"\r\n",
    st.sampled_from((b"NOOP ", b"AUTH x ", b"\tauth\tx", b" " * 2046 + b"AUTH")),
    st.sampled_from((2047, 2048, 2049, 12288, 12289)),
)
SESSION = st.lists(st.one_of(LINE, LINE, LINE, MESSAGE, CHUNK, NOISE), max_size=12).map(b"".join)


@settings(max_examples=500, deadline=None)
@given(
    octets=SESSION,
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    choices=st.lists(st.integers(0, 11), max_size=16),
    late=st.booleans(),
)
def test_reads_as_the_reference_does(
    octets: bytes, sizes: list[int], choices: list[int], late: bool
) -> None:
    """The same facts, however the octets are cut and answered; and no octet is lost or made up."""
    read = read_client(cut(octets, sizes), choosing(choices), late)
    assert read == Reference(octets, choosing(choices)).read()
    assert octets_of(read.facts) + read.rest == octets


@settings(max_examples=25, deadline=None)
@given(
    octets=st.tuples(SESSION, NEAR_A_LIMIT, LINE).map(b"".join),
    sizes=st.lists(st.sampled_from((1, 700, 2047, 2048, 2049, 12288)), min_size=1, max_size=4),
)
def test_limits_are_where_the_reference_has_them(octets: bytes, sizes: list[int]) -> None:
    """The longest line allowed is the same for every cut, and beyond it all is one Overlong."""
    codes = [250] * 40
    read = read_client(cut(octets, sizes), in_turn(codes))
    assert read == Reference(octets, in_turn(codes)).read()
    assert octets_of(read.facts) + read.rest == octets
