"""What is counted of the sessions with one upstream.

Owns the counters, their bounds, and what follows from them. Does not look at what it counts: that
is `statistics`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from smtpproxy.codes import STAGES
from smtpproxy.figures import Figures, Recipients, Times
from smtpproxy.histogram import Histogram
from smtpproxy.smtp.verbs import KNOWN_VERBS

#: The order in which a session passes its stages; others follow, by name.
_ORDER = (
    *("CONNECT", "HELO", "EHLO", "LHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT"),
    *("END-OF-DATA", "RSET", "NOOP", "VRFY", "EXPN", "HELP", "QUIT"),
)
_RANK = {stage: at for at, stage in enumerate(_ORDER)}
#: RFC 821 §3.4: these begin a mail transaction as MAIL does.
_BEGINNING = ("MAIL", "SEND", "SOML", "SAML")
#: A hostile client can invent verbs without end: this many stages are counted by name.
_MOST_STAGES = 100
OTHER_STAGE = "(other)"

_Key = TypeVar("_Key", str, int)


class Stage:
    """The replies to one stage: what clients heard, and how long upstream took."""

    __slots__ = ("codes", "times")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.times = Histogram()


class Tally:
    """The counters. Whoever counts adds to them."""

    def __init__(self) -> None:
        self.sessions = 0
        self.ended: dict[str, int] = {}
        self.messages = 0
        self.mail_data_octets = 0
        self.reasons: dict[str, int] = {}
        self.anomalies: dict[str, int] = {}
        self.stages: dict[str, Stage] = {}

    def new_stage(self, name: str) -> Stage:
        """Return the counters of a stage that has none yet, or those of all others."""
        known = name in STAGES or name in KNOWN_VERBS
        named = known or len(self.stages) < _MOST_STAGES
        return self.stages.setdefault(name if named else OTHER_STAGE, Stage())

    def merge(self, other: Tally) -> None:
        """Count all that another one has counted."""
        self.sessions += other.sessions
        self.messages += other.messages
        self.mail_data_octets += other.mail_data_octets
        _add(self.ended, other.ended)
        _add(self.reasons, other.reasons)
        _add(self.anomalies, other.anomalies)
        for name, stage in other.stages.items():
            mine = self.stages.setdefault(name, Stage())
            _add(mine.codes, stage.codes)
            mine.times.merge(stage.times)

    def figures(self) -> Figures:
        """Return what was counted so far; stages stand in the order of a session."""
        names = sorted(self.stages, key=lambda name: (_RANK.get(name, len(_RANK)), name))
        stages = {name: self.stages[name] for name in names}
        return Figures(
            sessions=self.sessions,
            ended=_most_first(self.ended),
            transactions=sum(self._replies(stage, (2,)) for stage in _BEGINNING),
            messages=self.messages,
            recipients=Recipients(self._replies("RCPT", (2,)), self._replies("RCPT", (4, 5))),
            mail_data_octets=self.mail_data_octets,
            reply_ms={name: _times(one.times) for name, one in stages.items() if one.times.count},
            matrix={
                name: dict(sorted(one.codes.items())) for name, one in stages.items() if one.codes
            },
            reasons=_most_first(self.reasons),
            anomalies=dict(sorted(self.anomalies.items())),
        )

    def _replies(self, stage: str, digits: Iterable[int]) -> int:
        """How many replies to a stage begin with one of these digits."""
        codes = self.stages[stage].codes if stage in self.stages else {}
        return sum(count for code, count in codes.items() if code // 100 in digits)


def count(counts: dict[str, int], name: str) -> None:
    """Add one."""
    counts[name] = counts.get(name, 0) + 1


def _add(counts: dict[_Key, int], others: dict[_Key, int]) -> None:
    for key, many in others.items():
        counts[key] = counts.get(key, 0) + many


def _most_first(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _times(times: Histogram) -> Times:
    return Times(times.count, *(_milliseconds(times.percentile(p)) for p in (50, 95, 99)))


def _milliseconds(seconds: float) -> float:
    """Return milliseconds in the three digits that a histogram's buckets can bear."""
    return float(f"{seconds * 1000:.3g}")
