"""Single octets of a message are others for upstream."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.faults import Corrupt, FaultError
from smtpproxy.faults.base import DataFilter, Draw, Value
from tests.faults.messages import (
    both_protocols,
    delivered,
    every_way,
    outcomes,
    sends,
    talking,
    through,
)

MESSAGE = b".A: b\r\n\r\n..\r\nHello, this is the body of it.\r\n"


def drawing(seed: int = 0) -> Draw:
    """Return numbers that are the same ones for the same seed."""
    return random.Random(seed).random


def corrupting(value: Value, seed: int = 0) -> DataFilter:
    """Return what corrupts one message."""
    return Corrupt.parse(value, "DATA").data_filter(drawing(seed))


def wrong(before: bytes, after: bytes) -> list[int]:
    """Return where two messages differ, which are of one size."""
    assert len(before) == len(after)
    return [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]


def test_what_is_read() -> None:
    """So many octets, or one in so many; both draw by the seed."""
    assert Corrupt.parse({"octets": "3"}, "DATA") == Corrupt(3, 1024)
    assert Corrupt.parse({"every": "4 KiB"}, "DATA") == Corrupt(0, 4096)
    assert Corrupt.draws


def test_words() -> None:
    """A person reads what happens."""
    assert Corrupt(3, 1024).words == "upstream gets 3 wrong octets in the message"
    assert Corrupt(0, 99).words == "upstream gets a wrong octet in each 99 of the message"


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ("3", (), "expected a mapping with octets, every"),
        ({"bits": "3"}, ("bits",), "expected octets, every, got 'bits'"),
        ({"octets": "3", "every": "4 KiB"}, (), "expected either octets: or every:"),
        ({"octets": "0"}, ("octets",), "expected a number from 1 to 1000, got 0"),
        ({"octets": "1001"}, ("octets",), "expected a number from 1 to 1000"),
        ({"octets": "few"}, ("octets",), "expected a whole number"),
        ({"every": "line"}, ("every",), "expected a size such as 10 KiB"),
        ({"every": "63"}, ("every",), "expected a size from 64 octets to 1 MiB, got '63'"),
        ({"every": "2 MiB"}, ("every",), "expected a size from 64 octets to 1 MiB"),
    ],
)
def test_what_is_not(value: Value, path: tuple[str, ...], problem: str) -> None:
    """Each mistake is told where it stands."""
    with pytest.raises(FaultError, match=re.escape(problem)) as caught:
        Corrupt.parse(value, "DATA")
    assert caught.value.path == path


def test_where_it_stands() -> None:
    """It stands at DATA, also for what comes by BDAT."""
    with pytest.raises(FaultError, match="expected at DATA alone"):
        Corrupt.parse({"octets": "3"}, "MAIL")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [1, 3, 20])
def test_so_many(seed: int, count: int) -> None:
    """Exactly so many in a short message, told with their places, and the same ones at any cut."""
    ((made, told),) = outcomes(lambda: corrupting({"octets": str(count)}, seed), MESSAGE)
    places = wrong(MESSAGE, made)
    assert len(places) == count
    shown = ", ".join(str(at + 1) for at in places[:10])
    assert told == f"{count} wrong octets, at {shown}{' and further on' * (count > 10)}"


def test_another_seed_is_another_corruption() -> None:
    """What is drawn decides."""
    made = {through(corrupting({"octets": "3"}, seed), [MESSAGE]) for seed in range(10)}
    assert len(made) > 1


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000, 10_000])
@pytest.mark.parametrize(("octets", "count"), [(640, 10), (641, 11), (64, 1), (5, 1)])
def test_one_in_so_many(size: int, octets: int, count: int) -> None:
    """Each window has one, also the last, which is shorter; no cut makes a difference."""
    message = b"x" * octets
    pieces = [message[at : at + size] for at in range(0, octets, size)]
    made = through(corrupting({"every": "64"}), pieces)
    assert [at // 64 for at in wrong(message, made)] == list(range(count))
    assert made == through(corrupting({"every": "64"}), [message])


@pytest.mark.parametrize("size", [100, 1024, 10_000])
def test_a_long_message(size: int) -> None:
    """So many octets fall in as many windows of 1 KiB; what is behind them passes."""
    message = b"x" * 5000
    pieces = [message[at : at + size] for at in range(0, 5000, size)]
    made = through(corrupting({"octets": "3"}), pieces)
    assert [at // 1024 for at in wrong(message, made)] == [0, 1, 2]


@pytest.mark.parametrize("message", [b"", b"\r\n\r\n", b".\r\n.\r\n\r\n."])
def test_nothing_may_be_wrong(message: bytes) -> None:
    """Line ends, and dots that begin lines, stay; nothing is told."""
    assert outcomes(lambda: corrupting({"octets": "3"}), message) == {(message, "")}


@given(
    st.binary(max_size=300) | st.text("\r\n.ab", max_size=300).map(str.encode),
    st.sampled_from([{"octets": "7"}, {"octets": "1000"}, {"every": "64"}]),
    st.integers(0, 9),
    st.integers(1, 99),
)
def test_what_stays(message: bytes, value: dict[str, Value], seed: int, size: int) -> None:
    """CR, LF and dots at line begin stay; what is wrong is printable, and no dot at line begin."""
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    made = through(corrupting(value, seed), pieces)
    for at in wrong(message, made):
        assert message[at] not in b"\r\n"
        assert 0x20 < made[at] < 0x7F
        if at == 0 or message[at - 1] == ord("\n"):
            assert ord(".") not in (message[at], made[at])


@every_way
@both_protocols
def test_upstream_gets_wrong_octets(way: str, lmtp: bool) -> None:
    """In each of two transactions, not the same ones; the log says so."""
    talk = talking("{name: noise, DATA: {corrupt: {octets: 3}}}", lmtp)
    for _ in range(2):
        sends(talk, way, MESSAGE)
    one, other = delivered(talk)
    assert len(wrong(MESSAGE, one)) == len(wrong(MESSAGE, other)) == 3
    assert one != other
    told = [about for fact, about in talk.witness.notes if fact == "mail-data-changed"]
    assert [about[:22] for about in told] == ["noise: 3 wrong octets,"] * 2
    assert not talk.relay.waiting


def test_the_same_session_has_the_same_corruption() -> None:
    """At every run with the same seed, by DATA and by chunks alike."""
    found = set()
    for way in ("DATA", "chunks", "one chunk"):
        talk = talking("DATA: {corrupt: {octets: 3}}")
        sends(talk, way, MESSAGE)
        found.add(delivered(talk)[0])
    assert len(found) == 1
