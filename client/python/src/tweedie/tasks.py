"""What a job is to do: one function a method, whose parameters are those of the API and the CLI.

A task can be submitted (`client.submit(task)`), also many times, or by the thousand
(`client.map(tasks)`); `client.dps(...)` is short for `client.submit(tweedie.tasks.dps(...))`.

What is left out is the server's choice, which the job reports. Errors of values that only the
server can judge come from there, and name the field.
"""

from __future__ import annotations

import dataclasses
import difflib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, TypedDict, Union

from typing_extensions import Unpack

from tweedie import operators
from tweedie.images import ArrayLike, ImagesLike, make_images, to_float32, to_tensor
from tweedie.v1 import job_pb2, operator_pb2, task_pb2
from tweedie.v1 import tweedie_service_pb2 as pb

NoiseLike = Union[operators.Noise, float, None]


class JobOptions(TypedDict, total=False):
    """What every task takes.

    Attributes:
        model: The model's name; the server's only one by default.
        seed: Of the job's noise; the server's choice by default.
        priority: Who goes first.
        labels: For people and filters.
        reference: The true clean images, for metrics.
        class_labels: For class-conditional models: one for all images, or one an image.
        samples: Independent results of each input (not of sample(), which has `num_images`).
        job_id: The last part of the job's name; the server's choice by default.
        request_id: A UUID: an equal request with the same one makes no second job in 24 hours.
    """

    model: str
    seed: int
    priority: Literal["batch", "normal", "interactive"]
    labels: Mapping[str, str]
    reference: ImagesLike
    class_labels: Sequence[int]
    samples: int
    job_id: str
    request_id: str


class StepOptions(JobOptions, total=False):
    """What tasks take whose rule of a step is their own.

    Attributes:
        steps: Steps of the reverse process.
        spacing: Which timesteps are kept.
        clip: Whether estimates of x0 are clipped to [-1, 1].
    """

    steps: int
    spacing: Literal["leading", "trailing", "linspace"]
    clip: bool


class ProcessOptions(StepOptions, total=False):
    """What tasks take that leave the rule of a step open.

    Attributes:
        process: DDPM (ancestral sampling), DDIM, or DPM-Solver++ 2M (sampling only).
        eta: DDIM: 0 is deterministic, 1 as noisy as DDPM.
        variance: DDPM: of a step.
    """

    process: Literal["ddpm", "ddim", "dpm-solver"]
    eta: float
    variance: Literal["fixed-small", "fixed-large", "learned-range"]


class Measured(TypedDict, total=False):
    """What tasks take that restore images from a measurement, beside y and its operator.

    Attributes:
        noise: Of the measurement; a number is the sigma of Gaussian noise.
        simulate_from: Instead of y: clean images, to be measured by the server.
    """

    noise: NoiseLike
    simulate_from: Optional[ImagesLike]


class MeasuredStepOptions(Measured, StepOptions, total=False):
    """What they take if their rule of a step is their own. See Measured and StepOptions."""


class MeasuredProcessOptions(Measured, ProcessOptions, total=False):
    """What they take if they leave it open. See Measured and ProcessOptions."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A request for one job. Made by the functions of this module.

    Attributes:
        request: As the API has it.
    """

    request: pb.CreateJobRequest

    @property
    def kind(self) -> str:
        """The method: `sample`, `dps`, ..."""
        return self.request.job.WhichOneof("task") or ""

    def with_request_id(self) -> pb.CreateJobRequest:
        """Returns a copy of the request, with an id if it has none."""
        request = pb.CreateJobRequest()
        request.CopyFrom(self.request)
        request.request_id = request.request_id or str(uuid.uuid4())
        return request

    def __repr__(self) -> str:
        return f"Task({self.kind})"


_PRIORITIES = {
    "batch": job_pb2.Job.BATCH,
    "normal": job_pb2.Job.NORMAL,
    "interactive": job_pb2.Job.INTERACTIVE,
}
_KINDS = {
    "ddpm": task_pb2.ReverseProcess.DDPM,
    "ddim": task_pb2.ReverseProcess.DDIM,
    "dpm-solver": task_pb2.ReverseProcess.DPM_SOLVER_PP_2M,
}
_VARIANCES = {
    "fixed-small": task_pb2.ReverseProcess.FIXED_SMALL,
    "fixed-large": task_pb2.ReverseProcess.FIXED_LARGE,
    "learned-range": task_pb2.ReverseProcess.LEARNED_RANGE,
}
_SPACINGS = {
    "leading": task_pb2.ReverseProcess.LEADING,
    "trailing": task_pb2.ReverseProcess.TRAILING,
    "linspace": task_pb2.ReverseProcess.LINSPACE,
}
_PRIORS = {"ancestral": task_pb2.AldTask.ANCESTRAL, "langevin": task_pb2.AldTask.LANGEVIN}
_OBJECTIVES = {
    "norm": task_pb2.DpsTask.NORM,
    "squared-norm": task_pb2.DpsTask.SQUARED_NORM,
}


def sample(num_images: int = 1, **options: Unpack[ProcessOptions]) -> Task:
    """Draws images from the prior.

    Args:
        num_images: How many.
        **options: See ProcessOptions, StepOptions and JobOptions.
    """
    task = task_pb2.SampleTask(num_images=num_images)
    return _make("sample", task, options, ProcessOptions)


def denoise(
    images: ImagesLike,
    *,
    timestep: Optional[int] = None,
    noise_sigma: Optional[float] = None,
    add_noise: bool = False,
    **options: Unpack[ProcessOptions],
) -> Task:
    """Estimates clean images by Tweedie's formula, in one step or by the reverse process.

    Args:
        images: The noisy images; clean ones with `add_noise`.
        timestep: How noisy they are: x_t = sqrt(abar_t) x0 + sqrt(1 - abar_t) z.
        noise_sigma: Instead: x0 + sigma z, for images in [-1, 1].
        add_noise: Whether the server shall noise them first; they are the reference then.
        **options: See JobOptions; with one of ProcessOptions the reverse process is run.
    """
    if (timestep is None) == (noise_sigma is None):
        raise ValueError("exactly one of timestep and noise_sigma is required")
    made = make_images(images, "images", clean=add_noise)
    task = task_pb2.DenoiseTask(images=made, add_noise=add_noise)
    _set(task, timestep=timestep, noise_sigma=noise_sigma)
    return _make("denoise", task, options, ProcessOptions)


def sdedit(
    guide: Optional[ImagesLike] = None,
    *,
    operator: Optional[operators.Operator] = None,
    y: Optional[ImagesLike] = None,
    simulate_from: Optional[ImagesLike] = None,
    noise: NoiseLike = None,
    strength: Optional[float] = None,
    keep_mask: Optional[ArrayLike] = None,
    keep_measured: bool = False,
    repeats: Optional[int] = None,
    **options: Unpack[ProcessOptions],
) -> Task:
    """Noises a guide, or a measurement, and denoises it again (SDEdit; Meng et al., 2022).

    Args:
        guide: Images to edit; or a measurement with an operator, as below.
        operator: With `y` or `simulate_from`: of a measurement of the image's own shape.
        y: What was measured.
        simulate_from: Clean images, to be measured by the server.
        noise: Of the measurement; a number is the sigma of Gaussian noise.
        strength: How far to noise, in (0, 1].
        keep_mask: With a guide: 1 where it is kept and 0 where it is edited.
        keep_measured: With inpainting: measured pixels are kept.
        repeats: How often it is done again on its result.
        **options: See ProcessOptions, StepOptions and JobOptions.
    """
    task = task_pb2.SdeditTask(keep_measured=keep_measured)
    if operator is not None:
        if guide is not None:
            raise ValueError("guide and operator exclude each other: pass y or simulate_from")
        made = operators.make_measurement(operator, noise, y, simulate_from)
        task.measurement.CopyFrom(made)
    elif guide is None or y is not None or simulate_from is not None or noise is not None:
        raise ValueError("a guide alone, or an operator with y or simulate_from, is required")
    else:
        task.guide.CopyFrom(make_images(guide, "guide", clean=True))
    if keep_mask is not None:
        task.keep_mask.CopyFrom(to_tensor(to_float32(keep_mask, "keep_mask"), "keep_mask"))
    _set(task, strength=strength, num_repeats=repeats)
    return _make("sdedit", task, options, ProcessOptions)


def ald(
    y: Optional[ImagesLike] = None,
    *,
    operator: operators.Operator,
    prior: Optional[Literal["ancestral", "langevin"]] = None,
    steps_per_level: Optional[int] = None,
    step_size: Optional[float] = None,
    gamma_scale: Optional[float] = None,
    likelihood_scale: Optional[float] = None,
    **options: Unpack[MeasuredProcessOptions],
) -> Task:
    """Annealed Langevin dynamics with the likelihood's score (Jalal et al., 2021).

    Args:
        y: What was measured, [N, output...].
        operator: Of the measurement.
        prior: The prior's part of a step.
        steps_per_level: Langevin: steps at each level.
        step_size: Langevin: in (0, 1].
        gamma_scale: Width of the likelihood, above 0.
        likelihood_scale: Its weight, at least 0.
        **options: See Measured, ProcessOptions, StepOptions and JobOptions.
    """
    task = task_pb2.AldTask(measurement=_measure(operator, y, options))
    if prior is not None:
        task.prior = _choose(_PRIORS, prior, "prior")
    _set(task, steps_per_level=steps_per_level, step_size=step_size)
    _set(task, gamma_scale=gamma_scale, likelihood_scale=likelihood_scale)
    return _make("ald", task, options, MeasuredProcessOptions)


def dps(
    y: Optional[ImagesLike] = None,
    *,
    operator: operators.Operator,
    zeta: Optional[float] = None,
    objective: Optional[Literal["norm", "squared-norm"]] = None,
    **options: Unpack[MeasuredProcessOptions],
) -> Task:
    """Diffusion posterior sampling (Chung et al., 2023).

    Args:
        y: What was measured, [N, output...].
        operator: Of the measurement.
        zeta: Step along the gradient, at least 0.
        objective: What the gradient is of: ||A(x0_hat) - y||, or its square.
        **options: See Measured, ProcessOptions, StepOptions and JobOptions.
    """
    task = task_pb2.DpsTask(measurement=_measure(operator, y, options))
    if objective is not None:
        task.objective = _choose(_OBJECTIVES, objective, "objective")
    _set(task, zeta=zeta)
    return _make("dps", task, options, MeasuredProcessOptions)


def ddnm(
    y: Optional[ImagesLike] = None,
    *,
    operator: operators.Operator,
    eta: Optional[float] = None,
    travel_length: Optional[int] = None,
    travel_repeats: Optional[int] = None,
    **options: Unpack[MeasuredStepOptions],
) -> Task:
    """Denoising diffusion null-space model (Wang et al., 2023). For linear operators.

    Args:
        y: What was measured, [N, output...].
        operator: Of the measurement.
        eta: Part of fresh noise, in [0, 1].
        travel_length: Time travel: steps of a stretch.
        travel_repeats: How often each stretch is made.
        **options: See Measured, StepOptions and JobOptions.
    """
    task = task_pb2.DdnmTask(measurement=_measure(operator, y, options))
    _set(task, eta=eta, travel_length=travel_length, travel_repeats=travel_repeats)
    return _make("ddnm", task, options, MeasuredStepOptions)


def ddrm(
    y: Optional[ImagesLike] = None,
    *,
    operator: operators.Operator,
    eta: Optional[float] = None,
    eta_b: Optional[float] = None,
    **options: Unpack[MeasuredStepOptions],
) -> Task:
    """Denoising diffusion restoration (Kawar et al., 2022). For operators with a spectrum.

    Args:
        y: What was measured, [N, output...].
        operator: Of the measurement.
        eta: Part of fresh noise, in [0, 1].
        eta_b: How near to the measurement, in [0, 1].
        **options: See Measured, StepOptions and JobOptions.
    """
    task = task_pb2.DdrmTask(measurement=_measure(operator, y, options))
    _set(task, eta=eta, eta_b=eta_b)
    return _make("ddrm", task, options, MeasuredStepOptions)


def pigdm(
    y: Optional[ImagesLike] = None,
    *,
    operator: operators.Operator,
    eta: Optional[float] = None,
    **options: Unpack[MeasuredStepOptions],
) -> Task:
    """Pseudoinverse-guided diffusion (Song et al., 2023). For linear operators.

    Args:
        y: What was measured, [N, output...].
        operator: Of the measurement.
        eta: Part of fresh noise, in [0, 1].
        **options: See Measured, StepOptions and JobOptions.
    """
    task = task_pb2.PigdmTask(measurement=_measure(operator, y, options))
    _set(task.process, eta=eta)
    return _make("pigdm", task, options, MeasuredStepOptions)


def diffpir(
    y: Optional[ImagesLike] = None,
    *,
    operator: operators.Operator,
    lambda_: Optional[float] = None,
    zeta: Optional[float] = None,
    **options: Unpack[MeasuredStepOptions],
) -> Task:
    """Plug-and-play restoration, DiffPIR (Zhu et al., 2023). For linear operators.

    Args:
        y: What was measured, [N, output...].
        operator: Of the measurement.
        lambda_: Weight of the prior, above 0.
        zeta: Part of fresh noise, in [0, 1].
        **options: See Measured, StepOptions and JobOptions.
    """
    task = task_pb2.DiffpirTask(measurement=_measure(operator, y, options))
    _set(task, **{"lambda": lambda_, "zeta": zeta})
    return _make("diffpir", task, options, MeasuredStepOptions)


def reddiff(
    y: Optional[ImagesLike] = None,
    *,
    operator: operators.Operator,
    learning_rate: Optional[float] = None,
    prior_weight: Optional[float] = None,
    data_weight: Optional[float] = None,
    **options: Unpack[MeasuredStepOptions],
) -> Task:
    """Regularisation by denoising diffusion, RED-diff (Mardani et al., 2024).

    Args:
        y: What was measured, [N, output...].
        operator: Of the measurement.
        learning_rate: Adam's step, above 0.
        prior_weight: Weight of the prior, at least 0.
        data_weight: Weight of the measurement, at least 0.
        **options: See Measured, StepOptions and JobOptions.
    """
    task = task_pb2.ReddiffTask(measurement=_measure(operator, y, options))
    _set(task, learning_rate=learning_rate, prior_weight=prior_weight, data_weight=data_weight)
    return _make("reddiff", task, options, MeasuredStepOptions)


def repaint(
    y: Optional[ImagesLike] = None,
    *,
    operator: operators.Operator,
    jump_length: Optional[int] = None,
    resamples: Optional[int] = None,
    variance: Optional[Literal["fixed-small", "fixed-large", "learned-range"]] = None,
    **options: Unpack[MeasuredStepOptions],
) -> Task:
    """Inpainting by resampling, RePaint (Lugmayr et al., 2022). Without noise.

    Args:
        y: What was measured, [N, C, H, W].
        operator: inpainting() or inpaint_box().
        jump_length: Steps of a jump.
        resamples: How often each stretch is sampled.
        variance: Of a step.
        **options: See Measured, StepOptions and JobOptions.
    """
    task = task_pb2.RepaintTask(measurement=_measure(operator, y, options))
    _set(task, jump_length=jump_length, num_resamples=resamples)
    if variance is not None:
        task.process.variance = _choose(_VARIANCES, variance, "variance")
    return _make("repaint", task, options, MeasuredStepOptions)


def _measure(
    operator: operators.Operator, y: Optional[ImagesLike], options: Measured
) -> operator_pb2.Measurement:
    noise, simulate_from = options.get("noise"), options.get("simulate_from")
    return operators.make_measurement(operator, noise, y, simulate_from)


def _make(kind: str, task: Any, options: Mapping[str, Any], allowed: type) -> Task:
    """Returns the task with `options` set, which must be among those of `allowed`."""
    _check_names(kind, options, allowed)
    process = _make_process(options)
    if process.ByteSize() > 0:
        task.process.MergeFrom(process)
    request = pb.CreateJobRequest(job_id=options.get("job_id", ""))
    request.request_id = options.get("request_id", "")
    job = request.job
    getattr(job, kind).CopyFrom(task)
    job.model = model_name(options.get("model", ""))
    _set(job, seed=options.get("seed"), samples_per_image=options.get("samples"))
    job.labels.update(options.get("labels", {}))
    job.class_labels.extend(options.get("class_labels", ()))
    if "priority" in options:
        job.priority = _choose(_PRIORITIES, options["priority"], "priority")
    if options.get("reference") is not None:
        reference = make_images(options["reference"], "reference", clean=True)
        job.reference.CopyFrom(reference)
    return Task(request)


def _make_process(options: Mapping[str, Any]) -> task_pb2.ReverseProcess:
    process = task_pb2.ReverseProcess()
    _set(process, num_steps=options.get("steps"), clip_x0=options.get("clip"))
    _set(process, eta=options.get("eta"))
    if "process" in options:
        process.kind = _choose(_KINDS, options["process"], "process")
    if "variance" in options:
        process.variance = _choose(_VARIANCES, options["variance"], "variance")
    if "spacing" in options:
        process.spacing = _choose(_SPACINGS, options["spacing"], "spacing")
    return process


def model_name(name: str) -> str:
    """Returns `models/NAME` of either form."""
    return name if not name or name.startswith("models/") else f"models/{name}"


def _check_names(kind: str, options: Mapping[str, Any], allowed: type) -> None:
    names = sorted(allowed.__optional_keys__)  # type: ignore[attr-defined]
    for name in options:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; it takes {', '.join(names)}"
            raise TypeError(f"{kind}() takes no {name}{hint}")


def _set(message: Any, **fields: Any) -> None:
    """Sets the fields that are not None; an error names the field."""
    for name, value in fields.items():
        if value is None:
            continue
        try:
            setattr(message, name, value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from None


def _choose(table: Mapping[str, Any], value: str, name: str) -> Any:
    if value not in table:
        raise ValueError(f"{name} must be one of {', '.join(table)}; was {value}")
    return table[value]
