"""Breaks: a server that is killed in mid-watch, and one that drains."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
import servers

import tweedie
from tweedie import calls, cursors, errors
from tweedie.v1 import job_pb2, tensor_pb2
from tweedie.v1 import tweedie_service_pb2 as pb

# Enough that the job still runs when the watch has been taken up again after a kill.
STEPS = 400


def undisturbed(client: tweedie.Client) -> np.ndarray:
    return client.sample(2, steps=STEPS, seed=3).result().images


def test_a_watch_goes_on_after_kill_and_restart(
    client: tweedie.Client, start_server: Callable[..., servers.Server]
) -> None:
    server = start_server()
    with tweedie.connect(server.address) as disturbed:
        job = disturbed.sample(2, steps=STEPS, seed=3)
        sequences: list[int] = []
        kills = 0
        for event in job.events():
            sequences.append(event.sequence)
            at = event.progress.step if event.progress else 0
            if kills < 2 and at > (kills + 1) * 30:
                server.kill()
                threading.Thread(target=server.start).start()
                kills += 1
        assert kills == 2
        assert sequences == sorted(set(sequences))
        assert job.state is tweedie.State.SUCCEEDED
        assert job.message.attempt == 3
        np.testing.assert_array_equal(job.result().images, undisturbed(client))


def test_submits_and_futures_go_on_after_a_restart(
    start_server: Callable[..., servers.Server],
) -> None:
    server = start_server()
    patience = tweedie.RetryPolicy(give_up_after=120)  # a busy machine may start it slowly
    with tweedie.connect(server.address, retry=patience) as client:
        first = client.sample(2, steps=100)
        future = first.future()
        server.kill()
        threading.Thread(target=server.start).start()
        second = client.sample(steps=1)  # while it is away
        assert second.result().images.shape == (1, 1, 32, 32)
        assert future.result(timeout=300).name == first.name
        assert len(list(client.jobs())) == 2


def test_a_drained_server_is_waited_for(start_server: Callable[..., servers.Server]) -> None:
    server = start_server()
    with tweedie.connect(server.address) as client:
        job = client.sample(2, steps=80)
        restarted = False
        for progress in job.progress():
            if not restarted and progress.step > 20:
                server.stop()
                threading.Thread(target=server.start).start()
                restarted = True
        assert restarted
        assert job.state is tweedie.State.SUCCEEDED


def test_a_server_that_stays_away_is_given_up(
    start_server: Callable[..., servers.Server],
) -> None:
    server = start_server()
    patience = tweedie.RetryPolicy(give_up_after=0.5)
    with tweedie.connect(server.address, retry=patience, resume=patience) as client:
        job = client.sample(64)
        watch = job.events()
        next(watch)
        server.kill()
        with pytest.raises(errors.UnavailableError):
            list(watch)


def watched(sequence: int, state: job_pb2.Job.State) -> pb.WatchJobResponse:
    return pb.WatchJobResponse(sequence=sequence, job=job_pb2.Job(state=state))


def test_what_a_resumed_watch_repeats_is_left_out() -> None:
    cursor = cursors.JobCursor(pb.WatchJobRequest())
    running = job_pb2.Job.RUNNING
    assert cursor.take(watched(7, running)) is cursors.Step.PROGRESS
    assert cursor.request.after_sequence == 7
    assert cursor.take(watched(7, running)) is cursors.Step.NOTHING_NEW
    assert cursor.take(watched(9, running)) is cursors.Step.PROGRESS
    assert cursor.take(watched(9, job_pb2.Job.SUCCEEDED)) is cursors.Step.LAST


def image(index: int) -> pb.ReadJobImagesResponse:
    return pb.ReadJobImagesResponse(index=index, images=tensor_pb2.Images())


def test_images_are_taken_up_with_the_next_one() -> None:
    cursor = cursors.ImagesCursor(pb.ReadJobImagesRequest())
    beyond = errors.OutOfRangeError("beyond")
    assert not cursor.is_end(beyond)
    cursor.take(image(0))
    assert cursor.request.start_index == 1
    assert cursor.is_end(beyond)  # it broke after the last one
    with pytest.raises(errors.InternalError, match="sent image 2, not 1"):
        cursor.take(image(2))


def test_measurements_begin_anew_and_leave_out_what_has_come() -> None:
    cursor = cursors.MeasurementCursor(pb.ReadJobMeasurementRequest())
    steps = [cursor.take(pb.ReadJobMeasurementResponse(index=i)) for i in (0, 1, 0, 1, 2)]
    new, old = cursors.Step.PROGRESS, cursors.Step.NOTHING_NEW
    assert steps == [new, new, old, old, new]


def test_a_deadline_that_has_passed() -> None:
    assert calls.left_until(None) is None
    with pytest.raises(TimeoutError):
        calls.left_until(0.0)
