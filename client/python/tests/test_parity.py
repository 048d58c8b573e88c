"""Comparisons with other libraries; those that need one run where it is installed."""

import math

import numpy as np
import pytest
import servers
from PIL import Image

import tweedie
from tweedie import parity


def test_equal_images_have_no_noise() -> None:
    x = np.ones((1, 1, 2, 2))
    assert parity.compare(x, x).psnr == math.inf
    assert str(parity.compare(x, x)) == "PSNR inf dB, max difference 0"


def test_psnr_by_hand() -> None:
    compared = parity.compare(np.zeros(4), np.array([0.2, 0, 0, 0]))
    assert compared.max_difference == pytest.approx(0.2)
    assert compared.psnr == pytest.approx(10 * math.log10(4 / 0.01))


def test_shapes_must_be_equal() -> None:
    with pytest.raises(ValueError, match=r"were \[2\] and \[3\]"):
        parity.compare(np.zeros(2), np.zeros(3))


def test_outputs_of_pipelines() -> None:
    class Output:
        images = np.full((2, 4, 4, 3), 0.5)

    assert parity.from_pipeline(Output()).shape == (2, 3, 4, 4)
    assert float(np.abs(parity.from_pipeline(Output())).max()) == 0.0
    pictures = Output()
    pictures.images = [Image.new("L", (4, 4), 255)]  # type: ignore[assignment]
    np.testing.assert_array_equal(parity.from_pipeline(pictures), np.ones((1, 1, 4, 4)))


def test_side_by_side(client: tweedie.Client, clean: np.ndarray) -> None:
    task = tweedie.tasks.denoise(clean, timestep=10)
    ours = client.submit(task).result().images
    compared = parity.side_by_side(client, task, lambda: (ours + 1) / 2, convert=parity.from_unit)
    assert compared.max_difference < 1e-6
    assert compared.seconds is not None
    assert " s against " in str(compared)


def test_tweedie_and_ddim_of_diffusers(client: tweedie.Client, clean: np.ndarray) -> None:
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    noise = np.random.default_rng(3).normal(size=clean.shape).astype(np.float32)
    noisy = (0.9 * clean + 0.4 * noise).astype(np.float32)
    task = tweedie.tasks.denoise(noisy, timestep=40)
    compared = parity.side_by_side(
        client, task, lambda: parity.diffusers_denoise(servers.MODEL, noisy, 40)
    )
    assert compared.max_difference < 1e-4, compared
    task = tweedie.tasks.denoise(noisy, timestep=40, process="ddim", eta=0.0, clip=True)
    compared = parity.side_by_side(
        client, task, lambda: parity.diffusers_ddim(servers.MODEL, noisy, 40)
    )
    assert compared.max_difference < 1e-3, compared


def test_operators_of_deepinv(client: tweedie.Client, clean: np.ndarray) -> None:
    physics = pytest.importorskip("deepinv", reason="deepinv is not installed").physics
    torch = pytest.importorskip("torch", reason="torch is not installed")
    mask = torch.ones(1, 32, 32)
    mask[:, 8:24, 4:20] = 0
    kernel = physics.blur.gaussian_blur(sigma=(1.0, 2.0), angle=30)
    cases = [
        (physics.Denoising(), tweedie.denoising()),
        (physics.Inpainting((1, 32, 32), mask=mask), tweedie.inpainting(mask)),
        (physics.Blur(kernel, padding="reflect"), tweedie.blur(kernel, padding="reflect")),
        (physics.BlurFFT((1, 32, 32), kernel), tweedie.blur(kernel, padding="circular")),
        (
            physics.Downsampling(img_size=(1, 32, 32), filter=None, factor=4),
            tweedie.downsampling(4),
        ),
        (physics.DownsamplingMatlab(factor=4), tweedie.super_resolution(4, "cubic")),
    ]
    for theirs, ours in cases:
        compared = parity.deepinv_operator(client, theirs, ours, clean)
        assert compared.max_difference < 1e-5, (ours, compared)
    theirs = physics.Tomography(angles=12, img_width=32, normalize=False)
    turned = physics.LinearPhysics(A=lambda x: theirs.A(x.flip(-2)))  # its angles turn otherwise
    compared = parity.deepinv_operator(
        *(client, turned, tweedie.tomography(12), clean),
        convert=lambda y: y.transpose(-1, -2) / 32,  # [angles, detectors], over max(H, W)
    )
    assert compared.max_difference < 1e-4, compared


def test_mri_of_deepinv(client: tweedie.Client, clean: np.ndarray) -> None:
    physics = pytest.importorskip("deepinv", reason="deepinv is not installed").physics
    torch = pytest.importorskip("torch", reason="torch is not installed")
    columns = (torch.arange(32) % 3 == 0).float().expand(32, 32)
    theirs = physics.MRI(mask=columns, img_size=(2, 32, 32))
    x = torch.from_numpy(clean)
    real, imaginary = theirs.A(torch.cat([x, torch.zeros_like(x)], 1)).numpy().swapaxes(0, 1)
    y = tweedie.operators.from_centred_kspace(real + 1j * imaginary)
    task = {"operator": tweedie.mri(columns), "simulate_from": clean, "steps": 1}
    ours = client.ddnm(**task).measurement().y
    compared = parity.compare(ours, np.stack([y.real, y.imag], -1)[:, None])
    assert compared.max_difference < 1e-5, compared
