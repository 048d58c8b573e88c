"""Measures sections, one after the other, and writes the report of all that have been measured."""
import argparse
import dataclasses
import datetime
import importlib
import json
import os
import pathlib
import time

from . import machine, report
from .processes import ROOT
from .result import Result

SECTIONS = ("network", "guidance", "service", "users", "latency", "queue", "startup", "scaling", "peak")


@dataclasses.dataclass(frozen=True)
class Bench:
    """What a section is told."""
    out: pathlib.Path
    quick: bool
    cores: int
    rounds: int  # turns of each contender
    calls: int  # network calls of one row a turn
    default_models: pathlib.Path = ROOT / "models"


def measure(name: str, bench: Bench) -> Result:
    """Runs a section; notes when, how long, and what else the machine did."""
    section = importlib.import_module(f".sections.{name}", __package__)
    before, begin = machine.busy_cores(), time.monotonic()
    result = section.run(bench)
    result.seconds = time.monotonic() - begin
    result.load = [before, machine.busy_cores()]
    result.when = datetime.datetime.now().strftime("%Y-%m-%d %H:%M")
    result.commit = machine.commit()
    result.quick = bench.quick
    return result


def read_results(folder: pathlib.Path) -> dict:
    """Of this run and earlier ones, in the order of the report."""
    files = {name: folder / f"{name}.json" for name in SECTIONS}
    return {name: Result.from_json(json.loads(file.read_text(encoding="utf-8")))
            for name, file in files.items() if file.exists()}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--only", choices=SECTIONS, action="append", metavar="SECTION",
                        help="measure this section alone (repeatable): " + ", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="few repetitions, to try that all works")
    parser.add_argument("--report", type=pathlib.Path, help="folder of the report (out/bench)")
    arguments = parser.parse_args()
    out = ROOT / "out" / "bench"
    kept = out / ("quick" if arguments.quick else "sections")
    kept.mkdir(parents=True, exist_ok=True)
    bench = Bench(out, arguments.quick, os.cpu_count(), *((2, 4) if arguments.quick else (5, 8)))
    for name in arguments.only or SECTIONS:
        print(f"==> {name}", flush=True)
        result = measure(name, bench)
        (kept / f"{name}.json").write_text(json.dumps(dataclasses.asdict(result)), encoding="utf-8")
        for figure in result.figures:
            print(f"    {figure.name}: {figure.value:.3g} ({figure.verdict()})", flush=True)
    report.write(arguments.report or out, machine.describe(), read_results(kept))
    print(f"report: {arguments.report or out}/report.md")


if __name__ == "__main__":
    main()
