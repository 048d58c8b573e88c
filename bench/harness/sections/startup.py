"""Time from exec to ready, loading, and memory."""
import statistics

from .. import networks
from ..processes import Server, engine_worker, job_client, memory
from ..result import Figure, Result, Table
from .service import sample_job, write_jobs

TEXT = """Start: from exec to the line `listening on`, with an empty queue and files that are in the page cache. Memory:
resident, in MiB, libraries' pages included; LibTorch's own is that of a program that links it and has done nothing.
At peak: the most while 8 jobs of 4 images ran, watched with frames."""


def _starts(bench, models) -> list:
    times = []
    for _ in range(bench.rounds):
        with Server(models) as server:
            times.append(server.seconds_to_ready)
    return times


def _memory(bench) -> dict:
    jobs_file = bench.out / "memory_jobs.jsonl"
    write_jobs(jobs_file, [sample_job(f"user-{i}", 4, 20, seed=i) for i in range(8)])
    with engine_worker() as worker:
        parameters = worker.ask("load", networks.DEFAULT, 1, "strict")["parameters"]
    with engine_worker() as bare:
        bare.ask("hello")  # it is up
        libtorch = memory(bare.pid)
    with Server(bench.default_models) as server, job_client(server.address) as client:
        server.settle()
        rest = memory(server.pid)
        client.ask("run", jobs_file, 10)
        used = memory(server.pid)
    return {"weights": parameters * 4 / 2 ** 20, "libtorch": libtorch, "rest": rest, "used": used}


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
    found = _memory(bench)
    over = found["rest"]["rss"] - found["weights"] - found["libtorch"]["rss"]
    result.figures.append(Figure("memory at rest over the weights and LibTorch's own", over, 60, 30, "MiB"))
    rows = [["weights", found["weights"], None, None]]
    for name, label in (("libtorch", "LibTorch's own"), ("rest", "server at rest"), ("used", "server after its jobs")):
        rows.append([label, found[name]["rss"], found[name]["anonymous"], found[name]["peak"]])
    result.tables.append(Table("Memory, MiB", ["", "resident", "of it anonymous", "peak"], rows))
    return result
