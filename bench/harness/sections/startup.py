"""Time from exec to ready, loading, and memory."""
import pathlib
import statistics
import tempfile

from .. import networks
from ..processes import Server, engine_worker, job_client, memory
from ..result import Figure, Result, Table
from .service import sample_job, write_jobs

TEXT = """Start: from exec to the line `listening on`, with an empty queue and files that are in the page cache. Memory:
resident, in MiB, libraries' pages included; LibTorch's own is that of a program that links it and has done nothing.
The first start measures what calls cost, gradients among them, and keeps the pages that these need; later starts read
that from disk. At peak: the most while 8 jobs of 4 images ran, watched with frames."""

MEMORY_ROWS = (("libtorch", "LibTorch's own"),
               ("engine", "the engine alone, after two calls and two gradients"),
               ("first", "server at rest, its first start"),
               ("rest", "server at rest, later starts"),
               ("used", "server after its jobs"))


def _starts(bench, models) -> list:
    times = []
    for _ in range(bench.rounds):
        with Server(models) as server:
            times.append(server.seconds_to_ready)
    return times


def _engine_memory() -> dict:
    """LibTorch's own, and the engine's once it has called the network as a server does that measures its calls."""
    with engine_worker() as worker:
        worker.ask("hello")  # it is up
        libtorch = memory(worker.pid)
        parameters = worker.ask("load", networks.DEFAULT, 2, "strict")["parameters"]
        worker.ask("call", 2, 2)
        worker.ask("gradient", 2, 2)
        return {"libtorch": libtorch, "engine": memory(worker.pid), "weights": parameters * 4 / 2 ** 20}


def _server_memory(bench) -> dict:
    jobs_file = bench.out / "memory_jobs.jsonl"
    write_jobs(jobs_file, [sample_job(f"user-{i}", 4, 20, seed=i) for i in range(8)])
    with tempfile.TemporaryDirectory(prefix="tweedie-bench-") as folder:
        data = pathlib.Path(folder)
        with Server(bench.default_models, data=data) as server:
            server.settle()
            first = memory(server.pid)
        with Server(bench.default_models, data=data) as server, job_client(server.address) as client:
            rest = memory(server.pid)
            client.ask("run", jobs_file, 10)
            used = memory(server.pid)
    return {"first": first, "rest": rest, "used": used}


def _load_times(bench) -> list:
    rows = []
    with engine_worker() as worker:
        for label, folder in (("default model", networks.DEFAULT), ("cifar10 shape", networks.cifar10(bench.out))):
            loads = [worker.ask("load", folder, bench.cores, "strict") for _ in range(bench.rounds)]
            rows.append([label, *(1e3 * statistics.median(load[part] for load in loads)
                                  for part in ("read_s", "place_s"))])
    return rows


def run(bench) -> Result:
    result = Result("Start, loading and memory", TEXT)
    ready = statistics.median(_starts(bench, bench.default_models))
    cifar = statistics.median(_starts(bench, networks.cifar10(bench.out).parent))
    result.figures.append(Figure("exec to ready, default model", ready, 1.5, 0.7, "s"))
    result.tables.append(Table("Exec to ready", ["model", "seconds"],
                               [["default model", ready], ["cifar10 shape", cifar]]))
    result.tables.append(Table("Loading, ms", ["model", "reading", "putting in place (plan)"], _load_times(bench)))
    found = {**_engine_memory(), **_server_memory(bench)}
    over = found["rest"]["rss"] - found["weights"] - found["libtorch"]["rss"]
    result.figures.append(Figure("memory at rest over the weights and LibTorch's own, later starts", over, 60, 30, "MiB"))
    rows = [["weights", found["weights"], None, None]]
    for name, label in MEMORY_ROWS:
        rows.append([label, found[name]["rss"], found[name]["anonymous"], found[name]["peak"]])
    result.tables.append(Table("Memory, MiB", ["", "resident", "of it anonymous", "peak"], rows))
    return result
