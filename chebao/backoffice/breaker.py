"""A circuit breaker: after several failures in a row calls fail at once for a while, then one probe is let through.

Own class of fifty lines, because the kept libraries do not fit: `purgatory` 3.0.1 lets every waiting call through when it
half-opens (each then sits out the whole timeout) and raises one shared exception object, whose traceback grows with every
refused call and holds the frames (and so the customers' data) of all of them; `aiobreaker` 1.2.0 has been still since 2021.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class CircuitBreaker:
    """Counts outcomes of one peer; not bound to any transport.

    Args:
        threshold: failures in a row after which calls are refused.
        rest: seconds of refusing before a probe is let through.
        clock: monotonic seconds.
    """

    def __init__(self, threshold: int = 5, rest: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold = threshold
        self._rest = rest
        self._clock = clock
        self._failures = 0
        self._refuse_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are being refused (or a single probe is out)."""
        return self._refuse_until is not None

    def allows(self) -> bool:
        """Whether a call may go out now; after the rest exactly one caller hears yes, until its outcome is told."""
        if self._refuse_until is None:
            return True
        if self._probing or self._clock() < self._refuse_until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The peer answered (an error answer of a rule is an answer too)."""
        self._failures = 0
        self._refuse_until = None
        self._probing = False

    def failed(self) -> None:
        """The peer did not answer in time, broke off or answered with 5xx."""
        self._failures += 1
        if self._probing or self._failures >= self._threshold:
            self._refuse_until = self._clock() + self._rest
        self._probing = False

    def abandoned(self) -> None:
        """The caller went away before the outcome was known: says nothing about the peer, but frees the probe."""
        self._probing = False
