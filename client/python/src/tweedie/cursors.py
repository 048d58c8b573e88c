"""How streams go on after a break, for the client with threads and the one with asyncio alike.

A cursor is where a stream has got to: it says with which request to open it, and judges what comes.
It does no input or output.
"""

from __future__ import annotations

import abc
import enum
from typing import Generic, Optional, TypeVar

from tweedie import errors
from tweedie.v1 import job_pb2
from tweedie.v1 import tweedie_service_pb2 as pb

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

ENDED = (job_pb2.Job.SUCCEEDED, job_pb2.Job.FAILED, job_pb2.Job.CANCELLED)


class Step(enum.Enum):
    """What one message of a stream was."""

    NOTHING_NEW = 0
    PROGRESS = 1
    LAST = 2


class Cursor(abc.ABC, Generic[RequestT, ResponseT]):
    """Where one stream has got to."""

    def __init__(self, request: RequestT) -> None:
        self.request = request

    @abc.abstractmethod
    def take(self, response: ResponseT) -> Step:
        """Judges a message, and moves on past it."""

    def at_end(self) -> Optional[errors.ServerError]:
        """Returns what it means that the stream ended with OK: None if it may."""
        return None

    def is_end(self, error: errors.ServerError) -> bool:
        """Whether `error` says that there was nothing left."""
        return False


class JobCursor(Cursor[pb.WatchJobRequest, pb.WatchJobResponse]):
    """Of WatchJob: goes on after the last sequence; ends with the job's end."""

    def take(self, response: pb.WatchJobResponse) -> Step:
        """See Cursor. A stream that is taken up again first repeats the job as it is."""
        is_last = response.HasField("job") and response.job.state in ENDED
        is_new = not self.request.after_sequence or response.sequence > self.request.after_sequence
        if not is_new and not is_last:
            return Step.NOTHING_NEW
        self.request.after_sequence = response.sequence
        return Step.LAST if is_last else Step.PROGRESS

    def at_end(self) -> Optional[errors.ServerError]:
        """Only the job's end ends it."""
        return errors.UnavailableError("the server ended the stream early")


class JobsCursor(Cursor[pb.WatchJobsRequest, pb.WatchJobsResponse]):
    """Of WatchJobs: begins anew, with the listing."""

    def take(self, response: pb.WatchJobsResponse) -> Step:
        """Everything is news."""
        return Step.PROGRESS

    def at_end(self) -> Optional[errors.ServerError]:
        """It has no end."""
        return errors.UnavailableError("the server ended the stream early")


class ImagesCursor(Cursor[pb.ReadJobImagesRequest, pb.ReadJobImagesResponse]):
    """Of ReadJobImages: goes on with the next image."""

    _received = False

    def take(self, response: pb.ReadJobImagesResponse) -> Step:
        """See Cursor.

        Raises:
            InternalError: If an image is missing.
        """
        if response.index != self.request.start_index:
            raise errors.InternalError(
                f"the server sent image {response.index}, not {self.request.start_index}"
            )
        self.request.start_index = response.index + 1
        self._received = True
        return Step.PROGRESS

    def is_end(self, error: errors.ServerError) -> bool:
        """A stream that broke after the last image is taken up beyond it."""
        return self._received and isinstance(error, errors.OutOfRangeError)


class MeasurementCursor(Cursor[pb.ReadJobMeasurementRequest, pb.ReadJobMeasurementResponse]):
    """Of ReadJobMeasurement: begins anew, and leaves out what has come."""

    _received = 0

    def take(self, response: pb.ReadJobMeasurementResponse) -> Step:
        """See Cursor."""
        if response.index < self._received:
            return Step.NOTHING_NEW
        self._received = response.index + 1
        return Step.PROGRESS
