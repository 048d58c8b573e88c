"""Contenders measured in turns, so that what else the machine does meets all alike."""
import dataclasses
import statistics
import time
from typing import Callable, Dict, List

PAUSE = 0.05  # seconds; threads of the one before may spin so long


@dataclasses.dataclass
class Spread:
    """Times of one contender."""
    median: float
    low: float  # the quartiles
    high: float
    count: int

    @staticmethod
    def of(times: List[float]) -> "Spread":
        ordered = sorted(times)
        return Spread(statistics.median(ordered), ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4],
                      len(ordered))


def in_turns(contenders: Dict[str, Callable[[], List[float]]], rounds: int) -> Dict[str, Spread]:
    """Calls each contender once a round; each call returns its times. The first of a round is another each time."""
    names = list(contenders)
    times: Dict[str, List[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(PAUSE)
            times[name] += contenders[name]()
    return {name: Spread.of(values) for name, values in times.items()}


def timed(call: Callable[[], object], count: int, warm_up: int = 1) -> List[float]:
    """Milliseconds of each of `count` calls, after some that do not count."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return times
