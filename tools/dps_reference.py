#!/usr/bin/env python3
"""DPS by a plain PyTorch loop of the authors' rule: what `tweedie dps` is compared with.

usage: dps_reference.py IMAGES MODEL OPERATOR ZETA [--count 32] [--sigma 0.05] [--seed 1] [--batch 8] [--steps N]
                        [--tsv FILE] [--images-tsv FILE]

OPERATOR: box (16x16 in the middle missing) or blur (9x9 Gaussian, std 2, reflected edges).

For t = T-1 .. 0 (with --steps: N timesteps, evenly from T-1 to 0), from x_T ~ N(0, I): x0_hat = clamp((x_t - sqrt(1 - abar) eps) / sqrt(abar), -1, 1), inside
the graph; x' an ancestral step of it, to the next timestep, with the variance beta-tilde; then x = x' - zeta
grad ||A(x0_hat) - y||, the norm of each image alone (Chung et al., 2023, as in their code with batch 1). The noise, that of the
measurement too, is drawn by tweedie's noise contract (golden/noise.py), so that image i is restored from the
same numbers as image i of `tweedie dps --seed SEED --spacing linspace`. Prints the mean PSNR, its standard error,
and seconds an image; --images-tsv has a line an image.

Needs diffusers 0.42.1, torch 2.15.0, numpy and pillow.
"""
import argparse
import fractions
import pathlib
import sys
import time

import diffusers
import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parent / "golden"))
import noise
from tweedie_psnr_reference import load_images, psnr

SIDE = 9
STD = 2.0


def gaussian_kernel():
    u = torch.arange(SIDE, dtype=torch.float64) - SIDE // 2
    line = torch.exp(-u ** 2 / (2 * STD ** 2))
    kernel = torch.outer(line, line)
    return (kernel / kernel.sum()).float()[None, None]


def box(x):
    mask = torch.ones_like(x)
    mask[..., 8:24, 8:24] = 0
    return x * mask


def blur(x):
    pad = SIDE // 2
    return F.conv2d(F.pad(x, (pad,) * 4, mode="reflect"), gaussian_kernel())


def draws_for(seed, first, shape):
    """Returns a function of step and purpose: normals of `shape` [n, C, H, W], for the images from `first` on."""
    return lambda step, purpose: torch.from_numpy(
        noise.image_normals(seed, shape[0], step, purpose, shape[1:], first=first))


def measure(operator, clean, sigma, draws):
    """y = A(x) + noise, only where something is measured."""
    added = sigma * draws(0, noise.MEASUREMENT)
    return operator(clean) + (box(added) if operator is box else added)


def step(unet, abars, x, t, before, operator, y, zeta, z):
    """Returns x at the timestep `before` (-1: the end) of x [n, C, H, W] at t."""
    abar = abars[t]
    abar_before = abars[before] if before >= 0 else torch.tensor(1.0)
    x = x.detach().requires_grad_()
    eps = unet(x, t).sample
    x0_hat = ((x - (1 - abar).sqrt() * eps) / abar.sqrt()).clamp(-1, 1)
    residual = (y - operator(x0_hat)).flatten(1).norm(dim=1)
    gradient, = torch.autograd.grad(residual.sum(), x)
    beta = 1 - abar / abar_before
    mean = (abar_before.sqrt() * beta * x0_hat + (1 - beta).sqrt() * (1 - abar_before) * x) / (1 - abar)
    sigma = ((1 - abar_before) / (1 - abar) * beta).sqrt()
    return (mean + sigma * z - zeta * gradient).detach()


def kept_timesteps(total, steps):
    """Descending, `steps` of range(total), first and last among them (numerics.md, LINSPACE)."""
    return [round(fractions.Fraction(i * (total - 1), steps - 1)) for i in reversed(range(steps))]


def restore(unet, abars, timesteps, y, operator, zeta, draws):
    x = draws(0, noise.INITIAL)
    for i, (t, before) in enumerate(zip(timesteps, [*timesteps[1:], -1])):
        z = draws(i, noise.STEP) if before >= 0 else 0
        x = step(unet, abars, x, t, before, operator, y, zeta, z)
    return x


def append(path, lines):
    """Adds lines to a file, if there is one to be written."""
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images")
    parser.add_argument("model")
    parser.add_argument("operator", choices=("box", "blur"))
    parser.add_argument("zeta", type=float)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--sigma", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--tsv", type=pathlib.Path)
    parser.add_argument("--images-tsv", type=pathlib.Path)
    args = parser.parse_args()
    unet = diffusers.UNet2DModel.from_pretrained(args.model).eval().requires_grad_(False)
    abars = diffusers.DDPMScheduler.from_pretrained(args.model).alphas_cumprod
    timesteps = kept_timesteps(len(abars), args.steps or len(abars))
    operator = {"box": box, "blur": blur}[args.operator]
    clean = torch.from_numpy(load_images(args.images, args.count))

    def measure_and_restore(first, rows):
        draws = draws_for(args.seed, first, rows.shape)
        y = measure(operator, rows, args.sigma, draws)
        return restore(unet, abars, timesteps, y, operator, args.zeta, draws)

    begin = time.monotonic()
    restored = torch.cat([measure_and_restore(i * args.batch, rows)
                          for i, rows in enumerate(clean.split(args.batch))])
    seconds = (time.monotonic() - begin) / len(clean)
    values = psnr(restored.numpy(), clean.numpy())
    error = values.std(ddof=1) / len(values) ** 0.5
    line = f"{args.operator}\t{args.zeta}\t{len(clean)}\t{values.mean():.3f}\t{error:.3f}\t{seconds:.1f}"
    print("# operator\tzeta\timages\tpsnr_db\tstandard_error\tseconds_an_image\n" + line)
    append(args.tsv, [line])
    append(args.images_tsv, [f"{args.operator}\t{args.zeta}\t{len(timesteps)}\t{i}\t{value:.4f}"
                             for i, value in enumerate(values)])


if __name__ == "__main__":
    main()
