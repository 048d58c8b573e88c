"""Restores the same measurement by every method, and says how near each comes.

usage: restore.py [IMAGE] [--server ADDRESS] [--steps N]

IMAGE is a picture of the model's size; by default a test image of this repository.
"""

from __future__ import annotations

import argparse
import pathlib

import tweedie

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


def main() -> None:
    """Runs all methods at once, and prints a line a method as they end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = REPOSITORY / "data" / "fashion-mnist-test" / "0001.png"
    parser.add_argument("image", nargs="?", default=default)
    parser.add_argument("--server")
    parser.add_argument("--steps", type=int, default=50)
    arguments = parser.parse_args()
    box = tweedie.inpaint_box(top=8, left=8, height=16, width=16)
    noisy = {"simulate_from": arguments.image, "operator": box, "noise": 0.05, "seed": 1}
    exact = {**noisy, "noise": None}
    steps = {"steps": arguments.steps}
    tasks = [
        tweedie.tasks.sdedit(strength=0.5, **noisy, **steps),
        tweedie.tasks.ald(**noisy, **steps),
        tweedie.tasks.dps(**noisy, **steps),
        tweedie.tasks.ddnm(**noisy, **steps),
        tweedie.tasks.ddrm(**noisy, steps=20),
        tweedie.tasks.pigdm(**noisy, **steps),
        tweedie.tasks.diffpir(**noisy, **steps),
        tweedie.tasks.reddiff(**noisy, **steps),
        tweedie.tasks.repaint(resamples=2, **exact, **steps),
    ]
    with tweedie.connect(arguments.server) as client:
        for outcome in client.map(tasks, ordered=False):
            (metrics,) = outcome.result.metrics
            print(f"{outcome.task.kind:8} PSNR {metrics.psnr:6.2f} dB, SSIM {metrics.ssim:.3f}")


if __name__ == "__main__":
    main()
