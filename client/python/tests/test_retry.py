"""When calls are tried again, and how long is waited."""

import pytest

from tweedie import errors
from tweedie.retry import BackOff, RetryPolicy

UNAVAILABLE = errors.UnavailableError("away")
FULL = errors.ResourceExhaustedError("full", errors.ErrorDetails(retry_delay=1.0))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def back_off(policy: RetryPolicy, clock: Clock, uniform: float = 1.0) -> BackOff:
    return BackOff(policy, clock, lambda: uniform)


def test_delays_double_up_to_the_longest() -> None:
    policy = RetryPolicy(first_delay=1, max_delay=5, give_up_after=1000)
    waits = back_off(policy, Clock())
    assert [waits.next_delay(UNAVAILABLE) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_delays_are_drawn_from_the_upper_half() -> None:
    assert back_off(RetryPolicy(first_delay=1), Clock(), 0.0).next_delay(UNAVAILABLE) == 0.5


def test_what_the_server_asks_for_is_added() -> None:
    assert back_off(RetryPolicy(first_delay=1), Clock()).next_delay(FULL) == 2


def test_patience_ends_and_is_longer_where_the_server_is_full() -> None:
    clock = Clock()
    policy = RetryPolicy(first_delay=1, give_up_after=10, give_up_when_full=100)
    waits = back_off(policy, clock)
    assert waits.next_delay(UNAVAILABLE) == 1
    clock.now += 10
    assert waits.next_delay(UNAVAILABLE) is None
    assert waits.next_delay(FULL) is not None


def test_progress_makes_patience_new() -> None:
    clock = Clock()
    waits = back_off(RetryPolicy(first_delay=1, give_up_after=10), clock)
    waits.next_delay(UNAVAILABLE)
    clock.now += 10
    waits.reset()
    assert waits.next_delay(UNAVAILABLE) == 1


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidArgumentError("no"),
        errors.NotFoundError("no"),
        errors.ResourceExhaustedError("a message too large: no RetryInfo"),
        errors.DeadlineExceededError("late"),
    ],
)
def test_other_errors_are_not_tried_again(error: errors.ServerError) -> None:
    assert back_off(RetryPolicy(), Clock()).next_delay(error) is None


def test_no_patience_means_one_try() -> None:
    assert back_off(RetryPolicy(give_up_after=0), Clock()).next_delay(UNAVAILABLE) is None
