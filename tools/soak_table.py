#!/usr/bin/env python3
"""Prints what a server took over a soak, and fails if it grew.

usage: soak_table.py SAMPLES

SAMPLES is what scripts/soak writes: tab-separated lines of seconds, `load` or `idle`,
KiB resident, threads, descriptors, and the threads' names as NAME=COUNT,... The first idle sample is taken when the server is
warm, the last at the end. Rules:

* under load, in the second half, (max - mean) of the memory, without the highest and
  lowest 5 %, is at most 50 MB, and its mean is at most 50 MB above the first half's;
* at the end there are no more descriptors than when it was warm, and no more threads,
  by name, but for those of gRPC's pools, which start some as calls wait, and keep them:
  at most MOST_POOLED of each.
"""
import statistics
import sys

MOST_BYTES = 50_000_000
ROWS = 10
MOST_POOLED = 8
POOLED = ("default-executo", "event_engine", "grpcpp_sync_ser", "resolver-execut")


def read(path):
    """Returns lists of (seconds, bytes, threads, descriptors, names), under load and idle."""
    samples = {"load": [], "idle": []}
    with open(path, encoding="ascii") as file:
        for line in file:
            seconds, kind, kib, threads, descriptors, names = line.rstrip("\n").split("\t")
            counts = {name: int(count) for name, count in (entry.rsplit("=", 1) for entry in names.split(","))}
            samples[kind].append((int(seconds), 1024 * int(kib), int(threads), int(descriptors), counts))
    return samples["load"], samples["idle"]


def trimmed(values):
    """Returns the values without the highest and the lowest 5 %."""
    cut = len(values) // 20
    return sorted(values)[cut:len(values) - cut]


def growth(load):
    """Returns (max - mean) in the second half, and its mean beyond the first half's."""
    memory = [sample[1] for sample in load]
    first, second = trimmed(memory[:len(memory) // 2]), trimmed(memory[len(memory) // 2:])
    mean = statistics.fmean(second)
    return max(second) - mean, mean - statistics.fmean(first)


def grown_threads(warm, end):
    """Prints the names of which there are more; returns those of which there must not be."""
    grown = []
    for name, count in sorted(end.items()):
        before = warm.get(name, 0)
        if count <= before:
            continue
        print(f"threads named {name}: {before} when warm, {count} at the end")
        if name not in POOLED or count > MOST_POOLED:
            grown.append(f"threads named {name} grow")
    return grown


def print_rows(load):
    """Prints about ROWS parts of the time under load."""
    print(f"{'seconds':>8} {'MB mean':>9} {'MB max':>9} {'threads':>8} {'descriptors':>12}")
    size = max(1, -(-len(load) // ROWS))
    for begin in range(0, len(load), size):
        part = load[begin:begin + size]
        memory = [sample[1] / 1e6 for sample in part]
        print(f"{part[-1][0]:8d} {statistics.fmean(memory):9.1f} {max(memory):9.1f} "
              f"{max(sample[2] for sample in part):8d} {max(sample[3] for sample in part):12d}")


def main(path):
    """Returns the exit code."""
    load, idle = read(path)
    if len(load) < 4 or len(idle) < 2:
        sys.exit("soak_table.py: too few samples")
    load = [sample for sample in load if sample[0] > idle[0][0]]  # warm
    print_rows(load)
    peak, rise = growth(load)
    problems = []
    if peak > MOST_BYTES:
        problems.append(f"memory goes {peak / 1e6:.1f} MB beyond its mean")
    if rise > MOST_BYTES:
        problems.append(f"memory grows by {rise / 1e6:.1f} MB")
    for index, what in ((2, "threads"), (3, "descriptors")):
        print(f"{what}, idle: {idle[0][index]} when warm, {idle[-1][index]} at the end")
    problems += grown_threads(idle[0][4], idle[-1][4])
    if idle[-1][3] > idle[0][3]:
        problems.append("descriptors grow")
    print(f"memory, second half: max - mean {peak / 1e6:.1f} MB; mean - first half's {rise / 1e6:.1f} MB")
    print("; ".join(problems) or "nothing grows")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
