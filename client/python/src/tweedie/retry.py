"""When a failed call is tried again."""

from __future__ import annotations

import dataclasses
import random
import time
from typing import Callable, Optional

import grpc

from tweedie import errors


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """Delays in seconds.

    Attributes:
        first_delay: Before the second try.
        max_delay: The longest delay of our own.
        multiplier: By how much delays grow.
        give_up_after: From the first failure (of a stream: since it last brought something) to
            the last try; 0 for no second try.
        give_up_when_full: Likewise where the server is there, and full.
    """

    first_delay: float = 0.1
    max_delay: float = 5.0
    multiplier: float = 2.0
    give_up_after: float = 15.0
    give_up_when_full: float = 3600.0


# Of a stream that has brought something: a server that restarts is waited for.
RESUME_POLICY = RetryPolicy(give_up_after=120.0)


class BackOff:
    """The delays between the tries of one call. Not thread-safe.

    They grow exponentially, and each is drawn from the upper half of its span, so that clients do
    not come back together.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        now: Callable[[], float] = time.monotonic,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._now = now
        self._uniform = uniform
        self._delay = policy.first_delay
        self._first_failure: Optional[float] = None

    def next_delay(self, error: errors.ServerError) -> Optional[float]:
        """Returns how long to wait after `error`; None if there must be no other try."""
        if not error.is_retryable:
            return None
        now = self._now()
        if self._first_failure is None:
            self._first_failure = now
        jittered = self._delay * (0.5 + 0.5 * self._uniform())
        self._delay = min(self._delay * self._policy.multiplier, self._policy.max_delay)
        # Beside what the server asks of everybody, or all would come back together.
        delay = jittered + (error.details.retry_delay or 0.0)
        is_full = error.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        patience = self._policy.give_up_when_full if is_full else self._policy.give_up_after
        return None if now + delay > self._first_failure + patience else delay

    def reset(self) -> None:
        """Forgets earlier failures, after progress."""
        self._delay = self._policy.first_delay
        self._first_failure = None
