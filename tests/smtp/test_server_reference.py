"""The server's reader agrees with a slow reference model, whatever is said and cut."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.smtp.choosing import cut
from tests.smtp.reading import octets_of, read_server
from tests.smtp.reference_replies import replies_in

PIECES = (
    *(b"250 ok", b"250-", b"354", b"22", b"0", b"-", b" ", b"2_5", b"+25", b"\0", b"\xff", b"x"),
    *(b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"),
)
NOISE = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
LONG = st.builds(
    lambda begin, length: begin.ljust(length - 1, b"x") + b"\n",
    st.sampled_from((b"250 ", b"250-", b"odd")),
    st.sampled_from((4095, 4096, 4097, 9000)),
)
MANY = st.builds(
    lambda line, count: line * count,
    st.sampled_from((b"250-x\r\n", b"250-x\nodd\r\n")),
    st.integers(62, 130),
)


@settings(max_examples=300, deadline=None)
@given(
    octets=st.tuples(NOISE, st.one_of(NOISE, NOISE, LONG, MANY), NOISE).map(b"".join),
    sizes=st.lists(st.sampled_from((1, 2, 3, 7, 500, 4096)), min_size=1, max_size=6),
)
def test_reads_as_the_reference_does(octets: bytes, sizes: list[int]) -> None:
    """The same facts, however the octets are cut, up to the limits and beyond them."""
    read = read_server(cut(octets, sizes))
    assert read == replies_in(octets)
    assert octets_of(read) == octets
