"""What tasks become."""

import inspect

import numpy as np
import pytest

import tweedie
from tweedie import tasks
from tweedie.v1 import job_pb2, task_pb2

X = np.zeros((1, 1, 8, 8))
A = tweedie.denoising()


def test_options_of_a_job() -> None:
    task = tasks.sample(
        *(3,),
        model="tiny",
        seed=0,
        priority="interactive",
        labels={"a": "b"},
        class_labels=[1],
        job_id="mine",
        request_id="x",
    )
    job = task.request.job
    assert (task.kind, job.sample.num_images) == ("sample", 3)
    assert (job.model, job.HasField("seed"), job.priority) == (
        *("models/tiny", True),
        job_pb2.Job.INTERACTIVE,
    )
    assert dict(job.labels) == {"a": "b"}
    assert list(job.class_labels) == [1]
    assert (task.request.job_id, task.request.request_id) == ("mine", "x")


def test_what_is_left_out_is_left_to_the_server() -> None:
    job = tasks.sample().request.job
    assert not job.HasField("seed")
    assert not job.sample.HasField("process")
    assert not tasks.denoise(X, timestep=3).request.job.denoise.HasField("process")


def test_options_of_the_process() -> None:
    made = tasks.sample(process="ddim", steps=5, eta=0.0, spacing="trailing", clip=False)
    process = made.request.job.sample.process
    assert (process.kind, process.num_steps) == (task_pb2.ReverseProcess.DDIM, 5)
    assert process.HasField("eta")
    assert process.HasField("clip_x0")
    assert not process.clip_x0
    assert process.spacing == task_pb2.ReverseProcess.TRAILING


@pytest.mark.parametrize(
    ("make", "fields"),
    [
        (tasks.ald, {"prior": "langevin", "step_size": 0.2, "steps_per_level": 2}),
        (tasks.dps, {"zeta": 0.5, "objective": "squared-norm"}),
        (tasks.ddnm, {"eta": 0.5, "travel_length": 2, "travel_repeats": 3}),
        (tasks.ddrm, {"eta": 0.5, "eta_b": 0.25}),
        (tasks.diffpir, {"lambda_": 3.0, "zeta": 0.5}),
        (tasks.reddiff, {"learning_rate": 0.5, "prior_weight": 0.0, "data_weight": 2.0}),
        (tasks.repaint, {"jump_length": 5}),
    ],
)
def test_parameters_of_methods(make: object, fields: dict) -> None:
    task = make(X, operator=A, **fields)  # type: ignore[operator]
    message = getattr(task.request.job, task.kind)
    for name, value in fields.items():
        set_to = getattr(message, name.rstrip("_"))
        names = {"langevin": task_pb2.AldTask.LANGEVIN}
        names["squared-norm"] = task_pb2.DpsTask.SQUARED_NORM
        assert set_to == names.get(value, value), name


def test_parameters_that_are_of_the_process() -> None:
    assert tasks.pigdm(X, operator=A, eta=0.5).request.job.pigdm.process.eta == 0.5
    made = tasks.repaint(X, operator=A, variance="fixed-large", resamples=2).request.job.repaint
    assert made.process.variance == task_pb2.ReverseProcess.FIXED_LARGE
    assert made.num_resamples == 2


def test_sdedit_takes_a_guide_or_a_measurement() -> None:
    edit = tasks.sdedit(X, strength=0.3, keep_mask=np.ones((1, 8, 8)), repeats=2).request.job.sdedit
    assert (edit.WhichOneof("source"), edit.strength, edit.num_repeats) == ("guide", 0.3, 2)
    assert list(edit.keep_mask.shape) == [1, 8, 8]
    measured = tasks.sdedit(operator=A, y=X, keep_measured=True).request.job.sdedit
    assert measured.WhichOneof("source") == "measurement"
    assert measured.keep_measured
    for wrong in ({}, {"y": X}, {"guide": X, "operator": A}, {"guide": X, "noise": 0.1}):
        with pytest.raises(ValueError, match="guide"):
            tasks.sdedit(**wrong)


def test_names_that_are_wrong_are_told_near_ones() -> None:
    with pytest.raises(TypeError, match=r"dps\(\) takes no step; did you mean steps\?"):
        tasks.dps(X, operator=A, step=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"ddrm\(\) takes no process"):
        tasks.ddrm(X, operator=A, process="ddim")  # type: ignore[call-arg]


def test_values_that_are_wrong_are_named() -> None:
    with pytest.raises(ValueError, match="process must be one of ddpm, ddim, dpm-solver; was x"):
        tasks.sample(process="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed"):
        tasks.sample(seed=-1)
    with pytest.raises(TypeError, match="num_steps"):
        tasks.sample(steps="many")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="exactly one of timestep and noise_sigma"):
        tasks.denoise(X)


def test_methods_of_clients_have_the_parameters_of_tasks() -> None:
    for client in (tweedie.Client, tweedie.aio.AsyncClient):
        for name in ("sample", "denoise", "sdedit", "ald", "dps", "repaint"):
            method = inspect.signature(getattr(client, name)).parameters
            assert ["self", *inspect.signature(getattr(tasks, name)).parameters] == list(method)
            assert getattr(client, name).__doc__ == getattr(tasks, name).__doc__
