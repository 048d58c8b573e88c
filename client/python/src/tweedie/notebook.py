"""Live previews in notebooks: frames as they come, then the result. Needs IPython."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tweedie import images, results
from tweedie.jobs import AS_DRAWN
from tweedie.v1 import job_pb2

if TYPE_CHECKING:
    from tweedie.jobs import FrameKindLike, Job

_GAP = 2  # pixels between images
_SHOWN = 8


def show(
    job: Job,
    interval: int = 10,
    kinds: Sequence[FrameKindLike] = ("x0_hat",),
    max_images: int = _SHOWN,
    width: int = 96,
) -> results.Result:
    """Shows a job's frames in the output of a cell until it has ended, and returns the result.

    Args:
        job: The job; it may have begun.
        interval: A frame every so many steps.
        kinds: "x0_hat", "x_t", or both, one above the other.
        max_images: The most images that are shown.
        width: Of one image on the page, in CSS pixels.

    Raises:
        JobFailedError: If it failed; the reason is shown too.
        JobCancelledError: If it was cancelled.
    """
    from IPython import display as ipython

    view = _View(job.message, max_images, width)
    page: Any = ipython  # IPython has no types of these
    handle = page.display(page.HTML(view.html()), display_id=True)
    for event in job.events(interval, kinds, max_images, exact=False, progress_interval=AS_DRAWN):
        view.take(event)
        handle.update(page.HTML(view.html()))
    result = job.result()
    view.finish(result)
    handle.update(page.HTML(view.html()))
    return result


def job_html(job: job_pb2.Job) -> str:
    """Returns a line about a job."""
    state = results.state_of(job).value
    steps = f"{job.progress.step} of {job.progress.num_steps} steps"
    reason = f": {job.error.message}" if job.state == job_pb2.Job.FAILED else ""
    text = html.escape(f"{job.name}, {job.WhichOneof('task')}: {state}, {steps}{reason}")
    return f'<div role="status"><code>{text}</code></div>'


def result_html(result: results.Result) -> str:
    """Returns a result's first images and their metrics."""
    view = _View(result.job, _SHOWN, 96)
    view.finish(result)
    return view.html()


class _View:
    """What is shown of one job."""

    def __init__(self, job: job_pb2.Job, max_images: int, width: int) -> None:
        self._job = job
        self._max_images = max_images
        self._width = width
        self._progress = results.Progress.of(job.progress)
        self._rows: dict[str, str] = {}  # what each kind of image shows

    def take(self, event: results.Event) -> None:
        if event.job is not None:
            self._job = event.job
            self._progress = results.Progress.of(event.job.progress)
        elif event.progress is not None:
            self._progress = event.progress
        elif event.frame is not None:
            name = f"{event.frame.kind.value} at step {event.frame.step}"
            self._rows[event.frame.kind.value] = self._row(name, event.frame.images)

    def finish(self, result: results.Result) -> None:
        self._job = result.job
        self._progress = results.Progress.of(result.job.progress)
        self._rows = {"result": self._row("result", result.images)}

    def html(self) -> str:
        at = self._progress
        metrics = self._job.metrics or ()
        shown = tuple(results.Metrics.of(one) for one in metrics) or at.metrics
        means = results.mean_metrics(shown)
        facts = ", ".join(f"{name} {value}" for name, value in means.items())
        bar = f'<progress max="{max(at.num_steps, 1)}" value="{at.step}"></progress>'
        return f"{job_html(self._job)}{bar} {html.escape(facts)}{''.join(self._rows.values())}"

    def _row(self, name: str, array: images.FloatArray) -> str:
        shown = array[: self._max_images]
        if shown.shape[1] not in (1, 3):
            return f"<p>{html.escape(name)}: {shown.shape[1]} channels, no picture</p>"
        data = base64.b64encode(images.to_png(_strip(shown))).decode()
        more = f" (the first {len(shown)} of {len(array)})" if len(shown) < len(array) else ""
        style = f"width:{self._width * len(shown)}px;max-width:100%;image-rendering:pixelated"
        text = html.escape(f"{name}{more}", quote=True)
        return (
            f'<figure style="margin:.3em 0"><img alt="{text}" style="{style}" '
            f'src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'
        )


def _strip(array: images.FloatArray) -> Image.Image:
    """Returns the images side by side."""
    padded = np.pad(array, ((0, 0), (0, 0), (0, 0), (0, _GAP)), constant_values=1.0)
    return images.to_pil(np.concatenate(list(padded), axis=-1)[..., :-_GAP])[0]
