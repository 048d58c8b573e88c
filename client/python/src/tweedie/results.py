"""What jobs tell and bring."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable
from typing import Any, Optional

from PIL import Image
from typing_extensions import Self

from tweedie.images import FloatArray, from_images, to_pil, to_torch
from tweedie.v1 import job_pb2
from tweedie.v1 import tweedie_service_pb2 as pb


class State(str, enum.Enum):
    """Where a job is in its life."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"  # of a server that is newer than this package

    @property
    def is_end(self) -> bool:
        """Whether a job does not leave it."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)


def state_of(job: job_pb2.Job) -> State:
    """Returns the job's state."""
    try:
        return State(job_pb2.Job.State.Name(job.state))
    except ValueError:
        return State.UNKNOWN


@dataclasses.dataclass(frozen=True)
class Metrics:
    """How good one image is; None where it cannot be told.

    Attributes:
        psnr: Against the reference, in dB, of images clamped to [-1, 1].
        ssim: Likewise.
        lpips: Likewise, if the server has such a network.
        residual: ||y - A(x)||, in the units of y.
    """

    psnr: Optional[float] = None
    ssim: Optional[float] = None
    lpips: Optional[float] = None
    residual: Optional[float] = None

    @classmethod
    def of(cls, message: job_pb2.ImageMetrics) -> Self:
        """Returns those of a message."""
        return cls(**{field.name: value for field, value in message.ListFields()})


def mean_metrics(metrics: Iterable[Metrics]) -> dict[str, str]:
    """Returns the means of those metrics that all images have, as text."""
    found = {}
    for name in ("psnr", "ssim", "lpips", "residual"):
        values = [getattr(one, name) for one in metrics]
        if values and None not in values:
            found[name] = f"{sum(values) / len(values):.4g}"
    return found


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        step: Steps made.
        num_steps: Steps in all.
        timestep: That of the last evaluation.
        queue_position: Jobs ahead, while it is queued.
        remaining: Seconds left by the server's estimate; None before there is one.
        metrics: Of the latest x0_hat, one an image; empty if there are none.
    """

    step: int
    num_steps: int
    timestep: int
    queue_position: int
    remaining: Optional[float]
    metrics: tuple[Metrics, ...]

    @classmethod
    def of(cls, message: job_pb2.Progress) -> Self:
        """Returns that of a message."""
        has_estimate = message.HasField("remaining")
        return cls(
            step=message.step,
            num_steps=message.num_steps,
            timestep=message.timestep,
            queue_position=message.queue_position,
            remaining=message.remaining.ToTimedelta().total_seconds() if has_estimate else None,
            metrics=tuple(Metrics.of(one) for one in message.metrics),
        )


class FrameKind(str, enum.Enum):
    """Which images a frame shows."""

    X0_HAT = "x0_hat"
    X_T = "x_t"


FRAME_KINDS = {
    FrameKind.X0_HAT: job_pb2.Frame.X0_HAT,
    FrameKind.X_T: job_pb2.Frame.X_T,
}


@dataclasses.dataclass(frozen=True)
class Frame:
    """Intermediate images of a job.

    Attributes:
        step: The step after which they were taken.
        timestep: Its timestep.
        kind: Which images they are.
        images: [n, C, H, W], the first n of the job.
    """

    step: int
    timestep: int
    kind: FrameKind
    images: FloatArray = dataclasses.field(repr=False)

    @classmethod
    def of(cls, message: job_pb2.Frame) -> Self:
        """Returns that of a message."""
        kind = FrameKind.X_T if message.kind == job_pb2.Frame.X_T else FrameKind.X0_HAT
        array = from_images(message.images)
        return cls(step=message.step, timestep=message.timestep, kind=kind, images=array)

    def pil(self) -> list[Image.Image]:
        """Returns a picture of each image."""
        return to_pil(self.images)


@dataclasses.dataclass(frozen=True)
class Event:
    """What happened to a job; one of `job`, `progress` and `frame` is set.

    Attributes:
        sequence: Its place in the job's history; ascends over restarts.
        time: When it happened.
        job: The job as it is: first, at each change of state, and last.
        progress: Steps were made.
        frame: Intermediate images.
        skipped: How many events were left out just before, because the reader was slow.
    """

    sequence: int
    time: datetime.datetime
    job: Optional[job_pb2.Job] = None
    progress: Optional[Progress] = None
    frame: Optional[Frame] = None
    skipped: int = 0

    @classmethod
    def of(cls, message: pb.WatchJobResponse) -> Self:
        """Returns that of a message."""
        return cls(
            sequence=message.sequence,
            time=message.event_time.ToDatetime(datetime.timezone.utc),
            job=message.job if message.HasField("job") else None,
            progress=Progress.of(message.progress) if message.HasField("progress") else None,
            frame=Frame.of(message.frame) if message.HasField("frame") else None,
            skipped=message.skipped_events,
        )


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What was measured, or simulated.

    Attributes:
        y: [N, output...]; of MRI [N, C, H, W, 2].
        previews: A picture of each, or None where there is none.
    """

    y: FloatArray = dataclasses.field(repr=False)
    previews: tuple[Optional[bytes], ...] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Result:
    """What a job made.

    Attributes:
        job: The job as it ended, with what the server chose.
        images: [N, C, H, W], float32, exact; not clamped.
        metrics: One an image; empty if there was nothing to compare with.
    """

    job: job_pb2.Job = dataclasses.field(repr=False)
    images: FloatArray = dataclasses.field(repr=False)

    def __repr__(self) -> str:
        return f"<Result {self.name} images {list(self.images.shape)}>"

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job.name

    @property
    def seed(self) -> int:
        """The seed: with the same task, model and seed the images are the same to the bit."""
        return self.job.seed

    @property
    def metrics(self) -> tuple[Metrics, ...]:
        """See the class."""
        return tuple(Metrics.of(one) for one in self.job.metrics)

    def samples(self) -> FloatArray:
        """Returns [inputs, samples_per_image, C, H, W]: the j-th result of input i at [i, j]."""
        each = max(self.job.samples_per_image, 1)
        return self.images.reshape(-1, each, *self.images.shape[1:])

    def pil(self) -> list[Image.Image]:
        """Returns a picture of each image, clamped to [-1, 1]."""
        return to_pil(self.images)

    def torch(self) -> Any:
        """Returns the images as a torch tensor. Needs torch."""
        return to_torch(self.images)

    def _repr_html_(self) -> str:
        from tweedie import notebook

        return notebook.result_html(self)
