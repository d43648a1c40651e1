"""How long something took, how often: percentiles from buckets that each are a twentieth wider.

Owns the bounds of the buckets. Memory is the same whatever is counted, and adding a time costs one
search among them; a percentile is right to within a fortieth. Knows nothing of what is timed.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate

#: Seconds. Below the first is nought; beyond the last, two hours, is no reply that anyone awaits.
BOUNDS = [1e-5 * 1.05**exponent for exponent in range(420)]


class Histogram:
    """Times in seconds, counted by bucket."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets = [0] * (len(BOUNDS) + 1)

    def add(self, seconds: float) -> None:
        """Count a time."""
        self._buckets[bisect(BOUNDS, seconds)] += 1

    def merge(self, other: Histogram) -> None:
        """Count all that another one has counted."""
        self._buckets = [
            mine + its for mine, its in zip(self._buckets, other._buckets, strict=True)
        ]

    @property
    def count(self) -> int:
        """How many times were counted."""
        return sum(self._buckets)

    def percentile(self, percent: int) -> float:
        """Return the seconds that no more than `percent` of 100 are below, by nearest rank.

        It is the middle of a bucket; 0.0 where nothing was counted.
        """
        rank = -(-self.count * percent // 100)
        reached = enumerate(accumulate(self._buckets))
        return _middle(next(at for at, counted in reached if counted >= rank))


def _middle(at: int) -> float:
    """Return the geometric middle of a bucket, or the bound of one that has no other end."""
    if at == 0:
        return 0.0
    return float((BOUNDS[at - 1] * BOUNDS[min(at, len(BOUNDS) - 1)]) ** 0.5)
