"""Writes what the sections found: report.json, report.md and a picture a plot, beside each other."""
import dataclasses
import json
import pathlib
import re
from typing import Dict, List

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from .result import Plot, Result, Table


def _cell(value) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def _table(table: Table) -> List[str]:
    lines = [f"**{table.title}**", ""] if table.title else []
    lines += ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    return lines + ["| " + " | ".join(map(_cell, row)) + " |" for row in table.rows] + [""]


def _file_name(plot: Plot) -> str:
    return re.sub(r"[^a-z0-9]+", "-", plot.title.lower()).strip("-") + ".svg"


def _draw(plot: Plot, path: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name, points in plot.series.items():
        ours = name.startswith("tweedie")
        axes.plot(*zip(*points), marker="o", label=name, linewidth=2.5 if ours else 1, zorder=3 if ours else 2)
    if plot.logarithmic:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        ticks = sorted({x for points in plot.series.values() for x, _ in points})
        axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
    else:
        axes.set_ylim(bottom=0)
    axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y)
    axes.grid(True, which="both", alpha=0.25)
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _figures(results: Dict[str, Result]) -> List[str]:
    lines = ["## Against what is wanted", "", "| figure | measured | must | aim | |", "|---|---|---|---|---|"]
    for result in results.values():
        for figure in result.figures:
            sign = ">=" if figure.at_least else "<="
            unit = f" {figure.unit}" if figure.unit else ""
            lines.append(f"| {figure.name} | {_cell(figure.value)}{unit} | {sign} {figure.must:g} | "
                         f"{sign} {figure.aim:g} | {figure.verdict()} |")
    return lines + [""]


def _section(result: Result) -> List[str]:
    lines = [f"## {result.title}", "", result.text.strip(), ""]
    for table in result.tables:
        lines += _table(table)
    lines += [f"![{plot.title}]({_file_name(plot)})\n" for plot in result.plots]
    lines += [f"{note}\n" for note in result.notes]
    before, after = result.load
    quick = "; few repetitions (--quick)" if result.quick else ""
    lines.append(f"*{result.when}, tweedie {result.commit}, {result.seconds:.0f} s; other programs used {before:.1f} cores just before and "
                 f"{after:.1f} just after{quick}.*\n")
    return lines


def markdown(machine: Dict[str, str], results: Dict[str, Result]) -> str:
    lines = ["# Benchmarks", "", "Written by `scripts/bench`. Every ratio is of medians measured in turns in one run.",
             "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in machine.items()] + [""]
    lines += _figures(results)
    for result in results.values():
        lines += _section(result)
    return "\n".join(lines)


def write(out: pathlib.Path, machine: Dict[str, str], results: Dict[str, Result]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for result in results.values():
        for plot in result.plots:
            _draw(plot, out / _file_name(plot))
    (out / "report.md").write_text(markdown(machine, results), encoding="utf-8")
    data = {"machine": machine, "sections": {name: dataclasses.asdict(result) for name, result in results.items()}}
    (out / "report.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
