"""The client: models, jobs, and one method a method."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from typing import Any, Callable, Literal, Optional, TypeVar, Union

import grpc
from typing_extensions import Concatenate, ParamSpec, Self

from tweedie import batch, calls, cursors, errors, results, settings, tasks
from tweedie.jobs import Job, job_name
from tweedie.v1 import job_pb2, model_pb2
from tweedie.v1 import tweedie_service_pb2 as pb

P = ParamSpec("P")
T = TypeVar("T")

# Of jobs that are followed for futures: a connection carries 128 streams.
_MAX_FOLLOWED = 64
LISTED = 200  # jobs of a page


def set_signature(method: Callable[..., Any], make: Callable[..., Any]) -> None:
    """Says to help() and to notebooks that `method` takes self and what `make` takes."""
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = [itself, *inspect.signature(make).parameters.values()]
    method.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]


def _submitting(make: Callable[P, tasks.Task]) -> Callable[Concatenate[Client, P], Job]:
    """Returns the method that submits what `make` makes, with its parameters and their help."""

    @functools.wraps(make)
    def submit(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Job:
        return self.submit(make(*args, **kwargs))

    set_signature(submit, make)
    return submit


class Client:
    """A client of one server. Thread-safe; close it, or use it in a `with` statement.

    Calls are tried again, and streams taken up again after a break, as the policies say: a job that
    was submitted is never made twice.
    """

    def __init__(self, made: calls.Calls, model: Optional[str] = None) -> None:
        self.calls = made
        self._lock = threading.Lock()
        self._model = tasks.model_name(model or "")
        self._executor: Optional[futures.ThreadPoolExecutor] = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all calls. Jobs go on."""
        self.calls.close()
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)

    def child(self) -> Client:
        """Returns a client on the same connection whose calls can be ended alone."""
        with self._lock:
            return Client(self.calls.child(), self._model)

    @property
    def executor(self) -> futures.ThreadPoolExecutor:
        """The threads that follow jobs for futures."""
        with self._lock:
            if self._executor is None:
                self._executor = futures.ThreadPoolExecutor(_MAX_FOLLOWED, "tweedie")
            return self._executor

    # --- The server ---------------------------------------------------------------------------

    def server_info(self) -> pb.ServerInfo:
        """Returns what the server is, and what it allows."""
        return self.calls.call(self.calls.stub.GetServerInfo, pb.GetServerInfoRequest())

    def models(self) -> list[model_pb2.Model]:
        """Returns the models that the server knows."""
        pages = self.calls.pages(self.calls.stub.ListModels, pb.ListModelsRequest())
        return [model for page in pages for model in page.models]

    def model(self, name: str) -> model_pb2.Model:
        """Returns a model."""
        request = pb.GetModelRequest(name=tasks.model_name(name))
        return self.calls.call(self.calls.stub.GetModel, request)

    # --- Jobs ---------------------------------------------------------------------------------

    def submit(self, task: tasks.Task) -> Job:
        """Queues a task; returns once the job is durable.

        The request gets an id, the same in all tries, so that a lost reply makes no second job.

        Raises:
            InvalidArgumentError: If the server refuses a field; `fields` names it.
            ServerError: As the server says, after the tries that the policy allows.
        """
        request = self._complete(task)
        return Job(self, self.calls.call(self.calls.stub.CreateJob, request))

    def check(self, task: tasks.Task) -> job_pb2.Job:
        """Returns the job as it would be, and creates nothing. Raises what submit() would."""
        request = self._complete(task)
        request.validate_only = True
        return self.calls.call(self.calls.stub.CreateJob, request)

    sample = _submitting(tasks.sample)
    denoise = _submitting(tasks.denoise)
    sdedit = _submitting(tasks.sdedit)
    ald = _submitting(tasks.ald)
    dps = _submitting(tasks.dps)
    ddnm = _submitting(tasks.ddnm)
    ddrm = _submitting(tasks.ddrm)
    pigdm = _submitting(tasks.pigdm)
    diffpir = _submitting(tasks.diffpir)
    reddiff = _submitting(tasks.reddiff)
    repaint = _submitting(tasks.repaint)

    def map(
        self,
        todo: Iterable[tasks.Task],
        *,
        in_flight: int = 16,
        ordered: bool = True,
        key: Optional[str] = None,
        delete: bool = False,
        progress: bool = False,
    ) -> Iterator[batch.Outcome]:
        """Runs tasks by the thousand, and yields what became of each.

        Tasks are taken from `todo` as there is room, so that a generator is never more than
        `in_flight` ahead of what has been yielded: memory does not grow with their number. A job
        that fails is an outcome like others; `outcome.result` raises its error.

        Args:
            todo: The tasks.
            in_flight: The most tasks between being taken and being yielded.
            ordered: Whether outcomes come in the order of tasks, or as jobs end.
            key: A name of this batch, for all time: another run of the same tasks under the same
                key, as after a crash, finds the jobs of the first (for 24 hours) and makes no
                others.
            delete: Whether a job is deleted once its images are here.
            progress: Whether to show a bar of tasks.
        """
        options = batch.Options(in_flight=in_flight, ordered=ordered, key=key, delete=delete)
        outcomes = batch.run(self, todo, options)
        if not progress:
            return outcomes
        from tweedie import progress as bars

        return bars.count(outcomes, todo)

    def job(self, name: str) -> Job:
        """Returns a job by its name, `jobs/ID` or `ID`."""
        request = pb.GetJobRequest(name=job_name(name))
        return Job(self, self.calls.call(self.calls.stub.GetJob, request))

    def jobs(
        self,
        *,
        states: Sequence[Union[results.State, str]] = (),
        labels: Optional[Mapping[str, str]] = None,
        creator: str = "",
        model: str = "",
    ) -> Iterator[Job]:
        """Yields the jobs that match all that is given, newest first, page by page."""
        chosen = job_filter(states, labels, creator, model)
        request = pb.ListJobsRequest(page_size=LISTED, filter=chosen)
        for page in self.calls.pages(self.calls.stub.ListJobs, request):
            for message in page.jobs:
                yield Job(self, message)

    def watch_jobs(
        self,
        *,
        states: Sequence[Union[results.State, str]] = (),
        labels: Optional[Mapping[str, str]] = None,
        creator: str = "",
        model: str = "",
        include_progress: bool = False,
    ) -> Iterator[pb.WatchJobsResponse]:
        """Yields the jobs that match, first as they are, then as they change, without an end.

        After a break the listing comes again.
        """
        chosen = job_filter(states, labels, creator, model)
        request = pb.WatchJobsRequest(filter=chosen, include_progress=include_progress)
        return self.calls.follow(self.calls.stub.WatchJobs, cursors.JobsCursor(request))

    def set_log_level(self, level: Literal["trace", "debug", "info", "warning", "error"]) -> str:
        """Sets how much the server logs, and returns the level before. For operators."""
        request = pb.SetLogLevelRequest(level=level)
        return self.calls.call(self.calls.stub.SetLogLevel, request).previous_level

    def _complete(self, task: tasks.Task) -> pb.CreateJobRequest:
        """Returns the request with what was left open and the server does not choose."""
        request = task.with_request_id()
        request.job.model = request.job.model or self._default_model()
        return request

    def _default_model(self) -> str:
        with self._lock:
            if self._model:
                return self._model
        chosen = choose_model(self.models())
        with self._lock:
            self._model = chosen
        return chosen


def choose_model(models: Sequence[model_pb2.Model]) -> str:
    """Returns the name of the only model that works.

    Raises:
        ValueError: If there are several.
        FailedPreconditionError: If there is none.
    """
    names = [one.name for one in models if one.state != model_pb2.Model.FAILED]
    if len(names) > 1:
        raise ValueError(f"model is required, as the server has several: {', '.join(names)}")
    if not names:
        raise errors.FailedPreconditionError("the server has no model that works")
    return names[0]


def job_filter(
    states: Sequence[Union[results.State, str]],
    labels: Optional[Mapping[str, str]],
    creator: str,
    model: str,
) -> pb.JobFilter:
    """Returns the message of a filter."""
    return pb.JobFilter(
        states=[job_pb2.Job.State.Value(results.State(state).value) for state in states],
        labels=dict(labels or {}),
        creator=creator,
        model=tasks.model_name(model),
    )


def _make_client(found: settings.Settings) -> Client:
    channel = found.open_channel(grpc.secure_channel, grpc.insecure_channel)
    return Client(calls.Calls(channel, found.options), found.model)


connect = settings.connecting(settings.find_settings, _make_client)
