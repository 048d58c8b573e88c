"""One network call by batch, beside the engines that users would pick instead."""
import contextlib

import torch

from .. import machine, networks, peers
from ..processes import engine_worker
from ..result import Figure, Plot, Result, Table
from ..turns import in_turns, timed

TEXT = """Milliseconds of a call of that many rows, the median of all turns; the quartiles are in report.json. tweedie
in strict mode, as the server runs it. Peers as diffusers' users would run them, on as many threads as there are
cores, with the batch as a fixed shape. The deviation is how far outputs are from diffusers', over the largest."""
OURS = {"tweedie fp32": "float32", "tweedie bf16": "bfloat16"}
NO_BF16 = "tweedie bf16 is left out: this processor has no avx512_bf16, without which the server refuses bfloat16."


def _measure(workers: dict, unet, rows: int, bench) -> dict:
    engines = peers.all_engines(unet, rows, with_compile=not bench.quick and rows in (1, 8))
    count = max(1, bench.calls // rows)
    contenders = {name: lambda worker=worker: worker.ask("call", rows, count)["ms"]
                  for name, worker in workers.items()}
    for name, engine in engines.items():
        contenders[name] = lambda engine=engine: timed(engine, count, warm_up=1)
    for warm_up in contenders.values():
        warm_up()
    return {"times": in_turns(contenders, bench.rounds), "deviations": peers.deviations(engines)}


def _figures(label: str, measured: dict) -> list:
    figures = []
    for rows in (1, 8):
        times = {name: spread.median for name, spread in measured[rows]["times"].items()}
        ours = times["tweedie fp32"]
        figures.append(Figure(f"step, fp32, {label}, batch {rows}, over OpenVINO", ours / times["OpenVINO fp32"],
                              1.05, 0.9))
        if "tweedie bf16" in times:
            figures.append(Figure(f"step, bf16, {label}, batch {rows}, over OpenVINO bf16",
                                  times["tweedie bf16"] / times["OpenVINO bf16"], 1.1, 0.95))
        if rows == 1:
            figures.append(Figure(f"step, fp32, {label}, batch 1, over diffusers eager",
                                  ours / times["diffusers fp32"], 0.45, 0.35))
    return figures


def _table(label: str, measured: dict) -> Table:
    names = list(dict.fromkeys(name for m in measured.values() for name in m["times"]))
    rows = []
    for name in names:
        cells = [m["times"][name].median if name in m["times"] else None for m in measured.values()]
        rows.append([name] + cells + [measured[1]["deviations"].get(name)])
    return Table(label, ["ms a call"] + [f"batch {n}" for n in measured] + ["deviation"], rows)


def run(bench) -> Result:
    torch.set_num_threads(bench.cores)
    torch.set_grad_enabled(False)
    result = Result("Network step by batch", TEXT)
    batches = (1, 8) if bench.quick else (1, 2, 4, 8, 16)
    ours = OURS if "avx512_bf16" in machine.flags() else {"tweedie fp32": "float32"}
    if ours != OURS:
        result.notes.append(NO_BF16)
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(engine_worker()) for name in ours}
        for label, folder in (("default model", networks.DEFAULT), ("cifar10 shape", networks.cifar10(bench.out))):
            for name, worker in workers.items():
                worker.ask("load", folder, bench.cores, "strict", ours[name])
            unet = networks.load(folder)
            measured = {rows: _measure(workers, unet, rows, bench) for rows in batches}
            result.figures += _figures(label, measured)
            result.tables.append(_table(label, measured))
            curves = {name: [(rows, m["times"][name].median / rows) for rows, m in measured.items()
                             if name in m["times"]] for name in measured[1]["times"]}
            result.plots.append(Plot(f"Time of a row by batch, {label}", "rows of a call", "ms a row", curves))
    return result
