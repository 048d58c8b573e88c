"""Claims and finishes of the queue beside the same in bare SQL: by bench/queue_bench."""
import json
import subprocess

from ..processes import BUILD
from ..result import Result, Table

TEXT = """bench/queue_bench: jobs submitted, claimed and finished, by 1, 2 and 4 servers, beside bare SQL. (Its part with
a million ended rows takes long and is not run here.)"""
FILTER = "^(PostgresServers|SqliteServer|BareSql)"


def run(bench) -> Result:
    done = subprocess.run([str(BUILD / "bench" / "queue_bench"), f"--benchmark_filter={FILTER}",
                           "--benchmark_format=json"], check=True, capture_output=True, text=True)
    rows = [[b["name"], b["jobs/s"]] for b in json.loads(done.stdout)["benchmarks"] if "jobs/s" in b]
    return Result("Queue", TEXT, tables=[Table("", ["", "jobs a second"], rows)])
