"""Eight users at once: their jobs through one service, or each in a loop of diffusers."""
import sys
import time

from .. import networks
from ..processes import Commanded, Server, job_client
from ..result import Figure, Result, Table
from ..turns import in_turns
from .service import sample_job, write_jobs

TEXT = """Seconds until the last of eight users has their result. Each has one job of another kind and length; DPS
restores images of which half of the pixels are missing. Through the service: submitted at once, each watched with a
frame every 10 steps. Side by side: eight processes of Python with diffusers (DPS: a loop of PyTorch), all loaded
before the clock starts, each with one thread or with as many as there are cores."""
# kind, images, steps
USERS = [("ddim", 4, 50), ("ddim", 8, 25), ("ddpm", 1, 100), ("ddpm", 4, 50),
         ("dps", 2, 50), ("dps", 4, 25), ("ddim", 1, 100), ("ddpm", 2, 100)]


def _dps_job(user: str, images: int, steps: int, seed: int, pixels: str) -> dict:
    clean = {"tensor": {"data_type": "FLOAT32", "shape": [images, 1, 32, 32], "data": pixels}}
    measurement = {"forward_operator": {"inpainting": {"random_fraction": 0.5}}, "simulate_from": clean}
    job = {"model": "models/fashion-mnist-32", "seed": seed,
           "dps": {"measurement": measurement, "process": {"num_steps": steps}}}
    return {"user": user, "request": {"job": job}}


def _jobs(users) -> list:
    import base64
    import torch
    jobs = []
    for i, (kind, images, steps) in enumerate(users):
        if kind == "dps":
            pixels = (torch.rand(images, 1, 32, 32) * 2 - 1).numpy().astype("<f4").tobytes()
            jobs.append(_dps_job(f"user-{i}", images, steps, i, base64.b64encode(pixels).decode()))
        else:
            jobs.append(sample_job(f"user-{i}", images, steps, kind.upper(), i))
    return jobs


class Loops:
    """The users' own processes."""

    def __init__(self, users, threads: int):
        command = [sys.executable, "-m", "bench.harness.loops", str(networks.DEFAULT), str(threads)]
        self._users = [Commanded([*command, kind, str(images), str(steps)]) for kind, images, steps in users]
        self.seconds_to_load = [user.answer()["ready"] for user in self._users]

    def run(self) -> list:
        begin = time.monotonic()
        for user in self._users:
            user.tell("go")
        for user in self._users:
            user.answer()
        return [time.monotonic() - begin]

    def close(self) -> None:
        for user in self._users:
            user.close()


def run(bench) -> Result:
    users = [(kind, images, max(2, steps // 10)) for kind, images, steps in USERS] if bench.quick else USERS
    jobs_file = bench.out / "users_jobs.jsonl"
    write_jobs(jobs_file, _jobs(users))
    result = Result("Eight users with mixed jobs", TEXT)
    single, many = Loops(users, 1), Loops(users, bench.cores)
    with Server(bench.default_models) as server, job_client(server.address) as client:
        server.settle()
        through = lambda: [client.ask("run", jobs_file, 10)["seconds"]]
        times = in_turns({"service": through, "loops, 1 thread each": single.run,
                          f"loops, {bench.cores} threads each": many.run}, max(2, bench.rounds // 2))
    single.close(), many.close()
    best = min(spread.median for name, spread in times.items() if name != "service")
    result.figures.append(Figure("8 users' mixed jobs over 8 diffusers loops side by side (the faster way)",
                                 times["service"].median / best, 0.4, 0.25))
    rows = [[name, t.median, t.low, t.high] for name, t in times.items()]
    result.tables.append(Table("", ["", "seconds", "lower quartile", "upper quartile"], rows))
    result.notes.append("Jobs: " + "; ".join(f"{kind}, {n} images, {steps} steps" for kind, n, steps in users) + ".")
    return result
