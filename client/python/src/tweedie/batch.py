"""Tasks by the thousand, in bounded memory."""

from __future__ import annotations

import collections
import dataclasses
import logging
import uuid
from collections.abc import Iterable, Iterator
from concurrent import futures
from typing import TYPE_CHECKING, Optional

from tweedie import errors, results, tasks
from tweedie.v1 import tweedie_service_pb2 as pb

if TYPE_CHECKING:
    from tweedie.client import Client
    from tweedie.jobs import Job

_NAMESPACE = uuid.UUID("6f0c1a52-5a0b-4f0e-9d0b-3c1f2f1f9b45")
_LOGGER = logging.getLogger("tweedie")
_MAX_IN_FLIGHT = 120  # of the 128 calls of a connection


@dataclasses.dataclass(frozen=True)
class Options:
    """See Client.map()."""

    in_flight: int = 16
    ordered: bool = True
    key: Optional[str] = None
    delete: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.in_flight <= _MAX_IN_FLIGHT:
            raise ValueError(f"in_flight must be from 1 to {_MAX_IN_FLIGHT}; was {self.in_flight}")


class Outcome:
    """What became of a task.

    Attributes:
        index: The task's place in the input, from 0.
        task: The task.
        job_name: `jobs/...`; "" if it was never queued.
        error: Why there is no result, or None.
    """

    def __init__(self, index: int, task: tasks.Task) -> None:
        self.index = index
        self.task = task
        self.job_name = ""
        self.error: Optional[errors.TweedieError] = None
        self._result: Optional[results.Result] = None

    def __repr__(self) -> str:
        text = "succeeded" if self.error is None else str(self.error)
        return f"<Outcome {self.index} {self.job_name} {text}>"

    @property
    def result(self) -> results.Result:
        """The result.

        Raises:
            TweedieError: If there is none, the `error`.
        """
        if self.error is not None:
            raise self.error
        assert self._result is not None
        return self._result

    def set_result(self, result: results.Result) -> None:
        """Says that the job succeeded."""
        self._result = result


def with_key(task: tasks.Task, key: Optional[str], index: int) -> tasks.Task:
    """Returns the task with the request id of its place in the batch, unless it has one."""
    if key is None or task.request.request_id:
        return task
    request = pb.CreateJobRequest()
    request.CopyFrom(task.request)
    request.request_id = str(uuid.uuid5(_NAMESPACE, f"{key}/{index}"))
    return tasks.Task(request)


def log_kept(job_name: str, error: errors.TweedieError) -> None:
    """Tells of a job that could not be deleted; its result is here all the same."""
    if not isinstance(error, errors.NotFoundError):  # as after a lost answer
        _LOGGER.warning("%s was read and could not be deleted: %s", job_name, error)


def run(client: Client, todo: Iterable[tasks.Task], options: Options) -> Iterator[Outcome]:
    """See Client.map()."""
    waiting: collections.deque[futures.Future[Outcome]] = collections.deque()
    client = client.child()
    with futures.ThreadPoolExecutor(options.in_flight, "tweedie-batch") as pool:
        try:
            for index, task in enumerate(todo):
                waiting.append(pool.submit(_run_one, client, index, task, options))
                if len(waiting) >= options.in_flight:
                    yield _next(waiting, options.ordered)
            while waiting:
                yield _next(waiting, options.ordered)
        finally:  # whoever leaves early does not wait for jobs, which go on
            client.calls.abort()


def _next(waiting: collections.deque[futures.Future[Outcome]], ordered: bool) -> Outcome:
    """Takes the first, or one that is done."""
    if ordered:
        return waiting.popleft().result()
    done, _ = futures.wait(waiting, return_when=futures.FIRST_COMPLETED)
    first = next(future for future in waiting if future in done)
    waiting.remove(first)
    return first.result()


def _run_one(client: Client, index: int, task: tasks.Task, options: Options) -> Outcome:
    outcome = Outcome(index, task)
    try:
        job = client.submit(with_key(task, options.key, index))
        outcome.job_name = job.name
        outcome.set_result(job.result())
    except errors.TweedieError as error:
        outcome.error = error
        return outcome
    if options.delete:
        _delete(job)
    return outcome


def _delete(job: Job) -> None:
    try:
        job.delete()
    except errors.TweedieError as error:
        log_kept(job.name, error)
