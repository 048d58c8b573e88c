#!/usr/bin/env python3
"""PSNR of one-shot Tweedie denoising, computed by diffusers: the reference of the README's table.

usage: tweedie_psnr_reference.py IMAGES MODEL [--count N] [--draws N] [--tsv FILE]

For each timestep t: x_t = sqrt(abar) x0 + sqrt(1 - abar) z,
x0_hat = (x_t - sqrt(1 - abar) eps(x_t, t)) / sqrt(abar), not clipped. For the PSNR both images are
clamped to [-1, 1] and mapped to [0, 1]; it is taken image by image in float64, then averaged. z is
NumPy's (PCG64, seed 0), so the noise levels are tweedied's but the draws are not. With --draws the
table also holds the standard deviation, over draws, of the mean over images: how far two honest
runs may differ.

Needs diffusers 0.42.1, torch 2.15.0, numpy and pillow.
"""
import argparse
import pathlib

import diffusers
import numpy as np
import torch
from PIL import Image

TIMESTEPS = (30, 100, 300, 500)
BATCH = 64


def load_images(folder, count):
    """Returns float32 [N, 1, H, W] in [-1, 1]."""
    paths = sorted(pathlib.Path(folder).glob("*.png"))[:count]
    pixels = np.stack([np.asarray(Image.open(path).convert("L")) for path in paths])
    return (pixels.astype(np.float64) / 127.5 - 1).astype(np.float32)[:, None]


def psnr(estimate, clean):
    """Returns float64 [N], in dB."""
    a, b = ((np.clip(v.astype(np.float64), -1, 1) + 1) / 2 for v in (estimate, clean))
    return -10 * np.log10(((a - b) ** 2).mean(axis=(1, 2, 3)))


@torch.no_grad()
def denoise(unet, x_t, t, abar):
    """Returns x0_hat of float32 [N, C, H, W]."""
    x = torch.from_numpy(x_t)
    eps = torch.cat([unet(rows, t).sample for rows in x.split(BATCH)])
    return ((x - (1 - abar) ** 0.5 * eps) / abar ** 0.5).numpy()


def measure(unet, abars, clean, draws):
    """Yields (t, noisy PSNR, mean PSNR over images and draws, its deviation over draws)."""
    random = np.random.default_rng(0)
    for t in TIMESTEPS:
        abar = abars[t].item()
        noisy, means = [], []
        for _ in range(draws):
            z = random.standard_normal(clean.shape, dtype=np.float32)
            x_t = np.float32(abar ** 0.5) * clean + np.float32((1 - abar) ** 0.5) * z
            noisy.append(psnr(x_t / np.float32(abar ** 0.5), clean).mean())
            means.append(psnr(denoise(unet, x_t, t, abar), clean).mean())
        yield t, np.mean(noisy), np.mean(means), np.std(means, ddof=1) if draws > 1 else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images")
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--tsv", type=pathlib.Path)
    args = parser.parse_args()
    unet = diffusers.UNet2DModel.from_pretrained(args.model).eval()
    abars = diffusers.DDPMScheduler.from_pretrained(args.model).alphas_cumprod
    clean = load_images(args.images, args.count)
    lines = [f"# One-shot Tweedie denoising of {len(clean)} images by diffusers {diffusers.__version__},"
             f" mean of {args.draws} noise draws: tools/tweedie_psnr_reference.py",
             "# timestep\tnoisy_db\tdenoised_db\tstddev_over_draws_db"]
    lines += [f"{t}\t{noisy:.2f}\t{mean:.2f}\t{deviation:.3f}"
              for t, noisy, mean, deviation in measure(unet, abars, clean, args.draws)]
    print("\n".join(lines))
    if args.tsv:
        args.tsv.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
