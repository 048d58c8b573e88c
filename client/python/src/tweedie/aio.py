"""The client for asyncio: the same tasks, operators, results and errors, awaited.

async with tweedie.aio.connect() as client:
    job = await client.dps(y, operator=tweedie.inpaint_box(8, 8, 16, 16))
    async for progress in job.progress(): ...
    result = await job.result()
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Literal, Optional, TypeVar, Union

import grpc
import grpc.aio
from typing_extensions import Concatenate, ParamSpec, Self

from tweedie import batch, calls, cursors, errors, results, settings, tasks
from tweedie import client as sync
from tweedie.images import FloatArray, as_batch, from_images
from tweedie.jobs import (
    FrameKindLike,
    JobHandle,
    deadline_of,
    job_name,
    measurement_of,
    watch_request,
)
from tweedie.retry import BackOff
from tweedie.v1 import job_pb2, model_pb2
from tweedie.v1 import tweedie_service_pb2 as pb
from tweedie.v1.tweedie_service_pb2_grpc import TweedieStub

if TYPE_CHECKING:
    from tweedie.v1.tweedie_service_pb2_grpc import TweedieAsyncStub

P = ParamSpec("P")
ResponseT = TypeVar("ResponseT")


class AsyncCalls:
    """A channel, and how it is called. Belongs to one event loop. See tweedie.calls."""

    def __init__(self, channel: grpc.aio.Channel, options: calls.CallOptions) -> None:
        self._channel = channel
        self._options = options
        self._is_closed = False
        self.stub: TweedieAsyncStub = TweedieStub(channel)

    async def close(self) -> None:
        """Ends all calls, for good."""
        self._is_closed = True
        await self._channel.close()

    async def call(self, method: Callable[..., Awaitable[ResponseT]], request: Any) -> ResponseT:
        """Calls with tries. See Calls.call()."""
        back_off = BackOff(self._options.retry)
        while True:
            self._check_open()
            try:
                return await method(
                    request, timeout=self._options.timeout, metadata=self._options.metadata
                )
            except grpc.RpcError as error:
                failure = calls.error_of_try(error, self._is_closed)
            await self._wait(failure, back_off, None)

    async def pages(
        self, method: Callable[..., Awaitable[calls.PageT]], request: Any
    ) -> AsyncIterator[calls.PageT]:
        """Yields the pages of a listing. See Calls.pages()."""
        while True:
            page = await self.call(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def follow(
        self,
        method: Callable[..., Any],
        cursor: cursors.Cursor[Any, ResponseT],
        deadline: Optional[float] = None,
    ) -> AsyncIterator[ResponseT]:
        """Yields what is new of a stream, through breaks. See Calls.follow()."""
        following = calls.Following(cursor, self._options)
        while True:
            self._check_open()
            timeout = calls.left_until(deadline)
            stream = method(following.request, timeout=timeout, metadata=self._options.metadata)
            try:
                async for response in stream:
                    step = following.take(response)
                    if step is not cursors.Step.NOTHING_NEW:
                        yield response
                    if step is cursors.Step.LAST:
                        return
                failure = following.at_end()
            except grpc.RpcError as error:
                failure = calls.error_of_try(error, self._is_closed)
            finally:
                stream.cancel()
            back_off = following.back_off_after(failure)
            if failure is None or back_off is None:
                return
            await self._wait(failure, back_off, deadline)

    def _check_open(self) -> None:
        if self._is_closed:
            raise errors.CallCancelledError("the client is closed")

    async def _wait(
        self, error: errors.ServerError, back_off: BackOff, deadline: Optional[float]
    ) -> None:
        if isinstance(error, errors.DeadlineExceededError):
            calls.left_until(deadline)  # then it is ours
        self._check_open()
        explain = self._options.explain
        error = await asyncio.get_running_loop().run_in_executor(None, explain, error)
        await asyncio.sleep(calls.delay_after(error, back_off, self._options, deadline))


class AsyncJob(JobHandle):
    """A job: watch it, wait for it, cancel it. `await job` is `await job.result()`."""

    def __init__(self, made: AsyncCalls, message: job_pb2.Job) -> None:
        super().__init__(message)
        self._calls = made

    def __await__(self) -> Generator[Any, None, results.Result]:
        return self.result().__await__()

    async def refresh(self) -> results.State:
        """Asks the server, and returns the state."""
        request = pb.GetJobRequest(name=self.name)
        self._message = await self._calls.call(self._calls.stub.GetJob, request)
        return self.state

    async def done(self) -> bool:
        """Whether it has ended, well or not. Asks the server unless that is known."""
        return self.state.is_end or (await self.refresh()).is_end

    async def cancel(self) -> results.State:
        """Asks it to stop before its next step, and returns its state."""
        request = pb.CancelJobRequest(name=self.name)
        self._message = await self._calls.call(self._calls.stub.CancelJob, request)
        return self.state

    async def delete(self) -> None:
        """Deletes it with its images; it must have ended."""
        request = pb.DeleteJobRequest(name=self.name)
        await self._calls.call(self._calls.stub.DeleteJob, request)

    async def events(
        self,
        frame_interval: int = 0,
        kinds: Sequence[FrameKindLike] = ("x0_hat",),
        max_images: int = 0,
        exact: bool = True,
        after_sequence: int = 0,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[results.Event]:
        """Yields what happens, up to the job's end. See Job.events()."""
        request = watch_request(self.name, frame_interval, kinds, max_images, exact, after_sequence)
        deadline = deadline_of(timeout)
        cursor = cursors.JobCursor(request)
        async for message in self._calls.follow(self._calls.stub.WatchJob, cursor, deadline):
            yield self._hear(message)

    async def progress(self, timeout: Optional[float] = None) -> AsyncIterator[results.Progress]:
        """Yields the progress after steps, up to the end."""
        async for event in self.events(timeout=timeout):
            if event.progress is not None:
                yield event.progress

    async def frames(
        self,
        interval: int = 10,
        kinds: Sequence[FrameKindLike] = ("x0_hat",),
        max_images: int = 0,
        exact: bool = True,
        timeout: Optional[float] = None,
    ) -> AsyncIterator[results.Frame]:
        """Yields intermediate images every `interval` steps, up to the end."""
        async for event in self.events(interval, kinds, max_images, exact, timeout=timeout):
            if event.frame is not None:
                yield event.frame

    async def wait(
        self, timeout: Optional[float] = None, *, progress: bool = False
    ) -> results.State:
        """Waits for the end, and returns the state. See Job.wait()."""
        if progress:
            from tweedie.progress import Bar

            with Bar(self.name) as bar:
                async for event in self.events(timeout=timeout):
                    bar.take(event)
        elif not self.state.is_end:
            async for _ in self.events(timeout=timeout):
                pass
        return self.state

    async def result(
        self, timeout: Optional[float] = None, *, progress: bool = False
    ) -> results.Result:
        """Waits for the end, and returns the images. See Job.result()."""
        await self.wait(timeout, progress=progress)
        errors.raise_unless_succeeded(self._message)
        read = [image async for image in self.images()]
        return results.Result(self._message, as_batch(read))

    async def images(self, start: int = 0) -> AsyncIterator[FloatArray]:
        """Yields the images of a job that has succeeded, [C, H, W], one at a time."""
        request = pb.ReadJobImagesRequest(name=self.name, start_index=start)
        cursor = cursors.ImagesCursor(request)
        async for message in self._calls.follow(self._calls.stub.ReadJobImages, cursor):
            yield from_images(message.images)[0]

    async def measurement(self) -> results.Measurement:
        """Returns y, as it was given or simulated, also while the job runs."""
        cursor = cursors.MeasurementCursor(pb.ReadJobMeasurementRequest(name=self.name))
        stream = self._calls.follow(self._calls.stub.ReadJobMeasurement, cursor)
        return measurement_of([part async for part in stream])


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
            if options.delete:
                await job.delete()
        except errors.TweedieError as error:
            outcome.error = error
        return outcome

    async def _complete(self, task: tasks.Task) -> pb.CreateJobRequest:
        request = task.with_request_id()
        if not request.job.model:
            self._model = self._model or sync.choose_model(await self.models())
            request.job.model = self._model
        return request


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


def _make_client(found: settings.Settings) -> AsyncClient:
    """Belongs to the event loop that runs."""
    channel = found.open_channel(grpc.aio.secure_channel, grpc.aio.insecure_channel)
    return AsyncClient(channel, found.options, found.model)


connect = settings.connecting(settings.find_settings, _make_client)
