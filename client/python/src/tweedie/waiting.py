"""Waiting between tries, while a connection may come about."""

from __future__ import annotations

import threading
import time
from typing import Callable

import grpc


class Waiting:
    """Those who wait for their next try on one channel. Thread-safe.

    gRPC reads from sockets only in threads that wait for it: without one, a handshake that the last
    try began would stand still until it times out. Who subscribes to a channel's state has such a
    thread, gRPC's own; that one must not meet a closed channel.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._changed = threading.Condition()
        self._number = 0  # under the lock of _changed

    def wait(self, seconds: float, is_over: Callable[[], bool]) -> None:
        """Returns after so long; earlier after wake(), if it `is_over` then."""
        with self._changed:
            if is_over():
                return
            self._number += 1
        begun = threading.Event()

        def begin(_: grpc.ChannelConnectivity) -> None:
            begun.set()

        # It would try to connect also after the end of this subscription, if it were asked to.
        self._channel.subscribe(begin, try_to_connect=False)
        try:
            with self._changed:
                self._changed.wait_for(is_over, seconds)
            begun.wait()
        finally:
            self._channel.unsubscribe(begin)
            with self._changed:
                self._number -= 1
                self._changed.notify_all()

    def wake(self) -> None:
        """Lets all look whether it is over."""
        with self._changed:
            self._changed.notify_all()

    def wake_all(self) -> None:
        """Returns when nobody waits any more. For all of them it must be over, for good."""
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._number == 0)
        self._wait_for_subscriptions_to_end()

    def _wait_for_subscriptions_to_end(self) -> None:
        # gRPC's thread finds out that nobody subscribes any more within 0.2 s, and tells nobody;
        # until then it asks the channel for its state now and then, which fails on a closed one.
        state = getattr(self._channel, "_connectivity_state", None)
        while getattr(state, "polling", False):
            time.sleep(0.01)
