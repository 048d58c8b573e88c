"""How cost grows with the size of images, the length of a job, and the length of the queue."""
import statistics

import torch

from .. import networks, peers
from ..processes import Server, engine_worker, job_client
from ..result import Plot, Result, Table
from ..turns import in_turns, timed
from .service import sample_job, write_jobs

TEXT = """The default model's shape with random weights at other sizes of image, a call of one row and of as many as
there are cores; jobs of other lengths in the bare engine loop and through the service, one at a time; and a job's time
and CreateJob's with that many jobs queued behind. (By batch: section "Network step by batch".)"""


def _by_size(bench) -> Table:
    rows = []
    torch.set_num_threads(bench.cores)
    torch.set_grad_enabled(False)
    with engine_worker() as worker:
        for size in (32, 64) if bench.quick else (32, 64, 128, 256):
            folder = networks.default_at(size, bench.out)
            worker.ask("load", folder, bench.cores, "strict")
            unet = networks.load(folder)
            net, (x, t) = peers.Plain(unet), networks.input_of(unet, 1)
            contenders = {"one": lambda: worker.ask("call", 1, 3)["ms"],
                          "all": lambda: worker.ask("call", bench.cores, 3)["ms"],
                          "diffusers": lambda: timed(lambda: net(x, t), 3)}
            for warm_up in contenders.values():
                warm_up()
            times = in_turns(contenders, max(2, bench.rounds // 2))
            rows.append([size, times["one"].median, times["all"].median / bench.cores, times["diffusers"].median,
                         networks.gflop(unet)])
    return Table("By side of the images", ["side", "ms, 1 row", f"ms a row, {bench.cores} rows",
                                           "ms, diffusers, 1 row", "GFLOP a row"], rows)


def _by_steps(bench, worker, client) -> Table:
    rows = []
    for steps in (10, 100) if bench.quick else (10, 100, 1000):
        jobs_file = bench.out / "steps_job.jsonl"
        write_jobs(jobs_file, [sample_job("ada", 1, steps)])
        times = in_turns({"loop": lambda: [worker.ask("loop", "ddpm", 1, 1, steps)["seconds"]],
                          "service": lambda: [client.ask("run", jobs_file, 10)["seconds"]]}, 6)
        rows.append([steps, times["loop"].median, times["service"].median, 1e3 * times["service"].median / steps])
    return Table("By steps, one image", ["steps", "bare loop, s", "service, s", "service, ms a step"], rows)


def _by_queue(bench, client) -> Table:
    # What waits is BATCH work of a few users; the job that is timed is INTERACTIVE.
    waiting, timed_job = bench.out / "waiting_job.jsonl", bench.out / "timed_job.jsonl"
    batch, interactive = sample_job("bob", 1, 1000), sample_job("ada", 1, 20)
    batch["request"]["job"]["priority"] = "BATCH"
    interactive["request"]["job"]["priority"] = "INTERACTIVE"
    write_jobs(waiting, [batch])
    write_jobs(timed_job, [interactive])
    rows, queued = [], 0
    for depth in (0, 100) if bench.quick else (0, 100, 1000, 5000):
        client.ask("submit", waiting, depth - queued)
        queued = depth
        submits = client.ask("submit", waiting, 50)["ms"]
        queued += len(submits)
        jobs = [client.ask("run", timed_job, 10)["seconds"] for _ in range(3)]
        rows.append([depth, statistics.median(submits), max(submits), statistics.median(jobs)])
    return Table("By jobs queued (BATCH, 1,000 steps)",
                 ["queued", "CreateJob, ms, median", "CreateJob, ms, most", "an INTERACTIVE job of 20 steps, s"], rows)


def run(bench) -> Result:
    result = Result("Scaling", TEXT)
    sizes = _by_size(bench)
    options = ("--max-queued-jobs", "100000", "--max-queued-jobs-per-creator", "100000")
    with engine_worker() as worker:
        worker.ask("load", networks.DEFAULT, bench.cores, "strict")
        with Server(bench.default_models, *options) as server, job_client(server.address) as client:
            server.settle()
            steps, queue = _by_steps(bench, worker, client), _by_queue(bench, client)
    result.tables += [sizes, steps, queue]
    result.plots.append(Plot("Time of a row by side of the images", "side, pixels", "ms a row", {
        "tweedie, 1 row": [(row[0], row[1]) for row in sizes.rows],
        f"tweedie, {bench.cores} rows": [(row[0], row[2]) for row in sizes.rows],
        "diffusers, 1 row": [(row[0], row[3]) for row in sizes.rows]}))
    return result
