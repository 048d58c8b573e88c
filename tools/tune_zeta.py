#!/usr/bin/env python3
"""Tries values of DPS's zeta on training images: where core/methods/dps_defaults.cc has its table from.

usage: tune_zeta.py IMAGES TWEEDIE --operators NAME... --zetas Z... [--objective norm|squared-norm]
                    [--count 8] [--steps 0] [--noise 0.05] [--tsv FILE]

IMAGES is a folder of images that the tables do not use (make_test_images.py --set train), TWEEDIE the client,
whose server TWEEDIE_SERVER names. Prints operator, objective, zeta, steps, images, mean PSNR in dB and its
standard error for each pair; lines that FILE already has are not run again.
"""
import argparse
import json
import pathlib
import statistics
import subprocess

OPERATORS = {
    "identity": ["--identity"],
    "inpaint-box": ["--inpaint-box", "8,8,16,16"],
    "inpaint-random": ["--inpaint-random", "0.5"],
    "sr4": ["--sr", "4"],
    "subsample2": ["--subsample", "2"],
    "blur-gaussian": ["--blur", "gaussian:9:2"],
    "blur-random": ["--blur", "random:5"],
    "mri4": ["--mri", "4x"],
    "ct30": ["--ct", "30"],
    "phase": ["--phase-retrieval"],
}


def psnrs(args, operator, zeta, images):
    """Returns the PSNR of each image of one job."""
    steps = ["--steps", str(args.steps)] if args.steps else []
    command = [args.tweedie, "--json", "dps", *OPERATORS[operator], "--noise", str(args.noise), "--zeta", str(zeta),
               "--objective", args.objective, "--seed", "1", *steps, "--simulate-from", *images]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    job = json.loads(printed.strip().splitlines()[-1])
    return [metrics["psnr"] for metrics in job["metrics"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("tweedie")
    parser.add_argument("--operators", nargs="+", choices=OPERATORS, required=True)
    parser.add_argument("--zetas", nargs="+", type=float, required=True)
    parser.add_argument("--objective", default="norm")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--noise", type=float, default=0.05)
    parser.add_argument("--tsv", type=pathlib.Path)
    args = parser.parse_args()
    images = [str(path) for path in sorted(args.images.glob("*.png"))[:args.count]]
    done = args.tsv.read_text(encoding="utf-8") if args.tsv and args.tsv.exists() else ""
    for operator in args.operators:
        for zeta in args.zetas:
            key = f"{operator}\t{args.objective}\t{zeta:g}\t{args.steps or 1000}\t{len(images)}\t"
            if key in done:
                continue
            values = psnrs(args, operator, zeta, images)
            error = statistics.stdev(values) / len(values) ** 0.5
            line = f"{key}{statistics.mean(values):.2f}\t{error:.2f}"
            print(line, flush=True)
            if args.tsv:
                with args.tsv.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")


if __name__ == "__main__":
    main()
