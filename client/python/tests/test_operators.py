"""What operators, noise and measurements become, and what is refused before it is sent."""

import numpy as np
import pytest

import tweedie
from tweedie import operators
from tweedie.v1 import operator_pb2

Op = operator_pb2.Operator


def test_parameters_mean_what_they_mean_in_deepinv() -> None:
    kept = tweedie.inpainting(0.3).message.inpainting.random_fraction
    assert kept == pytest.approx(0.7)  # deepinv's mask is the probability to keep
    assert tweedie.poisson_noise(gain=0.1).message.poisson.rate == pytest.approx(10)
    assert tweedie.gaussian_noise(0.2).message.gaussian_sigma == 0.2
    assert tweedie.downsampling(4).message.subsampling.stride == 4
    assert tweedie.super_resolution(4, "cubic").message.super_resolution.kernel == (
        Op.SuperResolution.BICUBIC
    )
    assert tweedie.tomography(30).message.tomography.num_angles == 30
    random = tweedie.mri(acceleration=4, center_fraction=0.1).message.mri.random_columns
    assert (random.acceleration, random.center_fraction) == (4, 0.1)


def test_masks_are_sent_as_they_are() -> None:
    mask = np.ones((1, 32, 32), bool)
    mask[:, 8:24] = False
    sent = tweedie.inpainting(mask).message.inpainting.mask
    np.testing.assert_array_equal(tweedie.images.from_tensor(sent), mask.astype(np.float32))


def test_deepinv_shapes_of_filters_and_masks() -> None:
    kernel = np.full((1, 1, 3, 3), 1 / 9)
    sent = tweedie.blur(kernel, padding="circular").message.blur
    assert list(sent.custom.shape) == [3, 3]
    assert sent.boundary == Op.Blur.CIRCULAR
    mask = np.zeros((1, 2, 4, 4))
    mask[..., 1:3] = 1
    assert list(tweedie.mri(mask).message.mri.mask.shape) == [4, 4]


def test_angles_may_be_told_one_by_one() -> None:
    angles = np.linspace(0, 180, 31)[:-1]
    assert tweedie.tomography(angles).message.tomography.num_angles == 30


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: tweedie.inpainting(1.5), "mask must be a probability"),
        (lambda: tweedie.inpainting(0.0), "mask must be a probability"),
        (lambda: tweedie.inpainting(0.5, pixelwise=False), "pixelwise must be True"),
        (lambda: tweedie.inpainting(np.full((4, 4), 0.5)), "mask must hold 0 and 1 only"),
        (lambda: tweedie.blur(np.ones((2, 2))), "filter must be"),
        (lambda: tweedie.blur(np.ones((3, 5))), "filter must be"),
        (lambda: tweedie.blur(np.ones((3, 3)), padding="valid"), "padding must be one of"),
        (lambda: tweedie.super_resolution(2, "gaussian"), "kernel must be one of"),
        (lambda: tweedie.downsampling(2, "bicubic"), "filter must be None"),
        (lambda: tweedie.mri(), "exactly one of mask and acceleration"),
        (lambda: tweedie.mri(np.ones((4, 4)), center_fraction=0.1), "center_fraction belongs"),
        (lambda: tweedie.mri(np.eye(8).reshape(2, 4, 8)), "the same for all images"),
        (lambda: tweedie.tomography([0.0, 90.0, 180.0]), "evenly spaced over 180 degrees"),
        (lambda: tweedie.gaussian_noise(-1), "sigma must be at least 0; was -1"),
        (lambda: tweedie.poisson_noise(0), "gain must be above 0; was 0"),
    ],
)
def test_what_cannot_be_is_refused_by_name(make: object, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        make()  # type: ignore[operator]


def test_y_gets_its_leading_dimension() -> None:
    made = operators.make_measurement(tweedie.denoising(), 0.1, np.zeros((1, 8, 8)), None)
    assert list(made.y.shape) == [1, 1, 8, 8]
    assert made.noise.gaussian_sigma == 0.1


def test_complex_samples_become_pairs() -> None:
    y = np.array([[[1 + 2j]]])
    made = operators.make_measurement(tweedie.mri(acceleration=2), None, y, None)
    np.testing.assert_array_equal(
        tweedie.images.from_tensor(made.y), np.float32([1, 2]).reshape(1, 1, 1, 1, 2)
    )
    with pytest.raises(ValueError, match=r"y must be real; complex numbers are for mri\(\)"):
        operators.make_measurement(tweedie.denoising(), None, y, None)


def test_a_measurement_has_one_source() -> None:
    x = np.zeros((1, 8, 8))
    for y, simulate_from in ((None, None), (x, x)):
        with pytest.raises(ValueError, match="exactly one of y and simulate_from"):
            operators.make_measurement(tweedie.denoising(), None, y, simulate_from)
    with pytest.raises(TypeError, match=r"operator must be one of tweedie.operators; was str"):
        operators.make_measurement("blur", None, x, None)


def test_all_that_the_api_can_say() -> None:
    message = Op(mri=Op.Mri(random_columns=Op.Mri.RandomColumns(acceleration=2)))
    made = operators.from_message(message)
    assert (made.y_dims, made.is_complex) == (5, True)
    assert repr(made) == "Operator(mri)"
