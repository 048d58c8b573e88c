"""How much of what oneDNN reaches on this machine whole network calls reach."""
import statistics

from .. import networks
from ..processes import engine_worker
from ..result import Figure, Result, Table

TEXT = """The peak: oneDNN's own 3 x 3 convolutions in its own layouts, single precision, every core with an image of its
own, the best shape and round. A network's rate: the arithmetic of its convolutions, linear layers and attention over
the time of a call, so its norms, activations and sums count as loss. Convolutions count as direct ones in both: a
network may be above the peak, as Winograd's need fewer products. In turns."""


def _rates(worker, folder, bench, rows: int) -> list:
    """GFLOP/s of calls of that many rows."""
    work = networks.gflop(networks.load(folder)) * rows
    return [work / (ms / 1e3) for ms in worker.ask("call", rows, max(2, bench.calls // rows))["ms"]]


def run(bench) -> Result:
    result = Result("Fraction of the machine's peak", TEXT)
    peaks, rates = [], {}
    shapes = {"default model": networks.DEFAULT, "cifar10 shape": networks.cifar10(bench.out)}
    if not bench.quick:
        shapes["default shape, 128 x 128"] = networks.default_at(128, bench.out)
    with engine_worker() as worker:
        for _ in range(bench.rounds):
            peaks.append(worker.ask("peak", bench.cores)["gflops"])
            for label, folder in shapes.items():
                worker.ask("load", folder, bench.cores, "strict")
                worker.ask("call", bench.cores, 1)
                for rows in (1, bench.cores, 8):
                    rates.setdefault((label, rows), []).extend(_rates(worker, folder, bench, rows))
    by_shape = {name: statistics.median(peak[name] for peak in peaks) for name in peaks[0]}
    peak = max(by_shape.values())
    table = [[label, rows, statistics.median(values), statistics.median(values) / peak]
             for (label, rows), values in rates.items()]
    result.tables.append(Table("oneDNN's convolutions", ["shape", "GFLOP/s"], [[k, v] for k, v in by_shape.items()]))
    result.tables.append(Table("Network calls", ["network", "rows", "GFLOP/s", "of the peak"], table))
    best = max(row[3] for row in table if row[0] == "cifar10 shape")
    result.figures.append(Figure("fraction of the oneDNN peak, cifar10 shape, best batch", best, 0.8, 0.9,
                                 at_least=True))
    return result
