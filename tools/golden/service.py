#!/usr/bin/env python3
"""Golden images of whole jobs: diffusers' UNet2DModel and DDPMScheduler on models of
tests/golden/network/v1, with noise by the contract (noise.py).

usage: service.py FOLDER     (tests/golden/service/v1)

FOLDER/MODEL.f32 holds the images, [n, C, H, W], float32, little-endian. tests/integration/models_test.cc
asks the server for the same.

Needs diffusers 0.42.1, torch 2.15.0 and numpy.
"""
import argparse
import pathlib

import diffusers
import torch

import noise
from methods import SEED, ddpm_step
from rules import T, kept_timesteps

MODELS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "network" / "v1"
STEPS = 10
IMAGES = 3


@torch.no_grad()
def run(folder, class_labels=None):
    network = diffusers.UNet2DModel.from_pretrained(folder)
    scheduler = diffusers.DDPMScheduler.from_pretrained(folder)
    shape = (network.config.in_channels, network.config.sample_size, network.config.sample_size)
    kept = kept_timesteps("leading", T, STEPS)
    scheduler.set_timesteps(timesteps=kept)
    x = torch.from_numpy(noise.image_normals(SEED, IMAGES, 0, noise.INITIAL, shape))
    for i, t in enumerate(kept):
        out = network(x, t, class_labels).sample
        z = torch.from_numpy(noise.image_normals(SEED, IMAGES, i, noise.STEP, shape))
        x, _ = ddpm_step(scheduler, out, t, x, z if i + 1 < len(kept) else torch.zeros_like(z))
    return x


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    out = parser.parse_args().folder
    out.mkdir(parents=True, exist_ok=True)
    labels = {"class-conditional": torch.tensor([3, 7, 0]), "learned-variance": None}
    for name, classes in labels.items():
        images = run(MODELS / name, classes)
        (out / f"{name}.f32").write_bytes(images.numpy().astype("<f4").tobytes())
        print(name, tuple(images.shape), float(images.min()), float(images.max()))


if __name__ == "__main__":
    main()
