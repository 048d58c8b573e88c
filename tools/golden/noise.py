#!/usr/bin/env python3
"""The noise contract of tweedie in NumPy, written from its description and not from the C++.

usage: noise.py HEADER      writes the golden vectors of tests/unit/noise

normals(seed, image, step, purpose, inner, count): Philox4x32-10 (Salmon et al., 2011) with key =
seed (low word, high word) and counter = (block, image, step, purpose | inner << 16); words 0, 1 and
words 2, 3 of a block each give two normals by Box and Muller. Only correctly rounded float64
operations in a fixed order, rounded to float32 once, so that every machine finds the same bits.
"""
import argparse
import math
import pathlib

import numpy as np

INITIAL, STEP, GUIDE, MEASUREMENT, RENOISE = 0, 1, 2, 4, 6  # purposes
U32 = np.uint64(0xFFFFFFFF)
LN2 = 0.6931471805599453
HALF_PI = 1.5707963267948966


def philox(counter, key):
    """Four uint64 arrays of 32-bit words, from four such arrays and two ints."""
    c0, c1, c2, c3 = (np.asarray(c, np.uint64) for c in counter)
    k0, k1 = (np.uint64(k) for k in key)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> np.uint64(32)) ^ c1 ^ k0, p1 & U32, \
            (p0 >> np.uint64(32)) ^ c3 ^ k1, p0 & U32
        k0 = (k0 + np.uint64(0x9E3779B9)) & U32
        k1 = (k1 + np.uint64(0xBB67AE85)) & U32
    return c0, c1, c2, c3


def horner(coefficients, g):
    p = np.full_like(g, coefficients[0])
    for c in coefficients[1:]:
        p = p * g + c
    return p


def log(u):
    """u = 2^k m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh((m - 1) / (m + 1))."""
    sqrt_half = np.uint64(0x3FE6A09E667F3BCD)
    shifted = u.view(np.uint64) + (np.uint64(0x3FF0000000000000) - sqrt_half)
    k = (shifted >> np.uint64(52)).astype(np.float64) - 1023.0
    m = ((shifted & np.uint64(0x000FFFFFFFFFFFFF)) + sqrt_half).view(np.float64)
    f = (m - 1.0) / (m + 1.0)
    return k * LN2 + (f + f) * horner([1.0 / n for n in range(21, 0, -2)], f * f)


def sin_of_small(y):
    g = y * y
    p = horner([(-1.0) ** (n // 2) / math.factorial(n) for n in range(15, 1, -2)], g)
    return y + y * (p * g)


def cos_of_small(y):
    return horner([(-1.0) ** (n // 2) / math.factorial(n) for n in range(16, -1, -2)], y * y)


def box_muller(radius_word, angle_word):
    u = (radius_word.astype(np.float64) + 0.5) * 2.0 ** -32
    radius = np.sqrt(-2.0 * log(u))
    part = ((angle_word & np.uint64(0x3FFFFFFF)).astype(np.float64) + 0.5) * 2.0 ** -30 - 0.5
    s, c = sin_of_small(part * HALF_PI), cos_of_small(part * HALF_PI)
    quadrant = (angle_word >> np.uint64(30)).astype(np.int64)
    x = np.choose(quadrant, [c, -s, -c, s])
    y = np.choose(quadrant, [s, c, -s, -c])
    return (radius * x).astype(np.float32), (radius * y).astype(np.float32)


def normals(seed, image, step, purpose, inner=0, count=1):
    """float32 [count]."""
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    words = philox((blocks, np.full_like(blocks, image), np.full_like(blocks, step),
                    np.full_like(blocks, purpose | inner << 16)), (seed & 0xFFFFFFFF, seed >> 32))
    return np.stack(box_muller(*words[:2]) + box_muller(*words[2:]), axis=1).reshape(-1)[:count]


def image_normals(seed, num_images, step, purpose, shape, inner=0, first=0):
    """float32 [num_images, *shape], for the images from `first` on."""
    count = int(np.prod(shape))
    rows = [normals(seed, i, step, purpose, inner, count) for i in range(first, first + num_images)]
    return np.stack(rows).reshape((num_images, *shape))


CASES = [  # seed, image, step, purpose, inner
    (0, 0, 0, INITIAL, 0),
    (42, 3, 999, STEP, 0),
    (0xFEDCBA9876543210, 0xFFFFFFFF, 0xFFFFFFFE, 5, 0xFFFF),
    (1 << 32, 1, 2, GUIDE, 7),
]
COUNT = 23      # of each case: not a multiple of a block
LONG = 1 << 20  # of the checksum: as many chunks as there are, at the first case's key


def checksum(values):
    """A sum that depends on each bit and its place, modulo 2^64."""
    bits = values.view(np.uint32).astype(np.uint64)
    places = np.arange(1, bits.size + 1, dtype=np.uint64)
    return int(((bits + np.uint64(1)) * (places * np.uint64(0x9E3779B97F4A7C15))).sum())


def header():
    lines = ["// Written by tools/golden/noise.py; do not edit.", "// clang-format off",
             "#ifndef TWEEDIE_TESTS_UNIT_DIFFUSION_NOISE_GOLDEN_H_",
             "#define TWEEDIE_TESTS_UNIT_DIFFUSION_NOISE_GOLDEN_H_", "", "#include <array>",
             "#include <cstdint>", "", "namespace tweedie {", "", "struct NoiseGolden {",
             "  uint64_t seed;", "  uint32_t image, step, purpose, inner;",
             f"  std::array<uint32_t, {COUNT}> bits;  // of the float32 normals", "};", "",
             f"inline constexpr std::array<NoiseGolden, {len(CASES)}> kNoiseGolden = {{{{"]
    for seed, image, step, purpose, inner in CASES:
        bits = normals(seed, image, step, purpose, inner, COUNT).view(np.uint32)
        lines.append(f"    {{{seed:#x}u, {image:#x}u, {step:#x}u, {purpose}u, {inner:#x}u,")
        words = [f"{b:#010x}u" for b in bits]
        for i in range(0, COUNT, 7):
            lines.append(("     {{" if i == 0 else "       ") + ", ".join(words[i:i + 7])
                         + ("," if i + 7 < COUNT else "}}},"))
    lines += ["}};", "", "// Of the first many normals of the first case.",
              f"inline constexpr uint32_t kNoiseChecksumCount = {LONG};",
              f"inline constexpr uint64_t kNoiseChecksum = "
              f"{checksum(normals(*CASES[0], count=LONG)):#x}u;", "", "}  // namespace tweedie", "",
              "#endif  // TWEEDIE_TESTS_UNIT_DIFFUSION_NOISE_GOLDEN_H_", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("header", type=pathlib.Path)
    parser.parse_args().header.write_text(header())


if __name__ == "__main__":
    main()
