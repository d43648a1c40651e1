"""How late replies are replayed: at once, as late as they were recorded, or so many times as fast.

Owns the words of --pace, and which of a session's `timing-ms:` belongs to which exchange. Waits for
nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from smtpproxy.cassette.model import STRAY, UNSOLICITED, Recorded, RecordedSession
from smtpproxy.cassette.replies import replies_in

NONE, RECORDED = "none", "recorded"
AT_ONCE: Final = 0.0  # the speed at which nothing is waited for
#: Times as fast that can be asked for.
_SLOWEST, _FASTEST = 0.1, 1000.0
_TIMES = re.compile(r"x([0-9]{1,4}(?:\.[0-9]{1,3})?)")
#: Seconds that one reply is late at the most: more than any client waits (RFC 5321 §4.5.3.2).
_MOST = 3600.0


class PaceError(ValueError):
    """That is no pace. One line that says what is."""


def read_pace(word: str) -> float:
    """Return how many times as fast as recorded, or AT_ONCE. Raises PaceError."""
    if word in ("", NONE):
        return AT_ONCE
    found = _TIMES.fullmatch(word)
    times = 1.0 if word == RECORDED else float(found[1]) if found else AT_ONCE
    if not _SLOWEST <= times <= _FASTEST:
        raise PaceError(
            f"expected none, recorded, or how many times as fast, from x{_SLOWEST:g} to "
            f"x{_FASTEST:g}, such as x2; got {word[:80]!r}"
        )
    return times


def waits(session: RecordedSession, times: float) -> Iterator[float]:
    """Yield for each exchange the seconds from it to its reply, the last where there are several.

    What was not recorded is not waited for.
    """
    left = iter(session.timing_ms if times else ())
    for one in session.dialogue:
        latest = max((next(left, 0) for _ in range(_times(one))), default=0) if times else 0
        yield min(latest / 1000 / times, _MOST) if latest else 0.0


def _times(one: Recorded) -> int:
    """Return how many times were recorded of an exchange: one for each reply that was heard."""
    if one.stage in (UNSOLICITED, STRAY) or one.heard is None:
        return 0
    return len(replies_in(one.saw)) or 1 if one.changed else len(one.said)
