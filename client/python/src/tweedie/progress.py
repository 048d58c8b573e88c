"""Bars of tqdm, in terminals and notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Any, Optional

from tqdm.auto import tqdm

from tweedie import results
from tweedie.jobs import AS_DRAWN

if TYPE_CHECKING:
    from tweedie.batch import Outcome
    from tweedie.jobs import Job


class Bar:
    """The bar of one job. Close it, or use it in a `with` statement."""

    def __init__(self, name: str) -> None:
        self._bar: Any = tqdm(desc=name, unit="step", leave=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def take(self, event: results.Event) -> None:
        """Shows what happened."""
        if event.job is not None:
            state = results.state_of(event.job)
            self._bar.set_description(f"{event.job.name} {state.value}", refresh=False)
            self._show(results.Progress.of(event.job.progress))
        elif event.progress is not None:
            self._show(event.progress)

    def _show(self, progress: results.Progress) -> None:
        self._bar.total = progress.num_steps or None
        self._bar.n = progress.step
        if progress.metrics:
            self._bar.set_postfix(results.mean_metrics(progress.metrics), refresh=False)
        self._bar.refresh()


def follow(job: Job, timeout: Optional[float] = None) -> None:
    """Shows a bar until the job has ended."""
    with Bar(job.name) as bar:
        for event in job.events(timeout=timeout, progress_interval=AS_DRAWN):
            bar.take(event)


def count(outcomes: Iterator[Outcome], todo: Iterable[Any]) -> Iterator[Outcome]:
    """Yields the outcomes, and shows a bar of how many there are, and how many failed."""
    total = len(todo) if isinstance(todo, Sized) else None
    failed = 0
    with tqdm(total=total, unit="task") as bar:
        for outcome in outcomes:
            bar.update(1)
            if outcome.error is not None:
                failed += 1
                bar.set_postfix(failed=failed)
            yield outcome
