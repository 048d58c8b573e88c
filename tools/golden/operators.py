#!/usr/bin/env python3
"""Golden measurements of the forward operators of operator.proto, in float64 by NumPy and SciPy from
the proto's text.

usage: operators.py FOLDER     (tests/golden/operators/v1)

operators.safetensors holds the images `x`, the numbers that cases need (masks, kernels) and, for
each case, A(x) as `NAME.y`, and for some A^T y0 as `NAME.adjoint` of `NAME.y0`, from the transposed
matrix of the reference itself. Random masks and kernels are drawn by the noise contract (noise.py).

Where deepinv's definition coincides it must agree within TOLERANCE: its convolution (a true one,
for all three boundaries), its MATLAB-like bicubic downsampling, inpainting, and MRI (whose image has
its origin in the middle too, hence after a shift of the image). Pillow's bicubic reduction has the
same weights away from the edges. deepinv's tomography and phase retrieval are other operators.

Needs deepinv 0.5.0, torch 2.15.0, numpy, scipy, pillow and safetensors.
"""
import argparse
import pathlib

import deepinv
import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from scipy import ndimage

import noise

TOLERANCE = 1e-5
SHAPE = (3, 12, 8)
SEED = 4321
OPERATOR = 3  # NoisePurpose::kOperator
MODES = {"reflect": "mirror", "circular": "wrap", "zero": "constant"}  # SciPy's names


def per_plane(images, function):
    return np.stack([[function(plane) for plane in image] for image in images])


def require_close(name, ours, theirs):
    error = abs(ours - np.asarray(theirs, np.float64)).max()
    assert error < TOLERANCE, f"{name}: off by {error}"
    print(f"{name}: agrees within {error:.1e}")


# Super-resolution


def imresize_matrix(side, factor):
    """MATLAB's `contributions`: [side / factor, side], by its steps, counting pixels from 1."""

    def cubic(v):
        a = abs(v)
        near = 1.5 * a ** 3 - 2.5 * a ** 2 + 1
        far = -0.5 * a ** 3 + 2.5 * a ** 2 - 4 * a + 2
        return near * (a <= 1) + far * ((a > 1) & (a <= 2))

    scale = 1 / factor
    out = np.arange(1, side // factor + 1)
    u = out / scale + 0.5 * (1 - 1 / scale)
    width = 4 / scale
    left = np.floor(u - width / 2)
    indices = left[:, None] + np.arange(int(np.ceil(width)) + 2)
    weights = scale * cubic(scale * (u[:, None] - indices))
    weights /= weights.sum(1, keepdims=True)
    mirrored = np.concatenate([np.arange(side), np.arange(side)[::-1]])
    matrix = np.zeros((side // factor, side))
    for row, (at, weight) in enumerate(zip(indices.astype(int), weights)):
        np.add.at(matrix[row], mirrored[(at - 1) % (2 * side)], weight)
    return matrix


def bicubic(images, factor):
    rows, columns = (imresize_matrix(side, factor) for side in images.shape[2:])
    return per_plane(images, lambda plane: rows @ plane @ columns.T)


def check_bicubic(x):
    for factor in (2, 4):
        physics = deepinv.physics.DownsamplingMatlab(factor=factor)
        theirs = physics.A(torch.tensor(x)).numpy()
        require_close(f"bicubic {factor}, deepinv", bicubic(x, factor), theirs)
    large = np.random.default_rng(5).normal(size=(1, 1, 64, 48))
    small = Image.fromarray(large[0, 0].astype(np.float32)).resize((24, 32), Image.Resampling.BICUBIC)
    require_close("bicubic 2, Pillow", bicubic(large, 2)[0, 0, 2:-2, 2:-2],
                  np.asarray(small)[2:-2, 2:-2])


def average(images, factor):
    n, c, h, w = images.shape
    return images.reshape(n, c, h // factor, factor, w // factor, factor).mean((3, 5))


# Blur


def convolve(images, kernel, boundary):
    return per_plane(images, lambda plane: ndimage.convolve(plane, kernel, mode=MODES[boundary]))


def check_convolution(x, kernel):
    names = {"reflect": "reflect", "circular": "circular", "zero": "constant"}
    for boundary, name in names.items():
        theirs = deepinv.physics.functional.conv2d(
            torch.tensor(x), torch.tensor(kernel)[None, None], padding=name)
        require_close(f"convolution {boundary}, deepinv", convolve(x, kernel, boundary), theirs)


def gaussian_kernel(size, sigma):
    d = np.arange(size) - size // 2
    profile = np.exp(-d ** 2 / (2 * sigma ** 2))
    return np.outer(profile, profile) / profile.sum() ** 2


def uniforms(seed, count):
    """core/noise/uniform.h: 52 bits of two words each."""
    blocks = np.arange((count + 1) // 2, dtype=np.uint64)
    zero = np.zeros_like(blocks)
    words = noise.philox((blocks, zero, zero, zero + np.uint64(OPERATOR)),
                         (seed & 0xFFFFFFFF, seed >> 32))
    pairs = np.stack([words[0] << np.uint64(20) | words[1] >> np.uint64(12),
                      words[2] << np.uint64(20) | words[3] >> np.uint64(12)], 1).reshape(-1)[:count]
    return (pairs.astype(np.float64) + 0.5) * 2.0 ** -52


def random_kernel(size, seed):
    kernel = uniforms(seed, size * size).reshape(size, size)
    return kernel / kernel.sum()


def motion_kernel(size, intensity, seed):
    """The rule of core/operators/blur_kernels.h, with complex numbers for directions."""
    count = 4 * size
    z = noise.normals(seed, 0, 0, OPERATOR, count=count + 2).astype(np.float64)
    turns = np.clip(intensity * np.pi * z[2:] / np.sqrt(count), -np.pi / 4, np.pi / 4)
    directions = (z[0] + 1j * z[1]) / abs(z[0] + 1j * z[1]) * np.exp(1j * np.cumsum(turns))
    path = np.concatenate([[0], np.cumsum(directions)]) * (size - 1) / count
    rows, columns = path.real, path.imag
    kernel = np.zeros((size, size))
    grid = np.arange(size) - size // 2
    for row, column in zip(rows - (rows.min() + rows.max()) / 2,
                           columns - (columns.min() + columns.max()) / 2):
        kernel += np.outer(np.maximum(1 - abs(grid - row), 0), np.maximum(1 - abs(grid - column), 0))
    return kernel / kernel.sum()


# Fourier


def mri(images, mask):
    k_space = np.fft.fftshift(np.fft.fft2(images, norm="ortho"), (-2, -1)) * mask
    return np.stack([k_space.real, k_space.imag], -1)


def check_mri(x, mask):
    h, w = mask.shape
    physics = deepinv.physics.MRI(mask=torch.tensor(mask), img_size=(2, h, w))
    plane = np.fft.fftshift(x[0, 0])  # deepinv's transform takes its middle as the origin
    theirs = physics.A(torch.tensor(np.stack([plane, 0 * plane])[None])).numpy()
    require_close("mri, deepinv", mri(x, mask)[0, 0], np.moveaxis(theirs[0], 0, -1))


def random_columns(width, acceleration, center_fraction, seed):
    count, centre = round(width / acceleration), round(width * center_fraction)
    u = uniforms(seed, width)
    u[(width - centre + 1) // 2:][:centre] = 0
    mask = np.zeros(width)
    mask[np.argsort(u, kind="stable")[:count]] = 1
    return mask


def phase_retrieval(images, padding):
    rows, columns = int(padding * images.shape[2]), int(padding * images.shape[3])
    padded = np.pad((images + 1) / 2, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
    return abs(np.fft.fftshift(np.fft.fft2(padded, norm="ortho"), (-2, -1)))


# Tomography


def tomography(images, num_angles, num_detectors=0):
    h, w = images.shape[2:]
    d = num_detectors or int(np.ceil(np.hypot(h, w)))
    s = np.arange(d) - (d - 1) / 2
    k = s[None, :]

    def project(plane):
        projections = []
        for theta in np.arange(num_angles) * np.pi / num_angles:
            columns = (w - 1) / 2 + s[:, None] * np.cos(theta) - k * np.sin(theta)
            rows = (h - 1) / 2 + s[:, None] * np.sin(theta) + k * np.cos(theta)
            samples = ndimage.map_coordinates(plane, [rows, columns], order=1, mode="grid-constant")
            projections.append(samples.sum(1) / max(h, w))
        return np.stack(projections)

    return per_plane(images, project)


def grayscale(images):
    return (images * np.array([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdims=True)


def transposed(operator, y0):
    """A^T y0 for one y0, by the matrix of `operator`."""
    units = np.eye(int(np.prod(SHAPE))).reshape(-1, *SHAPE)
    return (operator(units).reshape(len(units), -1) @ y0.reshape(-1)).reshape(SHAPE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    rng = np.random.default_rng(20240607)
    x = rng.uniform(-1, 1, (2, *SHAPE)).astype(np.float32).astype(np.float64)
    kernel = rng.normal(size=(5, 5)).astype(np.float32).astype(np.float64)
    mask = (rng.uniform(size=SHAPE) < 0.5).astype(np.float64)
    k_mask = (rng.uniform(size=SHAPE[1:]) < 0.5).astype(np.float64)
    check_bicubic(x)
    check_convolution(x, kernel)
    check_mri(x, k_mask)
    require_close("inpainting, deepinv", x * mask,
                  deepinv.physics.Inpainting(SHAPE, mask=torch.tensor(mask)).A(torch.tensor(x)))

    kept = (uniforms(SEED, 96) >= 0.6).reshape(SHAPE[1:]).astype(np.float64)
    columns = random_columns(SHAPE[2], 2, 0.25, SEED)
    cases = {
        "inpainting_mask": lambda v: v * mask,
        "inpainting_random": lambda v: v * kept,
        "subsampling_2": lambda v: v[:, :, ::2, ::2],
        "bicubic_2": lambda v: bicubic(v, 2),
        "bicubic_4": lambda v: bicubic(v, 4),
        "average_2": lambda v: average(v, 2),
        "gaussian_reflect": lambda v: convolve(v, gaussian_kernel(7, 1.3), "reflect"),
        "motion_zero": lambda v: convolve(v, motion_kernel(9, 0.5, SEED), "zero"),
        "random_circular": lambda v: convolve(v, random_kernel(3, SEED), "circular"),
        "custom_reflect": lambda v: convolve(v, kernel, "reflect"),
        "custom_circular": lambda v: convolve(v, kernel, "circular"),
        "custom_zero": lambda v: convolve(v, kernel, "zero"),
        "mri_mask": lambda v: mri(v, k_mask),
        "mri_columns": lambda v: mri(v, np.broadcast_to(columns, SHAPE[1:])),
        "tomography": lambda v: tomography(v, 7),
        "tomography_narrow": lambda v: tomography(v, 5, 9),
        "phase_retrieval": lambda v: phase_retrieval(v, 0.25),
        "grayscale": grayscale,
    }
    tensors = {"x": x, "kernel": kernel, "mask": mask, "k_mask": k_mask,
               "motion_kernel": motion_kernel(15, 0.8, SEED)}
    for name, operator in cases.items():
        tensors[f"{name}.y"] = operator(x)
        if name == "phase_retrieval":
            continue
        y0 = rng.normal(size=tensors[f"{name}.y"].shape[1:])
        tensors[f"{name}.y0"] = y0
        tensors[f"{name}.adjoint"] = transposed(operator, y0)
    contiguous = {name: np.ascontiguousarray(t, np.float64) for name, t in tensors.items()}
    for name in ("x", "kernel", "mask", "k_mask"):
        contiguous[name] = contiguous[name].astype(np.float32)
    save_file(contiguous, folder / "operators.safetensors")


if __name__ == "__main__":
    main()
