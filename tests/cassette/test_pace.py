"""How late replies are replayed: the words for it, and the times that were recorded."""

import pytest

from smtpproxy.cassette.pace import AT_ONCE, PaceError, read_pace, waits
from smtpproxy.cassette.read import read_cassette

DIALOGUE = """smtpproxy-cassette: 1
---
session: 1
dialogue:
- S: "220 ready"
- S: "250 nobody asked"
- C: [MAIL, RCPT]
  S: ["250 a", "250 b"]
- stray: "what"
- C: XYZZY
- C: DATA
  S: "354 go"
- message: ""
  S: ["250 a", "450 b"]
- C: RSET
  S: "250 a"
  client-saw: "250 b"
- C: NOOP
  S: "250 a"
  client-saw: ~
- C: QUIT
  client-saw: "221 c"
timing-ms: {}
"""


def late(times: str, pace: str) -> list[float]:
    """Return how late the reply to each exchange is."""
    (session,) = read_cassette(DIALOGUE.format(times).encode(), "c.yaml").sessions
    return list(waits(session, read_pace(pace)))


def test_each_reply_that_was_heard_has_its_time() -> None:
    """What nobody asked for, strays, and what was not answered have none; of several, the last."""
    times = "[1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]"
    assert late(times, "recorded") == [1, 0, 2, 3, 0, 0, 4, 6, 7, 0, 8]


@pytest.mark.parametrize(
    ("pace", "seconds"), [("none", 0.0), ("recorded", 3.0), ("x2", 1.5), ("x0.5", 6.0)]
)
def test_the_pace_is_that_of_the_recording_or_faster(pace: str, seconds: float) -> None:
    """`x2` is twice as fast."""
    assert late("3000", pace)[0] == seconds


def test_times_that_are_lacking_are_none() -> None:
    """A cassette that was written by hand has none, or not all."""
    assert late("[1000, 2000]", "recorded")[:4] == [1, 0, 2, 0]
    assert set(late("[]", "recorded")) == {0}


def test_more_times_than_replies_are_nothing() -> None:
    """They are passed over."""
    assert late(str([1000] * 50), "recorded") == late(str([1000] * 8), "recorded")


def test_no_reply_is_later_than_an_hour() -> None:
    """Whatever a stranger's cassette says."""
    assert late(f"[{'9' * 40}]", "x0.1")[0] == 3600


@pytest.mark.parametrize("word", ["", "none"])
def test_nothing_is_waited_for_unless_asked(word: str) -> None:
    """That is the usual."""
    assert read_pace(word) == AT_ONCE


@pytest.mark.parametrize(
    "word", ["fast", "2", "x0", "x0.01", "x1001", "x-1", "xnan", "xinf", "x1e3"]
)
def test_what_is_no_pace(word: str) -> None:
    """One line that says what there is."""
    with pytest.raises(PaceError, match=r"^expected none, recorded, .* from x0.1 to x1000"):
        read_pace(word)
