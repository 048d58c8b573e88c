"""What a section found: figures with what they should be, tables, curves and notes. Plain data, kept as JSON."""
import dataclasses
from typing import Dict, List, Optional, Tuple


@dataclasses.dataclass
class Figure:
    """One that issue 8 names: `value` is to be at most `must` (at least, with `at_least`)."""
    name: str
    value: float
    must: float
    aim: float
    unit: str = ""
    at_least: bool = False

    def verdict(self) -> str:
        sign = -1 if self.at_least else 1
        if sign * self.value <= sign * self.aim:
            return "aim met"
        return "met" if sign * self.value <= sign * self.must else "**missed**"


@dataclasses.dataclass
class Table:
    title: str
    columns: List[str]
    rows: List[list]


@dataclasses.dataclass
class Plot:
    title: str
    x: str
    y: str
    series: Dict[str, List[Tuple[float, float]]]
    logarithmic: bool = True


@dataclasses.dataclass
class Result:
    title: str
    text: str  # how it was measured
    figures: List[Figure] = dataclasses.field(default_factory=list)
    tables: List[Table] = dataclasses.field(default_factory=list)
    plots: List[Plot] = dataclasses.field(default_factory=list)
    notes: List[str] = dataclasses.field(default_factory=list)
    when: str = ""
    commit: str = ""  # of tweedie
    seconds: float = 0
    load: Optional[List[float]] = None  # of the machine, runnable programs but ours, before and after
    quick: bool = False

    @staticmethod
    def from_json(data: dict) -> "Result":
        data = dict(data)
        for name, kind in (("figures", Figure), ("tables", Table), ("plots", Plot)):
            data[name] = [kind(**item) for item in data[name]]
        return Result(**data)
