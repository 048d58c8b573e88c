"""Forward operators A and the noise of measurements y = noise(A(x)), for images in [-1, 1].

Where deepinv has an operator, its parameters have deepinv's names and meaning here (`mask`,
`filter`, `padding`, `factor`, `angles`, `sigma`, `gain`, ...), but for the range of images, which
is usually [0, 1] there, so that its sigma is half of ours. What the server cannot do is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, Optional, Union

import numpy as np
import numpy.typing as npt

from tweedie import images
from tweedie.v1 import operator_pb2

Padding = Literal["reflect", "circular", "constant"]
_BOUNDARIES = {
    "reflect": operator_pb2.Operator.Blur.REFLECT,
    "circular": operator_pb2.Operator.Blur.CIRCULAR,
    "constant": operator_pb2.Operator.Blur.ZERO,
}
_KERNELS = {
    "bicubic": operator_pb2.Operator.SuperResolution.BICUBIC,
    "cubic": operator_pb2.Operator.SuperResolution.BICUBIC,
    "average": operator_pb2.Operator.SuperResolution.AVERAGE,
}


@dataclasses.dataclass(frozen=True)
class Operator:
    """A forward operator. Made by the functions of this module.

    Attributes:
        message: As the API has it.
        y_dims: Dimensions of a measurement with its leading N.
        is_complex: Whether y may be given as complex numbers.
    """

    message: operator_pb2.Operator
    y_dims: int = 4
    is_complex: bool = False

    def __repr__(self) -> str:
        return f"Operator({self.message.WhichOneof('kind')})"


@dataclasses.dataclass(frozen=True)
class Noise:
    """The noise of a measurement. Made by gaussian_noise() and poisson_noise()."""

    message: operator_pb2.NoiseModel


def gaussian_noise(sigma: float = 0.1) -> Noise:
    """White noise of standard deviation `sigma`, for images in [-1, 1] (deepinv: GaussianNoise)."""
    _check(sigma >= 0, "sigma", "at least 0", sigma)
    return Noise(operator_pb2.NoiseModel(gaussian_sigma=sigma))


def poisson_noise(gain: float = 1.0) -> Noise:
    """Poisson counts of the image in [0, 1] over `gain`, times `gain` (deepinv: PoissonNoise)."""
    _check(gain > 0, "gain", "above 0", gain)
    poisson = operator_pb2.NoiseModel.Poisson(rate=1.0 / gain)
    return Noise(operator_pb2.NoiseModel(poisson=poisson))


def denoising() -> Operator:
    """The image itself (deepinv: Denoising)."""
    return Operator(operator_pb2.Operator(identity=operator_pb2.Operator.Identity()))


def inpainting(mask: Union[float, images.ArrayLike], pixelwise: bool = True) -> Operator:
    """Keeps some pixels and sets the others to 0 (deepinv: Inpainting).

    Args:
        mask: The probability of a pixel to be kept, drawn once from the job's seed; or an array of
            1 (kept) and 0, broadcastable to [N, C, H, W], one for all images.
        pixelwise: Whether all channels of a pixel share their fate; a random mask must be so.
    """
    inner = operator_pb2.Operator.Inpainting()
    if np.ndim(images.to_array(mask)) == 0:
        kept = float(mask)
        _check(0 < kept <= 1, "mask", "a probability in (0, 1], or an array", kept)
        if not pixelwise:
            raise ValueError("pixelwise must be True for a random mask: pass the mask as an array")
        inner.random_fraction = 1.0 - kept
    else:
        inner.mask.CopyFrom(images.to_tensor(_mask(mask, "mask"), "mask"))
    return Operator(operator_pb2.Operator(inpainting=inner))


def inpaint_box(top: int, left: int, height: int, width: int) -> Operator:
    """A rectangle of pixels is missing."""
    box = operator_pb2.Operator.Inpainting.Box(top=top, left=left, height=height, width=width)
    inner = operator_pb2.Operator.Inpainting(box=box)
    return Operator(operator_pb2.Operator(inpainting=inner))


def super_resolution(
    factor: int = 2, kernel: Literal["bicubic", "cubic", "average"] = "bicubic"
) -> Operator:
    """Lowers the resolution (deepinv: DownsamplingMatlab, whose kernel is "cubic").

    Args:
        factor: At least 2; divides height and width.
        kernel: Antialiased bicubic as MATLAB's imresize; or the mean of each block.
    """
    inner = operator_pb2.Operator.SuperResolution(
        factor=factor, kernel=_choose(_KERNELS, kernel, "kernel")
    )
    return Operator(operator_pb2.Operator(super_resolution=inner))


def downsampling(factor: int = 2, filter: None = None) -> Operator:
    """Keeps every `factor`-th pixel (deepinv: Downsampling with filter=None)."""
    if filter is not None:
        raise ValueError("filter must be None: see super_resolution(), or blur() alone")
    inner = operator_pb2.Operator.Subsampling(stride=factor)
    return Operator(operator_pb2.Operator(subsampling=inner))


def blur(filter: images.ArrayLike, padding: Padding = "reflect") -> Operator:
    """Convolves each channel with a filter: a point becomes the filter (deepinv: Blur, BlurFFT).

    Args:
        filter: [k, k] or [1, 1, k, k], k odd; used as given.
        padding: What lies outside: "reflect" (the edge is not repeated), "circular", or "constant"
            for 0. (deepinv's "valid" and "replicate" are not served.)
    """
    kernel = images.to_float32(filter, "filter")
    if kernel.ndim == 4 and kernel.shape[:2] == (1, 1):
        kernel = kernel[0, 0]
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or kernel.shape[0] % 2 == 0:
        raise ValueError(f"filter must be [k, k] or [1, 1, k, k], k odd; was {kernel.shape}")
    return _blur(padding, custom=images.to_tensor(kernel, "filter"))


def gaussian_blur(size: int, sigma: float, padding: Padding = "reflect") -> Operator:
    """Blurs with an isotropic Gaussian of `size` x `size` pixels, odd, and deviation `sigma`."""
    return _blur(padding, gaussian=operator_pb2.Operator.Blur.Gaussian(size=size, sigma=sigma))


def motion_blur(size: int, intensity: float = 0.5, padding: Padding = "reflect") -> Operator:
    """Blurs along a random path, drawn from the job's seed; `intensity` in [0, 1] bends it."""
    motion = operator_pb2.Operator.Blur.Motion(size=size, intensity=intensity)
    return _blur(padding, motion=motion)


def random_blur(size: int, padding: Padding = "reflect") -> Operator:
    """Blurs with `size` x `size` uniform weights, odd, drawn from the job's seed."""
    return _blur(padding, random_size=size)


def mri(
    mask: Optional[images.ArrayLike] = None,
    *,
    acceleration: Optional[float] = None,
    center_fraction: Optional[float] = None,
) -> Operator:
    """Fourier samples of each channel (deepinv: MRI, RandomMaskGenerator).

    y is [N, C, H, W, 2], or [N, C, H, W] of complex numbers; 0 where not measured. The image's
    origin is its first pixel: k-space of deepinv or fastMRI goes by from_centred_kspace().

    Args:
        mask: 1 where measured, broadcastable to [H, W], the zero frequency in the middle.
        acceleration: Instead of a mask: width over measured columns, above 1; random columns beside
            a full centre, drawn from the job's seed.
        center_fraction: Of columns in the middle that are always measured.
    """
    if (mask is None) == (acceleration is None):
        raise ValueError("exactly one of mask and acceleration is required")
    inner = operator_pb2.Operator.Mri()
    if acceleration is not None:
        inner.random_columns.acceleration = acceleration
        if center_fraction is not None:
            inner.random_columns.center_fraction = center_fraction
    elif center_fraction is not None:
        raise ValueError("center_fraction belongs to acceleration, not to a mask")
    else:
        inner.mask.CopyFrom(images.to_tensor(_mri_mask(mask), "mask"))
    return Operator(operator_pb2.Operator(mri=inner), y_dims=5, is_complex=True)


def from_centred_kspace(y: images.ArrayLike) -> npt.NDArray[np.complex64]:
    """Returns Fourier samples of an image whose origin is in its middle as mri() has them.

    Args:
        y: Complex, [..., H, W], the zero frequency in the middle, as of deepinv (whose channels are
            real and imaginary part) and fastMRI.
    """
    samples = images.to_array(y)
    for axis in (-2, -1):
        n = samples.shape[axis]
        phase = np.exp(-2j * np.pi * (np.arange(n) - n // 2) * (n // 2) / n)
        samples = samples * np.expand_dims(phase, tuple(range(axis + 1, 0)))
    return samples.astype(np.complex64)


def tomography(angles: Union[int, Sequence[float]], num_detectors: int = 0) -> Operator:
    """Parallel-beam line integrals (deepinv: Tomography).

    y is [N, C, angles, detectors], sums of samples over max(H, W).

    Args:
        angles: How many, evenly spaced over 180 degrees from 0; or these angles in degrees.
        num_detectors: Bins of one pixel; as many as the diagonal needs if 0.
    """
    inner = operator_pb2.Operator.Tomography(
        num_angles=_count_angles(angles), num_detectors=num_detectors
    )
    return Operator(operator_pb2.Operator(tomography=inner))


def phase_retrieval(padding: float = 0.25) -> Operator:
    """Magnitudes of the Fourier transform of the image in [0, 1], padded by `padding` a side."""
    inner = operator_pb2.Operator.PhaseRetrieval(padding=padding)
    return Operator(operator_pb2.Operator(phase_retrieval=inner))


def decolorize() -> Operator:
    """Loses colour: 0.299 R + 0.587 G + 0.114 B (deepinv: Decolorize)."""
    return Operator(operator_pb2.Operator(grayscale=operator_pb2.Operator.Grayscale()))


def from_message(message: operator_pb2.Operator) -> Operator:
    """Returns an operator of the API as one of this package: all that operator.proto can say."""
    is_mri = message.WhichOneof("kind") == "mri"
    return Operator(message, y_dims=5 if is_mri else 4, is_complex=is_mri)


def make_measurement(
    operator: Operator,
    noise: Union[Noise, float, None],
    y: Optional[images.ImagesLike],
    simulate_from: Optional[images.ImagesLike],
) -> operator_pb2.Measurement:
    """Returns the message of a measurement.

    Raises:
        ValueError: If not exactly one of y and simulate_from is given, or one cannot be right.
    """
    if not isinstance(operator, Operator):
        raise TypeError(f"operator must be one of tweedie.operators; was {type(operator).__name__}")
    if (y is None) == (simulate_from is None):
        raise ValueError("exactly one of y and simulate_from is required")
    measurement = operator_pb2.Measurement(forward_operator=operator.message)
    if noise is not None:
        model = noise if isinstance(noise, Noise) else gaussian_noise(noise)
        measurement.noise.CopyFrom(model.message)
    if simulate_from is not None:
        made = images.make_images(simulate_from, "simulate_from", clean=True)
        measurement.simulate_from.CopyFrom(made)
    else:
        measurement.y.CopyFrom(images.to_tensor(_measured(operator, y), "y"))
    return measurement


def _measured(operator: Operator, y: images.ImagesLike) -> images.ArrayLike:
    """Returns y with real numbers and its leading N."""
    array = images.picture_array(y, "y")
    if array.dtype.kind == "c":
        if not operator.is_complex:
            raise ValueError("y must be real; complex numbers are for mri()")
        array = np.stack([array.real, array.imag], axis=-1)
    return array[None] if array.ndim == operator.y_dims - 1 else array


def _blur(padding: str, **kernel: Any) -> Operator:
    inner = operator_pb2.Operator.Blur(boundary=_choose(_BOUNDARIES, padding, "padding"), **kernel)
    return Operator(operator_pb2.Operator(blur=inner))


def _mask(mask: images.ArrayLike, name: str) -> images.FloatArray:
    array = images.to_float32(mask, name)
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} must hold 0 and 1 only")
    return array


def _mri_mask(mask: images.ArrayLike) -> images.FloatArray:
    """Returns [H, W]; deepinv's masks have leading dimensions that are all alike."""
    array = _mask(mask, "mask")
    while array.ndim > 2:
        if not (array == array[:1]).all():
            raise ValueError("mask must be the same for all images and channels")
        array = array[0]
    return array


def _count_angles(angles: Union[int, Sequence[float]]) -> int:
    if isinstance(angles, int):
        return angles
    given = np.asarray(images.to_array(angles), np.float64)
    even = np.arange(given.size) * (180.0 / max(given.size, 1))
    if given.ndim != 1 or not np.allclose(given, even, atol=1e-3):
        raise ValueError("angles must be evenly spaced over 180 degrees from 0, the end left out")
    return int(given.size)


def _choose(table: dict[str, Any], value: str, name: str) -> Any:
    if value not in table:
        raise ValueError(f"{name} must be one of {', '.join(table)}; was {value}")
    return table[value]


def _check(holds: bool, name: str, what: str, value: float) -> None:
    if not holds:
        raise ValueError(f"{name} must be {what}; was {value}")
