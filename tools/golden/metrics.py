#!/usr/bin/env python3
"""Golden PSNR and SSIM by scikit-image: prints the rows of tests/unit/metrics/metrics_test.cc.

The images are made of integer arithmetic that the test repeats: see pixel().

Needs scikit-image and numpy.
"""
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

SHAPES = ((1, 32, 32), (3, 24, 17), (1, 11, 11), (2, 11, 40))


def image(shape, which):
    """Multiples of 1/64 in [-1.5, 1.48]: some are clamped."""
    c, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    smooth = (x * (3 + c) + y * y) % 97
    detail = (x * 7 + y * 13 + c * 5 + which * (x * y % 11)) % 95
    return ((smooth + detail) % 192 - 96) / 64


def unit(a):
    return (np.clip(a, -1, 1) + 1) / 2


def main():
    for shape in SHAPES:
        a, b = unit(image(shape, 0)), unit(image(shape, 1))
        psnr = peak_signal_noise_ratio(b, a, data_range=1)
        ssim = structural_similarity(a, b, data_range=1, gaussian_weights=True, sigma=1.5,
                                     use_sample_covariance=False, channel_axis=0)
        print(f"    {{{{{shape[0]}, {shape[1]}, {shape[2]}}}, {psnr!r}, {ssim!r}}},"
              .replace("np.float64(", "").replace(")", ""))


if __name__ == "__main__":
    main()
