"""Client of tweedied, a server that runs denoising diffusion models.

    import tweedie

    with tweedie.connect() as client:
        job = client.dps(y, operator=tweedie.inpaint_box(8, 8, 16, 16), noise=0.05)
        result = job.result(progress=True)

Images are arrays [N, C, H, W] with values in [-1, 1]; see tweedie.images. The methods are in
tweedie.tasks, operators in tweedie.operators, errors in tweedie.errors, asyncio in tweedie.aio.
"""

from importlib.metadata import version as _version

from tweedie import aio, errors, images, notebook, operators, parity, tasks
from tweedie.batch import Outcome
from tweedie.client import Client, connect
from tweedie.errors import (
    InvalidArgumentError,
    JobCancelledError,
    JobError,
    JobFailedError,
    ServerError,
    TweedieError,
)
from tweedie.jobs import Job
from tweedie.operators import (
    Noise,
    Operator,
    blur,
    decolorize,
    denoising,
    downsampling,
    gaussian_blur,
    gaussian_noise,
    inpaint_box,
    inpainting,
    motion_blur,
    mri,
    phase_retrieval,
    poisson_noise,
    random_blur,
    super_resolution,
    tomography,
)
from tweedie.results import Event, Frame, FrameKind, Measurement, Metrics, Progress, Result, State
from tweedie.retry import RetryPolicy
from tweedie.tasks import Task

__version__ = _version("tweedie")

__all__ = [
    "Client",
    "Event",
    "Frame",
    "FrameKind",
    "InvalidArgumentError",
    "Job",
    "JobCancelledError",
    "JobError",
    "JobFailedError",
    "Measurement",
    "Metrics",
    "Noise",
    "Operator",
    "Outcome",
    "Progress",
    "Result",
    "RetryPolicy",
    "ServerError",
    "State",
    "Task",
    "TweedieError",
    "__version__",
    "aio",
    "blur",
    "connect",
    "decolorize",
    "denoising",
    "downsampling",
    "errors",
    "gaussian_blur",
    "gaussian_noise",
    "images",
    "inpaint_box",
    "inpainting",
    "motion_blur",
    "mri",
    "notebook",
    "operators",
    "parity",
    "phase_retrieval",
    "poisson_noise",
    "random_blur",
    "super_resolution",
    "tasks",
    "tomography",
]
