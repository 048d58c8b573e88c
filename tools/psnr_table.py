#!/usr/bin/env python3
"""Prints the PSNR that jobs report beside the reference; fails where they do not agree.

usage: psnr_table.py REFERENCE.tsv T=JOB.json...

REFERENCE.tsv is written by tweedie_psnr_reference.py; JOB.json is what
`tweedie denoise --json` (or `tweedie get --json`) printed for timestep T. Two
honest runs differ by their noise: a job's mean over its images may be off by
four standard deviations of that (and by 0.1 dB).
"""
import json
import sys


def read_reference(path):
    """Returns {timestep: (noisy, denoised, deviation)} in dB."""
    with open(path, encoding="utf-8") as file:
        rows = [line.split("\t") for line in file if not line.startswith("#")]
    return {int(t): (float(noisy), float(denoised), float(deviation)) for t, noisy, denoised, deviation in rows}


def last_job(path):
    """Returns the last JSON object of a file of one or several."""
    with open(path, encoding="utf-8") as file:
        text = file.read().strip()
    decoder, job, at = json.JSONDecoder(), None, 0
    while at < len(text):
        job, end = decoder.raw_decode(text, at)
        at = end + len(text[end:]) - len(text[end:].lstrip())
    if not isinstance(job, dict):
        raise SystemExit(f"{path}: holds no JSON object")
    return job


def mean_psnr(path):
    """Returns the mean PSNR over a job's images, and their number."""
    job = last_job(path)
    values = [metrics["psnr"] for metrics in job.get("metrics", []) if "psnr" in metrics]
    if not values:
        raise SystemExit(f"{path}: the job {job.get('name')} ({job.get('state')}) reports no PSNR")
    return sum(values) / len(values), len(values)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    reference = read_reference(sys.argv[1])
    print("   t   noisy   denoised   reference   difference")
    wrong = []
    for argument in sys.argv[2:]:
        t, _, path = argument.partition("=")
        noisy, expected, deviation = reference[int(t)]
        measured, count = mean_psnr(path)
        difference = measured - expected
        print(f"{t:>4}  {noisy:6.2f}   {measured:8.2f}   {expected:9.2f}   {difference:+8.2f} dB  ({count} images)")
        if abs(difference) > 4 * deviation + 0.1:
            wrong.append(t)
    if wrong:
        raise SystemExit(f"psnr_table.py: too far from the reference at t = {', '.join(wrong)}")


if __name__ == "__main__":
    main()
