"""Percentiles from buckets are those of the times themselves, to within a bucket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.histogram import Histogram

PERCENTS = [1, 50, 95, 99, 100]
times = st.lists(st.floats(1e-5, 7200), min_size=1)


def counted(*seconds: float) -> Histogram:
    """Return a histogram of these times."""
    histogram = Histogram()
    for one in seconds:
        histogram.add(one)
    return histogram


def nearest_rank(seconds: list[float], percent: int) -> float:
    """Return a percentile as textbooks define it: the least that `percent` of all do not exceed."""
    ordered = sorted(seconds)
    return next(one for at, one in enumerate(ordered, 1) if at * 100 >= percent * len(ordered))


def test_nothing_took_no_time() -> None:
    """Without a time there is nothing to tell, and no error."""
    assert (Histogram().count, Histogram().percentile(99)) == (0, 0.0)


@pytest.mark.parametrize(("percent", "seconds"), [(50, 0.001), (90, 0.001), (91, 2.0), (99, 2.0)])
def test_percentile_is_by_nearest_rank(percent: int, seconds: float) -> None:
    """Of nine quick replies and a slow one, the slow one is the tenth."""
    found = counted(*[0.001] * 9, 2.0).percentile(percent)
    assert found == pytest.approx(seconds, rel=0.025)


@given(times)
def test_percentile_is_near_that_of_a_sorted_list(seconds: list[float]) -> None:
    """Whatever was timed, what is told is less than a fortieth off."""
    histogram = counted(*seconds)
    assert histogram.count == len(seconds)
    for percent in PERCENTS:
        expected = nearest_rank(seconds, percent)
        assert histogram.percentile(percent) == pytest.approx(expected, rel=0.025)


@given(times, times)
def test_merged_is_as_if_counted_together(some: list[float], others: list[float]) -> None:
    """Two histograms make the one that all times would have made."""
    merged, together = counted(*some), counted(*some, *others)
    merged.merge(counted(*others))
    assert merged.count == together.count
    assert [merged.percentile(p) for p in PERCENTS] == [together.percentile(p) for p in PERCENTS]


@pytest.mark.parametrize("seconds", [0.0, -1.0, 9.9e-6])
def test_too_little_is_nought(seconds: float) -> None:
    """Less than ten microseconds is none, and so is what a clock that was set back makes of it."""
    assert counted(seconds).percentile(50) == 0.0


@pytest.mark.parametrize("seconds", [8000.0, 1e9, float("inf")])
def test_too_much_is_over_two_hours(seconds: float) -> None:
    """What nobody awaits is counted, and told as more than two hours."""
    assert counted(seconds).percentile(50) > 7200
