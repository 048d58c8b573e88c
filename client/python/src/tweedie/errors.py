"""What goes wrong, as exceptions that carry what the server says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import grpc
from google.protobuf import any_pb2, message
from google.rpc import error_details_pb2, status_pb2

from tweedie.v1 import job_pb2

_DETAILS = "grpc-status-details-bin"


class TweedieError(Exception):
    """Everything that this package raises, but for wrong arguments (TypeError, ValueError)."""


@dataclasses.dataclass(frozen=True)
class FieldViolation:
    """A field that is at fault: its path from the request, and why."""

    field: str
    description: str


@dataclasses.dataclass(frozen=True)
class ErrorDetails:
    """The `google.rpc` details of an error.

    Attributes:
        reason: For programs (ErrorInfo): the code's name, or as QUEUE_FULL. "" if there is none.
        domain: Whose reason it is: `tweedie`.
        metadata: More about the reason.
        field_violations: The fields at fault (BadRequest).
        quota_violations: The quotas that are used up (QuotaFailure), as subject and description.
        retry_delay: Seconds after which the call may be tried again (RetryInfo).
    """

    reason: str = ""
    domain: str = ""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    field_violations: Sequence[FieldViolation] = ()
    quota_violations: Sequence[FieldViolation] = ()
    retry_delay: Optional[float] = None


class ServerError(TweedieError):
    """An error of a call. Its class follows from the code; `details` are the server's.

    Attributes:
        code: The canonical code.
        message: For a person to read; it names the fields at fault.
        details: What the server adds for programs.
    """

    code = grpc.StatusCode.UNKNOWN

    def __init__(self, message: str, details: Optional[ErrorDetails] = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or ErrorDetails()

    @property
    def reason(self) -> str:
        """For programs, as QUEUE_FULL; "" if the server did not say."""
        return self.details.reason

    @property
    def fields(self) -> list[str]:
        """The paths of the fields at fault."""
        return [violation.field for violation in self.details.field_violations]

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may succeed later."""
        if self.code == grpc.StatusCode.UNAVAILABLE:
            return True
        has_delay = self.details.retry_delay is not None
        return self.code == grpc.StatusCode.RESOURCE_EXHAUSTED and has_delay


class InvalidArgumentError(ServerError, ValueError):
    """The request is wrong; nothing was queued. `fields` names what is at fault."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFoundError(ServerError, LookupError):
    """No such job or model, or none that you may see."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExistsError(ServerError):
    """The job's id is taken, or the request's id was used for another request."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPreconditionError(ServerError):
    """The job has not ended or not succeeded, or the model could not be loaded."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class OutOfRangeError(ServerError):
    """Beyond what there is."""

    code = grpc.StatusCode.OUT_OF_RANGE


class ResourceExhaustedError(ServerError):
    """The server is full, or a message too large. Tried again only if the server says when."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class UnavailableError(ServerError, ConnectionError):
    """The server cannot be reached, or is stopping, for longer than was waited."""

    code = grpc.StatusCode.UNAVAILABLE


class UnauthenticatedError(ServerError, PermissionError):
    """The server does not know you; or its certificate is not accepted, or yours not by it."""

    code = grpc.StatusCode.UNAUTHENTICATED


class PermissionDeniedError(ServerError, PermissionError):
    """Your role does not allow it."""

    code = grpc.StatusCode.PERMISSION_DENIED


class DeadlineExceededError(ServerError, TimeoutError):
    """No answer in time."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class CallCancelledError(ServerError):
    """The client was closed during the call."""

    code = grpc.StatusCode.CANCELLED


class DataLossError(ServerError):
    """Files of the server are damaged."""

    code = grpc.StatusCode.DATA_LOSS


class InternalError(ServerError):
    """A fault of the server."""

    code = grpc.StatusCode.INTERNAL


class UnimplementedError(ServerError):
    """The server is too old for this, or no tweedied."""

    code = grpc.StatusCode.UNIMPLEMENTED


_CLASSES: dict[grpc.StatusCode, type[ServerError]] = {
    one.code: one for one in ServerError.__subclasses__()
}


class JobError(TweedieError):
    """A job that did not succeed.

    Attributes:
        job: The job as it ended.
    """

    def __init__(self, text: str, job: job_pb2.Job) -> None:
        super().__init__(text)
        self.job = job


class JobFailedError(JobError):
    """The job is FAILED. `reason` is for programs, as DIVERGED or OUT_OF_MEMORY."""

    def __init__(self, job: job_pb2.Job) -> None:
        super().__init__(f"{job.name} failed: {job.error.reason}: {job.error.message}", job)

    @property
    def reason(self) -> str:
        """Why, in UPPER_SNAKE_CASE."""
        return self.job.error.reason


class JobCancelledError(JobError):
    """The job is CANCELLED."""

    def __init__(self, job: job_pb2.Job) -> None:
        super().__init__(f"{job.name} was cancelled", job)


def make_error(
    code: grpc.StatusCode, text: str, details: Optional[ErrorDetails] = None
) -> ServerError:
    """Returns the exception of a code."""
    kind = _CLASSES.get(code)
    if kind is not None:
        return kind(text, details)
    error = ServerError(text, details)
    error.code = code
    return error


def from_rpc_error(error: grpc.RpcError) -> ServerError:
    """Returns the exception of a failed call, with its details."""
    call: Any = error  # gRPC raises what is a call as well
    details = ErrorDetails()
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS:
            details = _parse_details(value)
    text = call.details() or call.code().name
    return make_error(call.code(), _with_violations(text, details), details)


def raise_unless_succeeded(job: job_pb2.Job) -> None:
    """Raises JobFailedError or JobCancelledError for a job that ended so."""
    if job.state == job_pb2.Job.FAILED:
        raise JobFailedError(job)
    if job.state == job_pb2.Job.CANCELLED:
        raise JobCancelledError(job)


def _with_violations(text: str, details: ErrorDetails) -> str:
    """Adds what the details say of fields and the text does not."""
    more = [
        f"{one.field}: {one.description}"
        for one in details.field_violations
        if one.field not in text or one.description not in text
    ]
    return "; ".join([text, *more])


def _parse_details(serialized: bytes) -> ErrorDetails:
    """Details that do not parse say nothing; the code and the message stand."""
    try:
        status = status_pb2.Status.FromString(serialized)
        parts = [_fields_of(detail) for detail in status.details]
    except message.DecodeError:
        return ErrorDetails()
    return ErrorDetails(**{name: value for part in parts for name, value in part.items()})


def _fields_of(detail: any_pb2.Any) -> dict[str, Any]:
    """Returns the fields of ErrorDetails that one detail sets."""
    info = error_details_pb2.ErrorInfo()
    if detail.Unpack(info):
        return {"reason": info.reason, "domain": info.domain, "metadata": dict(info.metadata)}
    bad = error_details_pb2.BadRequest()
    if detail.Unpack(bad):
        violations = [FieldViolation(one.field, one.description) for one in bad.field_violations]
        return {"field_violations": violations}
    quota = error_details_pb2.QuotaFailure()
    if detail.Unpack(quota):
        used = [FieldViolation(one.subject, one.description) for one in quota.violations]
        return {"quota_violations": used}
    retry = error_details_pb2.RetryInfo()
    if detail.Unpack(retry):
        delay = retry.retry_delay
        return {"retry_delay": delay.seconds + delay.nanos / 1e9}
    return {}
