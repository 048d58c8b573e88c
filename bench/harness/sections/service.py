"""What the service costs over the engine that it runs."""
import json

from .. import networks
from ..processes import Server, cpu_seconds, engine_worker, job_client
from ..result import Figure, Result, Table
from ..turns import in_turns

TEXT = """Seconds for the same jobs: by a bare loop of the engine, with methods and scheduler, and by the whole
service, from the first submit to the last end that a client has seen, every job watched with a frame every 10 steps,
and with progress ten times a second at most, as `tweedie` and the Python package ask for (ADR 59). The
client is a process of its own on the same machine; what it and the server use of the processors is in the table."""
JOBS = 8
ROUNDS = 5  # for one of other sections: this ratio is near 1, and single runs differ by a twentieth


def sample_job(user: str, images: int, steps: int, kind: str = "DDPM", seed: int = 0) -> dict:
    """A line of job_client's file."""
    process = {"kind": kind, "num_steps": steps}
    job = {"model": "models/fashion-mnist-32", "seed": seed, "sample": {"num_images": images, "process": process}}
    return {"user": user, "request": {"job": job}}


def write_jobs(path, jobs) -> None:
    path.write_text("".join(json.dumps(job) + "\n" for job in jobs), encoding="utf-8")


class Service:
    """Runs the jobs of a file, and adds up what the processes have used."""

    def __init__(self, server: Server, client, jobs_file):
        self._server, self._client, self._file = server, client, jobs_file
        self.cpu = {"server": [], "client": []}
        self.last = {}

    def run(self) -> list:
        before = {"server": cpu_seconds(self._server.pid), "client": cpu_seconds(self._client.pid)}
        self.last = self._client.ask("run", self._file, 10)
        self.cpu["server"].append(cpu_seconds(self._server.pid) - before["server"])
        self.cpu["client"].append(cpu_seconds(self._client.pid) - before["client"])
        return [self.last["seconds"]]


def run(bench) -> Result:
    steps = 20 if bench.quick else 200
    jobs_file = bench.out / "service_jobs.jsonl"
    write_jobs(jobs_file, [sample_job(f"user-{i}", 1, steps, seed=i) for i in range(JOBS)])
    result = Result("Whole service against the bare engine loop", TEXT)
    with engine_worker() as worker, Server(bench.default_models) as server, job_client(server.address) as client:
        worker.ask("load", networks.DEFAULT, bench.cores, "strict")
        server.settle()
        service = Service(server, client, jobs_file)
        loop_cpu = []

        def bare():
            before = cpu_seconds(worker.pid)
            seconds = worker.ask("loop", "ddpm", JOBS, 1, steps)["seconds"]
            loop_cpu.append(cpu_seconds(worker.pid) - before)
            return [seconds]
        service.run(), bare()
        times = in_turns({"bare loop": bare, "service": service.run}, ROUNDS * bench.rounds)
    ratio = times["service"].median / times["bare loop"].median
    result.figures.append(Figure("whole service over the bare engine loop, 8 jobs, frames watched", ratio, 1.03, 1.01))
    median = lambda values: sorted(values)[len(values) // 2]
    rows = [["bare loop", times["bare loop"].median, times["bare loop"].low, times["bare loop"].high,
             median(loop_cpu), None],
            ["service", times["service"].median, times["service"].low, times["service"].high,
             median(service.cpu["server"]), median(service.cpu["client"])]]
    result.tables.append(Table(f"{JOBS} jobs of 1 image, {steps} steps", [
        "", "seconds", "lower quartile", "upper quartile", "CPU s of the process", "CPU s of the client"], rows))
    result.notes.append(f"The clients got {service.last['events']} events a run, {service.last['frames']} of them "
                        "frames.")
    return result
