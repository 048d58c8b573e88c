#!/usr/bin/env python3
"""Compares two methods image by image over the images that both restored.

usage: compare_methods.py RESULTS_CSV METHOD OTHER

RESULTS_CSV is what `tweedie evaluate` writes. Methods that were run over a
different number of images in one plan have names like `SDEdit, 32 images`: OTHER
matches by its first words. Prints a Markdown table: for each operator the mean
difference of PSNR, METHOD less OTHER, its standard error, and on how many images
METHOD is ahead.
"""

import csv
import math
import sys
from collections import defaultdict


def psnr_by_image(path):
    """PSNR in dB by (operator, noise), method and image."""
    table = defaultdict(lambda: defaultdict(dict))
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            table[row["operator"], row["noise"]][row["method"]][row["image"]] = float(row["psnr"])
    return table


def of_method(methods, name):
    """The images of the method with this name, or with one that begins so."""
    for method, images in methods.items():
        if method == name or method.startswith(name + ","):
            return images
    return {}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.split("\n\n")[1])
    path, name, other = sys.argv[1:]
    print(f"| Operator | Noise | {name} - {other}, PSNR/dB | {name} ahead | n |\n|---|---|---|---|---|")
    for (operator, noise), methods in psnr_by_image(path).items():
        ours, theirs = of_method(methods, name), of_method(methods, other)
        differences = [ours[image] - theirs[image] for image in ours if image in theirs]
        n = len(differences)
        if n < 2:
            continue
        mean = sum(differences) / n
        error = math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1) / n)
        ahead = sum(d > 0 for d in differences)
        print(f"| {operator} | {noise} | {mean:+.2f} ± {error:.2f} | {ahead} | {n} |")


if __name__ == "__main__":
    main()
