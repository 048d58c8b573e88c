"""A job of the server, as a handle."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import TYPE_CHECKING, Optional, Union

from google.protobuf import duration_pb2

from tweedie import cursors, errors, results
from tweedie.images import FloatArray, as_batch, from_images, from_tensor
from tweedie.v1 import job_pb2, tensor_pb2
from tweedie.v1 import tweedie_service_pb2 as pb

if TYPE_CHECKING:
    from tweedie.client import Client

FrameKindLike = Union[results.FrameKind, str]
# Least seconds between two events of progress: for people, and for who waits for the end alone.
AS_DRAWN = 0.1
SELDOM = 1.0


def watch_request(
    name: str,
    frame_interval: int,
    kinds: Sequence[FrameKindLike],
    max_images: int,
    exact: bool,
    after_sequence: int,
    progress_interval: float,
) -> pb.WatchJobRequest:
    """Returns the request of a watch."""
    frame_format = tensor_pb2.IMAGE_FORMAT_TENSOR_UINT8
    if exact:
        frame_format = tensor_pb2.IMAGE_FORMAT_TENSOR_FLOAT32
    between = duration_pb2.Duration()
    between.FromTimedelta(datetime.timedelta(seconds=progress_interval))
    return pb.WatchJobRequest(
        name=name,
        after_sequence=after_sequence,
        frame_interval=frame_interval,
        frame_kinds=[results.FRAME_KINDS[results.FrameKind(kind)] for kind in kinds],
        frame_format=frame_format,
        max_frame_images=max_images,
        progress_interval=between,
    )


def deadline_of(timeout: Optional[float]) -> Optional[float]:
    """Returns the time of time.monotonic() that is so many seconds ahead; None for none."""
    return None if timeout is None else time.monotonic() + timeout


def job_name(name: str) -> str:
    """Returns `jobs/ID` of either form."""
    return name if name.startswith("jobs/") else f"jobs/{name}"


class JobHandle:
    """A job as it was last heard of."""

    def __init__(self, message: job_pb2.Job) -> None:
        self._message = message

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.state.value}>"

    @property
    def name(self) -> str:
        """`jobs/...`: other clients find it by this."""
        return self._message.name

    @property
    def message(self) -> job_pb2.Job:
        """The job as it was last heard of, with what the server chose."""
        return self._message

    @property
    def state(self) -> results.State:
        """The state as it was last heard of; refresh() asks."""
        return results.state_of(self._message)

    def _hear(self, message: pb.WatchJobResponse) -> results.Event:
        """Takes what a watch brings."""
        if message.HasField("job"):
            self._message = message.job
        return results.Event.of(message)

    def _repr_html_(self) -> str:
        from tweedie import notebook

        return notebook.job_html(self._message)


class Job(JobHandle):
    """A job: watch it, wait for it, cancel it. Thread-safe.

    Leaving it alone does not stop it; `cancel()` does.
    """

    def __init__(self, client: Client, message: job_pb2.Job) -> None:
        super().__init__(message)
        self._client = client

    def refresh(self) -> results.State:
        """Asks the server, and returns the state."""
        self._message = self._client.calls.call(
            self._client.calls.stub.GetJob, pb.GetJobRequest(name=self.name)
        )
        return self.state

    def done(self) -> bool:
        """Whether it has ended, well or not. Asks the server unless that is known."""
        return self.state.is_end or self.refresh().is_end

    def cancel(self) -> results.State:
        """Asks it to stop before its next step, and returns its state; no error if it has ended."""
        self._message = self._client.calls.call(
            self._client.calls.stub.CancelJob, pb.CancelJobRequest(name=self.name)
        )
        return self.state

    def delete(self) -> None:
        """Deletes it with its images; it must have ended."""
        calls = self._client.calls
        calls.call(calls.stub.DeleteJob, pb.DeleteJobRequest(name=self.name))

    def events(
        self,
        frame_interval: int = 0,
        kinds: Sequence[FrameKindLike] = ("x0_hat",),
        max_images: int = 0,
        exact: bool = True,
        after_sequence: int = 0,
        timeout: Optional[float] = None,
        *,
        progress_interval: float = 0,
    ) -> Iterator[results.Event]:
        """Yields what happens, up to the job's end, through restarts of the server.

        Args:
            frame_interval: A frame every so many steps, and the last; none if 0.
            kinds: Which images frames show: "x0_hat", "x_t".
            max_images: The most images of a frame; as many as fit into 3 MiB if 0.
            exact: Whether frames are float32; otherwise they are rounded to 8 bits on the way.
            after_sequence: The last one received earlier; from the present state if 0.
            timeout: Seconds, for all of it.
            progress_interval: The least seconds between two events of progress; what comes earlier
                is left out, but for the last step and for progress with metrics.

        Raises:
            TimeoutError: If the job has not ended in time; it goes on.
            ServerError: If the server stays away, or the job is deleted.
        """
        request = watch_request(
            self.name, frame_interval, kinds, max_images, exact, after_sequence, progress_interval
        )
        deadline = deadline_of(timeout)
        calls = self._client.calls
        cursor = cursors.JobCursor(request)
        for message in calls.follow(calls.stub.WatchJob, cursor, deadline):
            yield self._hear(message)

    def progress(self, timeout: Optional[float] = None) -> Iterator[results.Progress]:
        """Yields the progress after steps, up to the end. See events()."""
        for event in self.events(timeout=timeout):
            if event.progress is not None:
                yield event.progress

    def frames(
        self,
        interval: int = 10,
        kinds: Sequence[FrameKindLike] = ("x0_hat",),
        max_images: int = 0,
        exact: bool = True,
        timeout: Optional[float] = None,
    ) -> Iterator[results.Frame]:
        """Yields intermediate images every `interval` steps, up to the end. See events()."""
        for event in self.events(interval, kinds, max_images, exact, timeout=timeout):
            if event.frame is not None:
                yield event.frame

    def wait(self, timeout: Optional[float] = None, *, progress: bool = False) -> results.State:
        """Waits for the end, and returns the state.

        Args:
            timeout: Seconds.
            progress: Whether to show a bar, in a terminal or a notebook.

        Raises:
            TimeoutError: If it has not ended in time; it goes on.
        """
        if progress:
            from tweedie import progress as bars

            bars.follow(self, timeout)
        elif not self.state.is_end:
            for _ in self.events(timeout=timeout, progress_interval=SELDOM):
                pass
        return self.state

    def result(self, timeout: Optional[float] = None, *, progress: bool = False) -> results.Result:
        """Waits for the end, and returns the images.

        Raises:
            JobFailedError: If it failed.
            JobCancelledError: If it was cancelled.
            TimeoutError: If it has not ended in time; it goes on.
        """
        self.wait(timeout, progress=progress)
        errors.raise_unless_succeeded(self._message)
        return results.Result(self._message, as_batch(list(self.images())))

    def images(self, start: int = 0) -> Iterator[FloatArray]:
        """Yields the images of a job that has succeeded, [C, H, W], float32, one at a time."""
        calls = self._client.calls
        request = pb.ReadJobImagesRequest(name=self.name, start_index=start)
        cursor = cursors.ImagesCursor(request)
        for message in calls.follow(calls.stub.ReadJobImages, cursor):
            yield from_images(message.images)[0]

    def measurement(self) -> results.Measurement:
        """Returns y, as it was given or simulated, also while the job runs."""
        calls = self._client.calls
        cursor = cursors.MeasurementCursor(pb.ReadJobMeasurementRequest(name=self.name))
        parts = list(calls.follow(calls.stub.ReadJobMeasurement, cursor))
        return measurement_of(parts)

    def future(self) -> futures.Future[results.Result]:
        """Returns a future of the result, for concurrent.futures.as_completed() and the like.

        At most 64 jobs of a client are followed at a time; client.map() is for more. Cancelling
        the future does not cancel the job.
        """
        return self._client.executor.submit(self.result)


def measurement_of(parts: Sequence[pb.ReadJobMeasurementResponse]) -> results.Measurement:
    """Returns the measurement of its parts, in their order."""
    y = as_batch([from_tensor(part.y) for part in parts])
    return results.Measurement(y, tuple(part.preview_png or None for part in parts))
