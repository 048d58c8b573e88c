"""Calls of the service with tries, and streams that are taken up again after a break."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable, Generic, Optional, Protocol, TypeVar

import grpc

from tweedie import cursors, errors
from tweedie.retry import RESUME_POLICY, BackOff, RetryPolicy
from tweedie.v1.tweedie_service_pb2_grpc import TweedieStub
from tweedie.waiting import Waiting

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


OnRetry = Callable[[errors.ServerError, float], None]

_LOGGER = logging.getLogger("tweedie")


def log_retry(error: errors.ServerError, delay: float) -> None:
    """Logs a failure that will be tried again."""
    _LOGGER.info("%s: %s; the next try is in %.1f s", error.code.name, error, delay)


@dataclasses.dataclass(frozen=True)
class CallOptions:
    """How calls behave.

    Attributes:
        retry: Calls, and streams that have not brought anything yet.
        resume: Streams that have.
        timeout: Seconds of one try of a call; streams have none.
        metadata: What every call carries.
        explain: Given the error of a try, returns it, or one that is not tried again.
        on_retry: Told of each failure that will be tried again, and the wait before it.
    """

    retry: RetryPolicy = dataclasses.field(default_factory=RetryPolicy)
    resume: RetryPolicy = RESUME_POLICY
    timeout: float = 120.0
    metadata: tuple[tuple[str, str], ...] = dataclasses.field(default=(), repr=False)
    explain: Callable[[errors.ServerError], errors.ServerError] = lambda error: error
    on_retry: OnRetry = log_retry


def error_of_try(error: grpc.RpcError, is_closed: bool) -> errors.ServerError:
    """Returns what one try came to. A server that stops cancels what it has not answered."""
    found = errors.from_rpc_error(error)
    if isinstance(found, errors.CallCancelledError) and not is_closed:
        return errors.UnavailableError("the server ended the call")
    return found


def left_until(deadline: Optional[float]) -> Optional[float]:
    """Returns the seconds until `deadline` of time.monotonic(); None for none.

    Raises:
        TimeoutError: If it has passed.
    """
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the job did not end in time; it goes on")
    return left


class Page(Protocol):
    """A part of a listing."""

    @property
    def next_page_token(self) -> str:
        """What the next request is to have; "" at the end."""


PageT = TypeVar("PageT", bound=Page)


class Following(Generic[ResponseT]):
    """A stream through its breaks: how far it has come, and when it is opened again."""

    def __init__(self, cursor: cursors.Cursor[Any, ResponseT], options: CallOptions) -> None:
        self._cursor = cursor
        self._opening = BackOff(options.retry)
        self._resuming = BackOff(options.resume)
        self._has_progressed = False

    @property
    def request(self) -> Any:
        """What opens it where it is."""
        return self._cursor.request

    def take(self, response: ResponseT) -> cursors.Step:
        """Moves on by a response."""
        step = self._cursor.take(response)
        if step is not cursors.Step.NOTHING_NEW:
            self._has_progressed = True
            self._resuming.reset()
        return step

    def at_end(self) -> Optional[errors.ServerError]:
        """Returns what the end of the stream means; None if it is the end of all."""
        return self._cursor.at_end()

    def back_off_after(self, failure: Optional[errors.ServerError]) -> Optional[BackOff]:
        """Returns what times the next try; None if there is none, as all is here."""
        if failure is None or self._cursor.is_end(failure):
            return None
        return self._resuming if self._has_progressed else self._opening


def delay_after(
    error: errors.ServerError, back_off: BackOff, options: CallOptions, deadline: Optional[float]
) -> float:
    """Returns the seconds until the next try, and tells of it.

    Raises:
        ServerError: `error`, if there is none.
        TimeoutError: If the deadline has passed.
    """
    delay = back_off.next_delay(error)
    if delay is None:
        raise error
    left = left_until(deadline)
    options.on_retry(error, delay)
    return delay if left is None else min(delay, left)


class Calls:
    """A channel, and how it is called. Thread-safe."""

    def __init__(
        self, channel: grpc.Channel, options: CallOptions, parent: Optional[Calls] = None
    ) -> None:
        self._channel = channel
        self._options = options
        self._parent = parent
        self._waiting: Waiting = parent._waiting if parent is not None else Waiting(channel)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._streams: set[Any] = set()  # under the lock
        self.stub = TweedieStub(channel)

    @property
    def is_closed(self) -> bool:
        """Whether calls have been ended for good."""
        return self._closed.is_set() or (self._parent is not None and self._parent.is_closed)

    def child(self) -> Calls:
        """Returns calls on the same channel that can be ended alone."""
        return Calls(self._channel, self._options, self)

    def abort(self) -> None:
        """Ends the calls, for good, and leaves the channel."""
        self._closed.set()
        self._waiting.wake()
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.cancel()

    def close(self) -> None:
        """Ends all calls, for good."""
        self._closed.set()
        self._waiting.wake_all()
        self._channel.close()

    def call(self, method: Callable[..., ResponseT], request: RequestT) -> ResponseT:
        """Calls with tries, each with the same request.

        Raises:
            ServerError: The last try's.
        """
        back_off = BackOff(self._options.retry)
        while True:
            self._check_open()
            try:
                return method(
                    request, timeout=self._options.timeout, metadata=self._options.metadata
                )
            except grpc.RpcError as error:
                self._wait(error_of_try(error, self.is_closed), back_off, None)
            except ValueError:  # what gRPC says of a channel that was closed just now
                self._check_open()
                raise

    def pages(self, method: Callable[..., PageT], request: Any) -> Iterator[PageT]:
        """Yields the pages of a listing. See call()."""
        while True:
            page = self.call(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def follow(
        self,
        method: Callable[..., Any],
        cursor: cursors.Cursor[Any, ResponseT],
        deadline: Optional[float] = None,
    ) -> Iterator[ResponseT]:
        """Yields what is new of a stream, through breaks.

        Args:
            method: Opens it.
            cursor: Where it begins; it moves on.
            deadline: Of time.monotonic(), for all of it.

        Raises:
            ServerError: The error that it was given up with.
            TimeoutError: If the deadline passes.
        """
        following = Following(cursor, self._options)
        while True:
            self._check_open()
            stream = self._open(method, following.request, left_until(deadline))
            try:
                for response in stream:
                    step = following.take(response)
                    if step is not cursors.Step.NOTHING_NEW:
                        yield response
                    if step is cursors.Step.LAST:
                        return
                failure = following.at_end()
            except grpc.RpcError as error:
                failure = error_of_try(error, self.is_closed)
            finally:
                stream.cancel()
                with self._lock:
                    self._streams.discard(stream)
            back_off = following.back_off_after(failure)
            if failure is None or back_off is None:
                return
            self._wait(failure, back_off, deadline)

    def _open(self, method: Callable[..., Any], request: RequestT, timeout: Optional[float]) -> Any:
        try:
            stream = method(request, timeout=timeout, metadata=self._options.metadata)
        except ValueError:  # what gRPC says of a channel that was closed just now
            self._check_open()
            raise
        with self._lock:
            self._streams.add(stream)
        if self.is_closed:  # since it was looked, perhaps by abort()
            stream.cancel()
        return stream

    def _check_open(self) -> None:
        if self.is_closed:
            raise errors.CallCancelledError("the client is closed")

    def _wait(
        self, error: errors.ServerError, back_off: BackOff, deadline: Optional[float]
    ) -> None:
        """Waits for the next try, or raises the error to give up with."""
        if isinstance(error, errors.DeadlineExceededError):
            left_until(deadline)  # then it is ours
        self._check_open()
        error = self._options.explain(error)
        delay = delay_after(error, back_off, self._options, deadline)
        self._waiting.wait(delay, lambda: self.is_closed)
