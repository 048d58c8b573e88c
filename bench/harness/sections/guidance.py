"""A step of DPS, beside a loop of PyTorch's own."""
import diffusers
import torch

from .. import loops, networks
from ..processes import engine_worker
from ..result import Figure, Result, Table
from ..turns import in_turns, timed

TEXT = """Milliseconds of one step of DPS (Chung et al., 2023; half of the pixels missing) of all images together:
tweedie's engine with its method, operator and noise, against a loop around diffusers' network with torch.autograd, by
the same rule, weights without gradients, all images in one batch; and deepinv.sampling.DPS with its ancestral solver,
in single precision (its default is double for all but the network)."""
IMAGES = 8


def _peers(folder, steps: int) -> dict:
    unet = networks.load(folder)
    scheduler = diffusers.DDPMScheduler.from_pretrained(folder)
    engines = {"PyTorch loop": lambda: loops.dps(unet, scheduler, IMAGES, steps),
               "deepinv": loops.deepinv_dps(unet, scheduler, IMAGES, steps)}
    return {name: lambda engine=engine: [ms / steps for ms in timed(engine, 1, warm_up=0)]
            for name, engine in engines.items()}


def _measure(worker, folder, bench) -> dict:
    steps = 2 if bench.quick else 10
    contenders = {"tweedie": lambda: [1e3 * worker.ask("loop", "dps", 1, IMAGES, steps)["seconds"] / steps]}
    contenders |= _peers(folder, steps)
    for warm_up in contenders.values():
        warm_up()
    return in_turns(contenders, bench.rounds)


def run(bench) -> Result:
    torch.set_num_threads(bench.cores)
    torch.set_grad_enabled(True)
    result = Result("DPS step of 8 images", TEXT)
    rows = []
    with engine_worker() as worker:
        for label, folder in (("default model", networks.DEFAULT), ("cifar10 shape", networks.cifar10(bench.out))):
            worker.ask("load", folder, bench.cores, "strict")
            times = _measure(worker, folder, bench)
            ratio = times["tweedie"].median / times["PyTorch loop"].median
            result.figures.append(Figure(f"DPS step of 8 images, {label}, over the PyTorch loop", ratio, 0.8, 0.6))
            rows += [[f"{name}, {label}", t.median, t.low, t.high] for name, t in times.items()]
    result.tables.append(Table("", ["ms a step", "median", "lower quartile", "upper quartile"], rows))
    return result
