"""The statistics of the benchmarks, pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 … 1) of the values do not exceed; NaN without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def cost_ratio(late: Mapping[int, Sequence[float]], early: Mapping[int, Sequence[float]]) -> float:
    """What a late turn costs against an early one: medians for each kind of message, summed, divided.

    Medians, so that a hiccup does not count; for each kind, so that dear and cheap messages do not mix.
    """
    return sum(statistics.median(v) for v in late.values()) / sum(statistics.median(v) for v in early.values())


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The growth of y by one of x by the medians of all pairwise slopes (Theil–Sen), which outliers do not move; 0 for one point."""
    slopes = [(y2 - y1) / (x2 - x1) for n, (x1, y1) in enumerate(points) for x2, y2 in points[n + 1 :] if x2 != x1]
    return statistics.median(slopes) if slopes else 0.0


def ratio(part: float, whole: float) -> float:
    """`part` through `whole`, NaN where there is no whole."""
    return part / whole if whole else math.nan
