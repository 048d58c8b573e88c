"""How the server is called and followed from an event loop. See tweedie.calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

import grpc
import grpc.aio

from tweedie import calls, cursors, errors
from tweedie.retry import BackOff
from tweedie.v1.tweedie_service_pb2_grpc import TweedieStub

if TYPE_CHECKING:
    from tweedie.v1.tweedie_service_pb2_grpc import TweedieAsyncStub

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
