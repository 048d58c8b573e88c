"""The client for asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import numpy as np
import pytest
import servers

import tweedie
from tweedie import aio, errors, tasks

BOX = tweedie.inpaint_box(8, 8, 16, 16)


def run(server: servers.Server, body: Callable[[aio.AsyncClient], Awaitable[None]]) -> None:
    async def main() -> None:
        async with aio.connect(server.address) as client:
            await body(client)

    asyncio.run(main())


def test_results_are_those_of_the_other_client(
    server: servers.Server, client: tweedie.Client, clean: np.ndarray
) -> None:
    options = {"operator": BOX, "simulate_from": clean, "steps": 3, "seed": 4}

    async def body(asynchronous: aio.AsyncClient) -> None:
        job = await asynchronous.dps(**options)
        result = await job
        measured = await job.measurement()
        assert job.state is tweedie.State.SUCCEEDED
        same = client.dps(**options)
        np.testing.assert_array_equal(result.images, same.result().images)
        np.testing.assert_array_equal(measured.y, same.measurement().y)

    run(server, body)


def test_many_jobs_at_once(server: servers.Server) -> None:
    async def body(client: aio.AsyncClient) -> None:
        jobs = await asyncio.gather(*(client.sample(steps=5, seed=i) for i in range(20)))
        results = await asyncio.gather(*jobs)
        assert [result.seed for result in results] == list(range(20))

    run(server, body)


def test_progress_and_frames(server: servers.Server) -> None:
    async def body(client: aio.AsyncClient) -> None:
        job = await client.sample(2, steps=60)
        steps, frames = [], []
        async for event in job.events(frame_interval=20, kinds=("x_t",)):
            if event.progress:
                steps.append(event.progress.step)
            if event.frame:
                frames.append(event.frame)
        assert steps == sorted(steps)
        assert frames[-1].step == 60
        np.testing.assert_array_equal(frames[-1].images, (await job.result()).images)

    run(server, body)


def test_errors_and_cancelling(server: servers.Server) -> None:
    async def body(client: aio.AsyncClient) -> None:
        with pytest.raises(errors.InvalidArgumentError) as caught:
            await client.sample(process="ddim", eta=2.0)
        assert caught.value.fields == ["job.sample.process.eta"]
        with pytest.raises(errors.NotFoundError):
            await client.job("none-such")
        job = await client.sample(64)
        with pytest.raises(TimeoutError):
            await job.result(timeout=0.2)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(job.result(), 0.2)  # leaves the job alone
        assert not (await job.refresh()).is_end
        await job.cancel()
        with pytest.raises(tweedie.JobCancelledError):
            await job

    run(server, body)


def test_a_watch_goes_on_after_kill_and_restart(
    start_server: Callable[..., servers.Server],
) -> None:
    server = start_server()

    async def body(client: aio.AsyncClient) -> None:
        job = await client.sample(2, steps=400)
        killed = False
        sequences = []
        async for event in job.events():
            sequences.append(event.sequence)
            if not killed and event.progress and event.progress.step > 20:
                server.kill()
                threading.Thread(target=server.start).start()
                killed = True
        assert killed
        assert sequences == sorted(set(sequences))
        assert job.message.attempt == 2
        assert (await job.result()).images.shape == (2, 1, 32, 32)

    run(server, body)


@pytest.mark.parametrize("ordered", [True, False])
def test_batches_are_bounded(server: servers.Server, ordered: bool) -> None:
    taken = yielded = most = 0

    def todo() -> Iterator[tweedie.Task]:
        nonlocal taken, most
        for i in range(30):
            taken += 1
            most = max(most, taken - yielded)
            yield tasks.sample(steps=1, seed=i)
        yield tasks.sample(-1)

    async def body(client: aio.AsyncClient) -> None:
        nonlocal yielded
        outcomes = []
        async for outcome in client.map(todo(), in_flight=3, ordered=ordered):
            yielded += 1
            outcomes.append(outcome)
        assert sorted(one.index for one in outcomes) == list(range(31))
        assert sum(one.error is not None for one in outcomes) == 1

    run(server, body)
    assert most == 3


def test_listing(server: servers.Server) -> None:
    async def body(client: aio.AsyncClient) -> None:
        label = {"test": "aio-listing"}
        job = await client.sample(steps=1, labels=label)
        await job.wait(progress=True)
        async for event in client.watch_jobs(labels=label):
            assert event.job.name == job.name
            break
        assert (await client.server_info()).version
        await job.delete()
        assert (await client.check(tasks.sample())).num_images == 1

    run(server, body)


def test_it_has_all_that_the_other_client_has() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(tweedie.Client) - public(aio.AsyncClient) == {"child", "executor"}
    assert public(tweedie.Job) - public(aio.AsyncJob) == {"future"}


def test_models_and_jobs_are_listed(server: servers.Server) -> None:
    async def body(client: aio.AsyncClient) -> None:
        label = {"of": "test_models_and_jobs_are_listed"}
        made = [await client.sample(steps=1, labels=label) for _ in range(3)]
        for job in made:
            await job
            assert await job.done()
        found = [job async for job in client.jobs(labels=label, states=["SUCCEEDED"])]
        assert [job.name for job in found] == [job.name for job in reversed(made)]
        (model,) = await client.models()
        assert await client.model(model.name) == model

    run(server, body)


@pytest.mark.parametrize(
    ("error", "warnings"),
    [
        (errors.NotFoundError("gone"), 0),
        (errors.UnavailableError("away"), 1),
    ],
)
def test_a_job_that_cannot_be_deleted_keeps_its_result(
    server: servers.Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: errors.ServerError,
    warnings: int,
) -> None:
    async def fail(_: aio.AsyncJob) -> None:
        raise error

    async def body(client: aio.AsyncClient) -> None:
        outcomes = [one async for one in client.map([tasks.sample(steps=1)], delete=True)]
        assert outcomes[0].result.images.any()
        told = [record for record in caplog.records if record.name == "tweedie"]
        assert [record.levelname for record in told] == ["WARNING"] * warnings
        assert all(outcomes[0].job_name in record.getMessage() for record in told)

    monkeypatch.setattr(aio.AsyncJob, "delete", fail)
    run(server, body)
