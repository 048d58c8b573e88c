"""The client for asyncio: the same tasks, operators, results and errors, awaited.

async with tweedie.aio.connect() as client:
    job = await client.dps(y, operator=tweedie.inpaint_box(8, 8, 16, 16))
    async for progress in job.progress(): ...
    result = await job.result()
"""

from __future__ import annotations

import asyncio
import functools
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Literal, Optional, TypeVar, Union

import grpc
import grpc.aio
from typing_extensions import Concatenate, ParamSpec, Self

from tweedie import batch, calls, cursors, errors, results, tasks
from tweedie import client as sync
from tweedie.images import FloatArray, as_batch, from_images
from tweedie.jobs import FrameKindLike, measurement_of, watch_request
from tweedie.retry import RESUME_POLICY, BackOff, RetryPolicy
from tweedie.v1 import job_pb2, model_pb2
from tweedie.v1 import tweedie_service_pb2 as pb
from tweedie.v1.tweedie_service_pb2_grpc import TweedieStub

if TYPE_CHECKING:
    from tweedie.v1.tweedie_service_pb2_grpc import TweedieAsyncStub

P = ParamSpec("P")
ResponseT = TypeVar("ResponseT")


def connect(
    server: Optional[str] = None,
    *,
    tls: bool = False,
    ca: Optional[str] = None,
    cert: Optional[str] = None,
    key: Optional[str] = None,
    token: Optional[str] = None,
    token_file: Optional[str] = None,
    creator: Optional[str] = None,
    model: Optional[str] = None,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is frozen
    resume: RetryPolicy = RESUME_POLICY,
    timeout: float = 120.0,
    on_retry: calls.OnRetry = calls.log_retry,
) -> AsyncClient:
    """Returns a client for the running event loop. See tweedie.connect()."""
    to, explainer = sync.prepare(server, tls, ca, cert, key, token, token_file, creator)
    options = calls.CallOptions(
        retry=retry, resume=resume, timeout=timeout, metadata=to.metadata,
        explain=explainer.explain, on_retry=on_retry,
    )  # fmt: skip
    if to.tls:
        channel = grpc.aio.secure_channel(to.target, to.credentials, options=to.options)
    else:
        channel = grpc.aio.insecure_channel(to.target, options=to.options)
    return AsyncClient(channel, options, model)


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

    async def follow(
        self,
        method: Callable[..., Any],
        cursor: cursors.Cursor[Any, ResponseT],
        deadline: Optional[float] = None,
    ) -> AsyncIterator[ResponseT]:
        """Yields what is new of a stream, through breaks. See Calls.follow()."""
        opening = BackOff(self._options.retry)
        resuming = BackOff(self._options.resume)
        has_progressed = False
        while True:
            self._check_open()
            timeout = calls.left_until(deadline)
            stream = method(cursor.request, timeout=timeout, metadata=self._options.metadata)
            try:
                async for response in stream:
                    step = cursor.take(response)
                    if step is cursors.Step.NOTHING_NEW:
                        continue
                    has_progressed = True
                    resuming.reset()
                    yield response
                    if step is cursors.Step.LAST:
                        return
                failure = cursor.at_end()
            except grpc.RpcError as error:
                failure = calls.error_of_try(error, self._is_closed)
            finally:
                stream.cancel()
            if failure is None or cursor.is_end(failure):
                return
            await self._wait(failure, resuming if has_progressed else opening, deadline)

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
        delay = back_off.next_delay(error)
        if delay is None:
            raise error
        left = calls.left_until(deadline)
        self._options.on_retry(error, delay)
        await asyncio.sleep(delay if left is None else min(delay, left))


class AsyncJob:
    """A job: watch it, wait for it, cancel it. `await job` is `await job.result()`."""

    def __init__(self, made: AsyncCalls, message: job_pb2.Job) -> None:
        self._calls = made
        self._message = message

    def __repr__(self) -> str:
        return f"<AsyncJob {self.name} {self.state.value}>"

    def __await__(self) -> Generator[Any, None, results.Result]:
        return self.result().__await__()

    @property
    def name(self) -> str:
        """`jobs/...`."""
        return self._message.name

    @property
    def message(self) -> job_pb2.Job:
        """The job as it was last heard of."""
        return self._message

    @property
    def state(self) -> results.State:
        """The state as it was last heard of; refresh() asks."""
        return results.state_of(self._message)

    async def refresh(self) -> results.State:
        """Asks the server, and returns the state."""
        request = pb.GetJobRequest(name=self.name)
        self._message = await self._calls.call(self._calls.stub.GetJob, request)
        return self.state

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
        deadline = None if timeout is None else time.monotonic() + timeout
        cursor = cursors.JobCursor(request)
        async for message in self._calls.follow(self._calls.stub.WatchJob, cursor, deadline):
            if message.HasField("job"):
                self._message = message.job
            yield results.Event.of(message)

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
        found: list[model_pb2.Model] = []
        request = pb.ListModelsRequest()
        while True:
            page = await self.calls.call(self.calls.stub.ListModels, request)
            found.extend(page.models)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

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
        name = name if name.startswith("jobs/") else f"jobs/{name}"
        request = pb.GetJobRequest(name=name)
        return AsyncJob(self.calls, await self.calls.call(self.calls.stub.GetJob, request))

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
        request = pb.CreateJobRequest()
        request.CopyFrom(task.request)
        if not request.job.model:
            self._model = self._model or sync.choose_model(await self.models())
            request.job.model = self._model
        if not request.request_id:
            request.request_id = str(uuid.uuid4())
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
