"""A job as an event loop sees it. See tweedie.jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Sequence
from typing import Any, Optional

from tweedie import cursors, errors, results
from tweedie.aio.calls import AsyncCalls
from tweedie.images import FloatArray, as_batch, from_images
from tweedie.jobs import (
    AS_DRAWN,
    SELDOM,
    FrameKindLike,
    JobHandle,
    deadline_of,
    measurement_of,
    watch_request,
)
from tweedie.v1 import job_pb2
from tweedie.v1 import tweedie_service_pb2 as pb


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
        *,
        progress_interval: float = 0,
    ) -> AsyncIterator[results.Event]:
        """Yields what happens, up to the job's end. See Job.events()."""
        request = watch_request(
            self.name, frame_interval, kinds, max_images, exact, after_sequence, progress_interval
        )
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
                async for event in self.events(timeout=timeout, progress_interval=AS_DRAWN):
                    bar.take(event)
        elif not self.state.is_end:
            async for _ in self.events(timeout=timeout, progress_interval=SELDOM):
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
