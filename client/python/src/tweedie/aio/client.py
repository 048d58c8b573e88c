"""The client of an event loop. See tweedie.client."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from typing import Callable, Literal, Optional, Union

import grpc.aio
from typing_extensions import Concatenate, ParamSpec, Self

from tweedie import batch, calls, cursors, errors, results, tasks
from tweedie import client as sync
from tweedie.aio.calls import AsyncCalls
from tweedie.aio.jobs import AsyncJob
from tweedie.jobs import job_name
from tweedie.v1 import job_pb2, model_pb2
from tweedie.v1 import tweedie_service_pb2 as pb

P = ParamSpec("P")


def _submitting(
    make: Callable[P, tasks.Task],
) -> Callable[Concatenate[AsyncClient, P], Awaitable[AsyncJob]]:
    """Returns the method that submits what `make` makes, with its parameters and their help."""

    @functools.wraps(make)
    def submit(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[AsyncJob]:
        return self.submit(make(*args, **kwargs))

    sync.set_signature(submit, make)
    return submit


class AsyncClient:
    """A client of one server, of one event loop. Use it in an `async with` statement.

    See tweedie.client.Client; what follows does the same.
    """

    def __init__(
        self, channel: grpc.aio.Channel, options: calls.CallOptions, model: Optional[str] = None
    ) -> None:
        self.calls = AsyncCalls(channel, options)
        self._model = tasks.model_name(model or "")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all calls. Jobs go on."""
        await self.calls.close()

    async def server_info(self) -> pb.ServerInfo:
        """Returns what the server is, and what it allows."""
        return await self.calls.call(self.calls.stub.GetServerInfo, pb.GetServerInfoRequest())

    async def models(self) -> list[model_pb2.Model]:
        """Returns the models that the server knows."""
        pages = self.calls.pages(self.calls.stub.ListModels, pb.ListModelsRequest())
        return [model async for page in pages for model in page.models]

    async def model(self, name: str) -> model_pb2.Model:
        """Returns a model."""
        request = pb.GetModelRequest(name=tasks.model_name(name))
        return await self.calls.call(self.calls.stub.GetModel, request)

    async def submit(self, task: tasks.Task) -> AsyncJob:
        """Queues a task; returns once the job is durable. See Client.submit()."""
        request = await self._complete(task)
        return AsyncJob(self.calls, await self.calls.call(self.calls.stub.CreateJob, request))

    async def check(self, task: tasks.Task) -> job_pb2.Job:
        """Returns the job as it would be, and creates nothing."""
        request = await self._complete(task)
        request.validate_only = True
        return await self.calls.call(self.calls.stub.CreateJob, request)

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

    async def map(
        self,
        todo: Iterable[tasks.Task],
        *,
        in_flight: int = 16,
        ordered: bool = True,
        key: Optional[str] = None,
        delete: bool = False,
    ) -> AsyncIterator[batch.Outcome]:
        """Runs tasks by the thousand, and yields what became of each. See Client.map()."""
        options = batch.Options(in_flight=in_flight, ordered=ordered, key=key, delete=delete)
        waiting: list[asyncio.Task[batch.Outcome]] = []
        try:
            for index, task in enumerate(todo):
                waiting.append(asyncio.ensure_future(self._run_one(index, task, options)))
                if len(waiting) >= in_flight:
                    yield await _next(waiting, ordered)
            while waiting:
                yield await _next(waiting, ordered)
        finally:  # whoever leaves early does not wait for jobs, which go on
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def job(self, name: str) -> AsyncJob:
        """Returns a job by its name, `jobs/ID` or `ID`."""
        request = pb.GetJobRequest(name=job_name(name))
        return AsyncJob(self.calls, await self.calls.call(self.calls.stub.GetJob, request))

    async def jobs(
        self,
        *,
        states: Sequence[Union[results.State, str]] = (),
        labels: Optional[Mapping[str, str]] = None,
        creator: str = "",
        model: str = "",
    ) -> AsyncIterator[AsyncJob]:
        """Yields the jobs that match all that is given, newest first, page by page."""
        chosen = sync.job_filter(states, labels, creator, model)
        request = pb.ListJobsRequest(page_size=sync.LISTED, filter=chosen)
        async for page in self.calls.pages(self.calls.stub.ListJobs, request):
            for message in page.jobs:
                yield AsyncJob(self.calls, message)

    async def watch_jobs(
        self,
        *,
        states: Sequence[Union[results.State, str]] = (),
        labels: Optional[Mapping[str, str]] = None,
        creator: str = "",
        model: str = "",
        include_progress: bool = False,
    ) -> AsyncIterator[pb.WatchJobsResponse]:
        """Yields the jobs that match, first as they are, then as they change, without an end."""
        chosen = sync.job_filter(states, labels, creator, model)
        request = pb.WatchJobsRequest(filter=chosen, include_progress=include_progress)
        cursor = cursors.JobsCursor(request)
        async for message in self.calls.follow(self.calls.stub.WatchJobs, cursor):
            yield message

    async def set_log_level(
        self, level: Literal["trace", "debug", "info", "warning", "error"]
    ) -> str:
        """Sets how much the server logs, and returns the level before. For operators."""
        request = pb.SetLogLevelRequest(level=level)
        return (await self.calls.call(self.calls.stub.SetLogLevel, request)).previous_level

    async def _run_one(self, index: int, task: tasks.Task, options: batch.Options) -> batch.Outcome:
        outcome = batch.Outcome(index, task)
        try:
            job = await self.submit(batch.with_key(task, options.key, index))
            outcome.job_name = job.name
            outcome.set_result(await job.result())
        except errors.TweedieError as error:
            outcome.error = error
            return outcome
        if options.delete:
            await _delete(job)
        return outcome

    async def _complete(self, task: tasks.Task) -> pb.CreateJobRequest:
        request = task.with_request_id()
        if not request.job.model:
            self._model = self._model or sync.choose_model(await self.models())
            request.job.model = self._model
        return request


async def _delete(job: AsyncJob) -> None:
    try:
        await job.delete()
    except errors.TweedieError as error:
        batch.log_kept(job.name, error)


async def _next(waiting: list[asyncio.Task[batch.Outcome]], ordered: bool) -> batch.Outcome:
    """Takes the first, or one that is done."""
    if not ordered:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        first = next(one for one in waiting if one.done())
        waiting.remove(first)
        return first.result()
    outcome = await waiting[0]
    del waiting[0]
    return outcome
