"""Clients that are closed while calls wait for their next try."""

from __future__ import annotations

import random
import threading
import time

import pytest

import tweedie
from tweedie import errors

NOBODY = "127.0.0.1:1"
TRYING = tweedie.RetryPolicy(first_delay=0.01, max_delay=60.0, give_up_after=3600.0)


# That of another test would be blamed on this one otherwise, and the other way round.
@pytest.fixture(autouse=True)
def no_thread_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    yield
    assert not failures


def call(client: tweedie.Client, ended: list[str]) -> None:
    try:
        client.server_info()
    except errors.CallCancelledError as error:
        ended.append(str(error))


def test_close_ends_those_who_wait_and_no_thread_fails() -> None:
    moments = random.Random(1)
    for _ in range(40):
        client = tweedie.connect(NOBODY, retry=TRYING)
        ended: list[str] = []
        threads = [threading.Thread(target=call, args=(client, ended)) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(moments.uniform(0, 0.3))  # the moment is what is tried
        client.close()
        for thread in threads:
            thread.join(10)
        assert ended == ["the client is closed"] * 3


def test_a_child_that_is_aborted_waits_no_more() -> None:
    with tweedie.connect(NOBODY, retry=TRYING) as client:
        child = client.child()
        ended: list[str] = []
        thread = threading.Thread(target=call, args=(child, ended))
        thread.start()
        child.calls.abort()
        thread.join(10)
        assert ended == ["the client is closed"]
