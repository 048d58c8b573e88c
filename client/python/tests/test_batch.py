"""Tasks by the thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import servers

import tweedie
from tweedie import errors, tasks


class Counted:
    """Tasks that count how many are taken and not yet yielded."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.taken = 0
        self.yielded = 0
        self.most = 0

    def __iter__(self) -> Iterator[tweedie.Task]:
        for i in range(self.number):
            self.taken += 1
            self.most = max(self.most, self.taken - self.yielded)
            yield tasks.sample(steps=1, seed=i)


@pytest.mark.parametrize("ordered", [True, False])
def test_few_tasks_are_ahead_of_what_is_yielded(client: tweedie.Client, ordered: bool) -> None:
    todo = Counted(60)
    indices = []
    for outcome in client.map(todo, in_flight=4, ordered=ordered):
        todo.yielded += 1
        indices.append(outcome.index)
        assert outcome.result.seed == outcome.index
    assert sorted(indices) == list(range(60))
    assert not ordered or indices == sorted(indices)
    assert todo.most == 4


def test_no_more_jobs_than_that_are_at_the_server(client: tweedie.Client) -> None:
    label = {"test": "in-flight"}
    todo = (tasks.sample(steps=3, labels=label) for _ in range(30))
    assert all(outcome.error is None for outcome in client.map(todo, in_flight=3))
    # By the server's clock: two streams of events need not tell of them in one order.
    lives = [
        (job.message.create_time.ToNanoseconds(), job.message.end_time.ToNanoseconds())
        for job in client.jobs(labels=label)
    ]
    assert len(lives) == 30
    at_once = [sum(created <= now < ended for created, ended in lives) for now, _ in lives]
    assert 2 <= max(at_once) <= 3


def test_errors_are_outcomes(client: tweedie.Client) -> None:
    todo = [tasks.sample(steps=1), tasks.sample(-1), tasks.sample(steps=1)]
    good, bad, last = client.map(todo)
    assert good.error is None
    assert last.result.images.shape == (1, 1, 32, 32)
    assert isinstance(bad.error, errors.InvalidArgumentError)
    assert bad.job_name == ""
    with pytest.raises(errors.InvalidArgumentError, match="num_images"):
        _ = bad.result


def test_a_batch_is_taken_up_by_its_key(client: tweedie.Client) -> None:
    def todo() -> Iterator[tweedie.Task]:
        return (tasks.sample(steps=2, labels={"test": "key"}) for _ in range(6))

    run = client.map(todo(), in_flight=2, key="test-key")
    first = [next(run) for _ in range(3)]
    run.close()  # as of a program that died
    again = list(client.map(todo(), in_flight=2, key="test-key"))
    assert [one.job_name for one in first] == [one.job_name for one in again[:3]]
    np.testing.assert_array_equal(first[0].result.images, again[0].result.images)
    assert len(list(client.jobs(labels={"test": "key"}))) == 6


def test_whoever_leaves_does_not_wait_for_jobs(client: tweedie.Client) -> None:
    label = {"test": "leave"}
    todo = [tasks.sample(steps=1, labels=label), tasks.sample(256, labels=label)]
    for outcome in client.map(todo, in_flight=2):
        assert outcome.index == 0
        break
    (left,) = client.jobs(labels=label, states=("QUEUED", "RUNNING"))
    assert left.message.num_images == 256
    left.cancel()


def test_jobs_can_be_deleted_when_they_have_been_read(client: tweedie.Client) -> None:
    label = {"test": "delete"}
    todo = [tasks.sample(steps=1, labels=label) for _ in range(3)]
    outcomes = list(client.map(todo, delete=True))
    assert all(outcome.result.images.any() for outcome in outcomes)
    assert list(client.jobs(labels=label)) == []


@pytest.mark.parametrize(
    ("error", "warnings"),
    [
        (errors.NotFoundError("gone"), 0),
        (errors.UnavailableError("away"), 1),
    ],
)
def test_a_job_that_cannot_be_deleted_keeps_its_result(
    client: tweedie.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: errors.ServerError,
    warnings: int,
) -> None:
    def fail(_: tweedie.Job) -> None:
        raise error

    monkeypatch.setattr(tweedie.Job, "delete", fail)
    (outcome,) = client.map([tasks.sample(steps=1)], delete=True)
    assert outcome.result.images.any()
    told = [record for record in caplog.records if record.name == "tweedie"]
    assert [record.levelname for record in told] == ["WARNING"] * warnings
    assert all(outcome.job_name in record.getMessage() for record in told)


def test_a_full_queue_is_waited_for(start_server: Callable[..., servers.Server]) -> None:
    server = start_server("--max-queued-jobs", "1", "--max-running-jobs", "1")
    retried = []
    on_retry = lambda error, delay: retried.append(error)  # noqa: E731
    with tweedie.connect(server.address, on_retry=on_retry) as client:
        todo = (tasks.sample(steps=20) for _ in range(5))
        outcomes = list(client.map(todo, in_flight=5))
    assert [outcome.error for outcome in outcomes] == [None] * 5
    assert {error.reason for error in retried} <= {"QUEUE_FULL", "CREATOR_QUEUE_FULL"}
    assert retried


@pytest.mark.parametrize("in_flight", [0, 121])
def test_bounds(client: tweedie.Client, in_flight: int) -> None:
    with pytest.raises(ValueError, match=f"in_flight must be from 1 to 120; was {in_flight}"):
        list(client.map([], in_flight=in_flight))
