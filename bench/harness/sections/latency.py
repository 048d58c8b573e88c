"""How long a submit takes, and what many watchers cost: by bench/watchers_bench."""
import json
import subprocess

from ..processes import BUILD
from ..result import Result, Table

TEXT = """bench/watchers_bench: watchers with frames on one job, every tenth of them never reading, beside the same
connections idle; and CreateJob while the engine uses all cores, beside an idle server. The clients are on the same
machine."""


def run(bench) -> Result:
    report = bench.out / "watchers.json"
    watchers = 100 if bench.quick else 1000
    steps = 50 if bench.quick else 300
    subprocess.run([str(BUILD / "bench" / "watchers_bench"), f"--json={report}", f"--watchers={watchers}",
                    f"--connections={watchers}", f"--steps={steps}", f"--creates={50 if bench.quick else 500}"],
                   check=True, stdout=subprocess.DEVNULL)
    figures = json.loads(report.read_text(encoding="utf-8"))
    result = Result("Submit latency and watchers", TEXT)
    create, seen = figures["create_job"], figures["watchers"]
    result.tables.append(Table("CreateJob, ms", ["", "p50", "p99"], [
        ["idle server", create["idle_ms_p50"], create["idle_ms_p99"]],
        ["engine on all cores", create["busy_ms_p50"], create["busy_ms_p99"]]]))
    result.tables.append(Table(f"{watchers} watchers, {steps} steps of 16 images", ["", "measured"], [
        ["memory over idle connections, MiB", seen["memory_growth_mebibytes"]],
        ["delay of an event, p50, ms", seen["delay_ms_p50"]],
        ["delay of an event, p99, ms", seen["delay_ms_p99"]],
        ["step, median, alone, ms", seen["median_step_ms_idle"]],
        ["step, median, watched, ms", seen["median_step_ms_watched"]],
        ["readers", seen["readers"]],
        ["readers told the end", seen["readers_told_the_end"]]]))
    return result
