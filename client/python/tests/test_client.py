"""The client against a real server: results, errors, and the life of jobs."""

from __future__ import annotations

import concurrent.futures
import inspect
import io
import json
import pathlib
import re
import subprocess

import grpc
import numpy as np
import pytest
import servers
from PIL import Image

import tweedie
from tweedie import errors, tasks
from tweedie.v1 import job_pb2

BOX = tweedie.inpaint_box(8, 8, 16, 16)


def run_cli(server: servers.Server, *arguments: str) -> list[dict]:
    done = subprocess.run(
        [servers.TWEEDIE, "--server", server.address, *arguments, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_images_have_the_bits_of_the_command_line(
    server: servers.Server, client: tweedie.Client, tmp_path: pathlib.Path
) -> None:
    photo = servers.IMAGES / "0003.png"
    run_cli(
        *(server, "dps", "--simulate-from", str(photo), "--inpaint-box", "8,8,16,16"),
        *("--noise", "0.05", "--steps", "5", "--samples", "2", "--seed", "7"),
        *("--out", str(tmp_path / "out")),
    )
    job = client.dps(operator=BOX, simulate_from=photo, noise=0.05, steps=5, samples=2, seed=7)
    result = job.result()
    # NumPy files of the exact values: y, and of the results mean and deviation.
    np.testing.assert_array_equal(np.load(tmp_path / "out/measurement.npy"), job.measurement().y)
    samples = result.samples().astype(np.float64)
    mean = samples.mean(axis=1).astype(np.float32)
    np.testing.assert_array_equal(np.load(tmp_path / "out/mean.npy"), mean)
    for i, picture in enumerate(result.pil()):
        theirs = np.asarray(Image.open(tmp_path / f"out/{i:04}.png"))
        np.testing.assert_array_equal(theirs, np.asarray(picture))


def test_results_follow_from_the_seed(client: tweedie.Client) -> None:
    first, again, other = (client.sample(2, steps=3, seed=s).result() for s in (0, 0, 1))
    assert first.images.shape == (2, 1, 32, 32)
    assert first.images.dtype == np.float32
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert (first.seed, other.seed) == (0, 1)


def test_the_server_says_what_it_chose(client: tweedie.Client, clean: np.ndarray) -> None:
    job = client.dps(operator=BOX, simulate_from=clean, steps=2)
    assert job.message.seed != 0
    assert job.message.dps.zeta > 0
    assert job.name.startswith("jobs/")
    assert job.wait() is tweedie.State.SUCCEEDED


METHODS = {
    "sdedit": {"strength": 0.01},
    "ald": {},
    "dps": {"zeta": 0.3},
    "ddnm": {"eta": 0.5},
    "ddrm": {"eta_b": 0.9},
    "pigdm": {"eta": 0.9},
    "diffpir": {"lambda_": 5.0},
    "reddiff": {"learning_rate": 0.05},
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_restores(client: tweedie.Client, clean: np.ndarray, method: str) -> None:
    more = METHODS[method]
    submit = getattr(client, method)
    job = submit(operator=BOX, simulate_from=clean, noise=0.1, steps=3, **more)
    result = job.result()
    assert result.images.shape == clean.shape
    assert result.job.WhichOneof("task") == method
    for one in result.metrics:
        assert one.psnr is not None
        assert one.residual is not None
        assert one.lpips is None


def test_repaint_keeps_what_was_measured(client: tweedie.Client, clean: np.ndarray) -> None:
    mask = np.ones((1, 32, 32))
    mask[:, 8:24, 8:24] = 0
    job = client.repaint(
        *(clean * mask,), operator=tweedie.inpainting(mask), steps=2, jump_length=1, resamples=1
    )
    np.testing.assert_array_equal(job.result().images * mask, (clean * mask).astype(np.float32))


def test_denoising(client: tweedie.Client, clean: np.ndarray) -> None:
    result = client.denoise(clean, timestep=100, add_noise=True, seed=1).result()
    assert min(one.psnr or 0 for one in result.metrics) > 20
    by_process = client.denoise(clean, noise_sigma=0.1, process="ddim", steps=2).result()
    assert by_process.images.shape == clean.shape


def test_sdedit_of_a_guide(client: tweedie.Client, clean: np.ndarray) -> None:
    keep = np.zeros((1, 32, 32))
    keep[:, :16] = 1
    result = client.sdedit(clean, strength=0.01, steps=2, keep_mask=keep).result()
    np.testing.assert_array_equal(result.images[:, :, :16], clean[:, :, :16])


OPERATORS = {
    "denoising": (tweedie.denoising(), (2, 1, 32, 32)),
    "inpainting": (tweedie.inpainting(0.5), (2, 1, 32, 32)),
    "mask": (tweedie.inpainting(np.tri(32)[None]), (2, 1, 32, 32)),
    "inpaint_box": (BOX, (2, 1, 32, 32)),
    "super_resolution": (tweedie.super_resolution(4), (2, 1, 8, 8)),
    "average": (tweedie.super_resolution(2, "average"), (2, 1, 16, 16)),
    "downsampling": (tweedie.downsampling(2), (2, 1, 16, 16)),
    "blur": (tweedie.blur(np.full((3, 3), 1 / 9)), (2, 1, 32, 32)),
    "gaussian_blur": (tweedie.gaussian_blur(9, 2.0, padding="circular"), (2, 1, 32, 32)),
    "motion_blur": (tweedie.motion_blur(9, padding="constant"), (2, 1, 32, 32)),
    "random_blur": (tweedie.random_blur(5), (2, 1, 32, 32)),
    "mri": (tweedie.mri(acceleration=4), (2, 1, 32, 32, 2)),
    "mri_mask": (tweedie.mri(np.tri(32)), (2, 1, 32, 32, 2)),
    "tomography": (tweedie.tomography(10), (2, 1, 10, 46)),
    "phase_retrieval": (tweedie.phase_retrieval(0.25), (2, 1, 48, 48)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_measures_and_takes_what_it_measured(
    client: tweedie.Client, clean: np.ndarray, name: str
) -> None:
    operator, shape = OPERATORS[name]
    job = client.dps(operator=operator, simulate_from=clean, steps=2, seed=5)
    measured = job.measurement()
    assert measured.y.shape == shape
    assert (measured.previews[0] is None) == (name == "phase_retrieval")
    simulated = job.result()
    given = client.dps(measured.y, operator=operator, steps=2, seed=5).result()
    np.testing.assert_array_equal(simulated.images, given.images)


def test_decolorize_is_for_colour(client: tweedie.Client, clean: np.ndarray) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="3") as caught:
        client.dps(operator=tweedie.decolorize(), simulate_from=clean)
    assert "grayscale" in caught.value.fields[0]


def test_complex_samples_are_taken(client: tweedie.Client, clean: np.ndarray) -> None:
    operator = tweedie.mri(np.ones((32, 32)))
    y = np.fft.fftshift(np.fft.fft2(clean, norm="ortho"), axes=(-2, -1))
    simulated = client.ddnm(operator=operator, simulate_from=clean, steps=1).measurement().y
    np.testing.assert_allclose(simulated[..., 0] + 1j * simulated[..., 1], y, atol=1e-4)
    result = client.ddnm(y, operator=operator, steps=2).result()
    np.testing.assert_allclose(result.images, clean, atol=1e-3)
    middle = np.fft.ifftshift(clean, axes=(-2, -1))  # the image's origin in its middle
    centred = np.fft.fftshift(np.fft.fft2(middle, norm="ortho"), axes=(-2, -1))
    np.testing.assert_allclose(tweedie.operators.from_centred_kspace(centred), y, atol=1e-6)


def test_pictures_and_files_serve_as_images(client: tweedie.Client, clean: np.ndarray) -> None:
    path = servers.IMAGES / "0000.png"
    for given in (path, str(path), path.read_bytes(), Image.open(path), clean[:1], clean[0]):
        job = client.check(tasks.denoise(given, timestep=1))
        assert job.num_images == 1
    y = client.dps(Image.open(path), operator=BOX, steps=1, seed=1).measurement().y
    np.testing.assert_array_equal(y[:, :, :8], clean[:1, :, :8])


@pytest.mark.parametrize(
    ("submit", "field"),
    [
        (lambda c, x: c.sample(process="ddim", eta=2.0), "job.sample.process.eta"),
        (lambda c, x: c.sample(-1), "job.sample.num_images"),
        (lambda c, x: c.sample(labels={"A": "b"}), "job.labels"),
        (lambda c, x: c.denoise(x[:, :, :16], timestep=1), "job.denoise.images"),
        (lambda c, x: c.denoise(x, timestep=5000), "job.denoise.timestep"),
        (lambda c, x: c.sdedit(x, strength=2.0), "job.sdedit.strength"),
        (lambda c, x: c.dps(x[..., :16], operator=BOX), "job.dps.measurement.y"),
        (
            lambda c, x: c.dps(operator=tweedie.gaussian_blur(9, -1), simulate_from=x),
            "job.dps.measurement.forward_operator.blur.gaussian.sigma",
        ),
        (
            lambda c, x: c.ddrm(operator=tweedie.tomography(9), simulate_from=x),
            "job.ddrm.measurement.forward_operator",
        ),
        (lambda c, x: c.sample(job_id="!"), "job_id"),
        (lambda c, x: c.sample(request_id="no uuid"), "request_id"),
    ],
)
def test_bad_input_names_the_field(
    client: tweedie.Client, clean: np.ndarray, submit: object, field: str
) -> None:
    with pytest.raises(errors.InvalidArgumentError) as caught:
        submit(client, clean)  # type: ignore[operator]
    error = caught.value
    assert error.fields[0].startswith(field), error
    assert error.fields[0] in str(error)
    assert error.details.domain == "tweedie"
    assert error.reason == "INVALID_ARGUMENT"
    assert isinstance(error, ValueError)
    assert not error.is_retryable


def test_errors_by_their_code(client: tweedie.Client) -> None:
    with pytest.raises(errors.NotFoundError):
        client.job("none-such")
    with pytest.raises(errors.NotFoundError, match="models/none"):
        client.sample(model="none")
    with pytest.raises(LookupError):
        client.model("none")
    client.sample(steps=1, job_id="taken-id").wait()
    with pytest.raises(errors.AlreadyExistsError) as caught:
        client.sample(steps=2, job_id="taken-id")
    assert caught.value.code == grpc.StatusCode.ALREADY_EXISTS


def test_a_repeated_request_makes_no_second_job(client: tweedie.Client) -> None:
    task = tasks.sample(steps=1, request_id="11111111-1111-4111-8111-111111111111")
    assert client.submit(task).name == client.submit(task).name
    anew = tasks.sample(steps=1)
    assert client.submit(anew).name != client.submit(anew).name


def test_check_makes_no_job(client: tweedie.Client) -> None:
    before = len(list(client.jobs(labels={"test": "check"})))
    checked = client.check(tasks.sample(4, steps=1, labels={"test": "check"}))
    assert checked.num_images == 4
    assert len(list(client.jobs(labels={"test": "check"}))) == before == 0


def test_cancelling(client: tweedie.Client) -> None:
    job = client.sample(64)
    watch = job.events()
    next(watch)
    job.cancel()
    assert [event.job.state for event in watch if event.job][-1] == job_pb2.Job.CANCELLED
    with pytest.raises(tweedie.JobCancelledError, match=rf"{job.name} was cancelled") as caught:
        job.result()
    assert caught.value.job.name == job.name
    assert job.cancel() is tweedie.State.CANCELLED  # again: no error


def test_a_timeout_leaves_the_job_running(client: tweedie.Client) -> None:
    job = client.sample(64)
    try:
        with pytest.raises(TimeoutError, match="it goes on"):
            job.result(timeout=0.2)
        assert not job.done()
    finally:
        job.cancel()


def test_a_job_that_diverges_is_an_error(client: tweedie.Client, clean: np.ndarray) -> None:
    job = client.dps(operator=BOX, simulate_from=clean, zeta=1e30, steps=20, clip=False)
    with pytest.raises(tweedie.JobFailedError, match="DIVERGED") as caught:
        job.result()
    assert caught.value.reason == "DIVERGED"


def test_progress_ascends_to_the_end(client: tweedie.Client, clean: np.ndarray) -> None:
    job = client.dps(operator=BOX, simulate_from=clean, steps=6)
    events = list(job.events())
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    assert events[-1].job is not None
    assert events[-1].job.progress.num_steps == 6
    assert events[-1].time.tzinfo is not None
    assert list(job.progress()) == []  # of an ended job its state alone


def test_frames(client: tweedie.Client) -> None:
    job = client.sample(3, steps=40)
    frames = list(job.frames(interval=10, kinds=("x0_hat", "x_t"), max_images=2))
    assert frames[-1].step == 40
    assert {frame.kind for frame in frames} == set(tweedie.FrameKind)
    for frame in frames:
        assert frame.images.shape == (2, 1, 32, 32)
        assert len(frame.pil()) == 2
    last = [frame for frame in frames if frame.kind is tweedie.FrameKind.X_T][-1]
    np.testing.assert_array_equal(last.images, job.result().images[:2])
    with pytest.raises(ValueError, match="x1"):
        list(job.frames(kinds=("x1",)))


def test_rounded_frames_are_near(client: tweedie.Client) -> None:
    job = client.sample(1, steps=20)
    frame = list(job.frames(interval=20, kinds=("x_t",), exact=False))[-1]
    near = np.clip(job.result().images, -1, 1)
    assert float(np.abs(frame.images - near).max()) <= 0.5 / 127.5 + 1e-6


def test_images_one_by_one(client: tweedie.Client) -> None:
    job = client.sample(3, steps=1)
    result = job.result()
    np.testing.assert_array_equal(np.stack(list(job.images(start=1))), result.images[1:])
    again = client.job(job.name.split("/")[1])
    assert again.state is tweedie.State.SUCCEEDED
    np.testing.assert_array_equal(again.result().images, result.images)


def test_images_of_a_job_that_has_not_ended(client: tweedie.Client) -> None:
    job = client.sample(64)
    try:
        with pytest.raises(errors.FailedPreconditionError):
            next(job.images())
        with pytest.raises(errors.FailedPreconditionError):
            job.delete()
    finally:
        job.cancel()


def test_deleting(client: tweedie.Client) -> None:
    job = client.sample(steps=1)
    job.wait()
    job.delete()
    with pytest.raises(errors.NotFoundError):
        job.refresh()


def test_futures(client: tweedie.Client) -> None:
    jobs = [client.sample(steps=steps, seed=1) for steps in (9, 1, 3)]
    futures = {job.future(): job for job in jobs}
    for future in concurrent.futures.as_completed(futures, timeout=60):
        assert future.result().name == futures[future].name
    failed = client.sample(64)
    future = failed.future()
    failed.cancel()
    assert isinstance(future.exception(timeout=60), tweedie.JobCancelledError)


def test_listing_and_watching_jobs(client: tweedie.Client) -> None:
    label = {"test": "listing"}
    made = [client.sample(steps=1, labels=label) for _ in range(3)]
    for job in made:
        job.wait()
    listed = [job.name for job in client.jobs(labels=label, states=("SUCCEEDED",))]
    assert listed == [job.name for job in reversed(made)]
    assert list(client.jobs(labels=label, states=[tweedie.State.FAILED])) == []
    seen = []
    for event in client.watch_jobs(labels=label):
        if event.listing_complete:
            break
        seen.append(event.job.name)
    assert sorted(seen) == sorted(listed)


def test_the_server_and_its_models(client: tweedie.Client) -> None:
    info = client.server_info()
    assert info.max_images_per_job > 0
    (model,) = client.models()
    assert model == client.model("fashion-mnist-32")
    assert list(model.image_shape) == [1, 32, 32]
    assert client.set_log_level("warning") == "warning"


def test_versions_agree() -> None:
    cmake = (servers.REPOSITORY / "CMakeLists.txt").read_text()
    assert re.search(r"VERSION (\S+)", cmake.split("project(")[1]).group(1) == tweedie.__version__


def test_the_package_is_typed() -> None:
    assert (pathlib.Path(tweedie.__file__).parent / "py.typed").exists()
    assert inspect.signature(tweedie.connect).return_annotation == "Client"


def test_a_closed_client_says_so(server: servers.Server) -> None:
    client = tweedie.connect(server.address)
    job = client.sample(64)
    other = tweedie.connect(server.address)
    future = job.future()
    client.close()
    try:
        with pytest.raises(errors.CallCancelledError, match="the client is closed"):
            client.server_info()
        assert isinstance(future.exception(timeout=10), errors.CallCancelledError)
    finally:
        other.job(job.name).cancel()
        other.close()


def test_nobody_there(tmp_path: pathlib.Path) -> None:
    patience = tweedie.RetryPolicy(give_up_after=0.3)
    with tweedie.connect(f"unix:{tmp_path}/none", retry=patience) as client:
        with pytest.raises(errors.UnavailableError) as caught:
            client.server_info()
        assert isinstance(caught.value, ConnectionError)


def test_bars(client: tweedie.Client, capsys: pytest.CaptureFixture) -> None:
    job = client.sample(steps=5)
    job.result(progress=True)
    assert re.search(rf"{job.name} SUCCEEDED: 100%.* 5/5", capsys.readouterr().err)
    todo = [tasks.sample(steps=1), tasks.sample(-1)]
    outcomes = list(client.map(todo, progress=True))
    assert [outcome.error is None for outcome in outcomes] == [True, False]
    assert re.search(r"2/2.*failed=1", capsys.readouterr().err)


def test_html_of_jobs_and_results(client: tweedie.Client) -> None:
    job = client.sample(3, steps=2)
    result = job.result()
    assert "SUCCEEDED, 2 of 2 steps" in job._repr_html_()
    assert repr(result) == f"<Result {job.name} images [3, 1, 32, 32]>"
    html = result._repr_html_()
    data = re.search(r'alt="result" .*src="data:image/png;base64,([^"]+)"', html)
    assert data is not None
    import base64

    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(data.group(1)))))
    assert strip.shape == (32, 3 * 32 + 2 * 2)
    np.testing.assert_array_equal(strip[:, :32], np.asarray(result.pil()[0]))
