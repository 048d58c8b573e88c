"""Runs a job and a call of diffusers or deepinv side by side, and says how far they are apart.

Nothing of diffusers, deepinv or torch is imported before it is asked for. What is drawn at random
differs between libraries, so compare what is not: one estimate by Tweedie's formula, deterministic
DDIM, a forward operator.
"""

from __future__ import annotations

import dataclasses
import math
import os
import time
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

import numpy as np

from tweedie import images, operators, tasks

if TYPE_CHECKING:
    from tweedie.client import Client

PathLike = Union[str, "os.PathLike[str]"]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How far two arrays are apart.

    Attributes:
        ours: The server's.
        theirs: The other's.
        psnr: In dB, of all values, with a peak of `peak`; inf if they are equal.
        max_difference: The largest absolute difference.
        peak: The range of values: 2 for images in [-1, 1].
        seconds: How long ours and theirs took, if they were run here.
    """

    ours: images.FloatArray = dataclasses.field(repr=False)
    theirs: images.FloatArray = dataclasses.field(repr=False)
    psnr: float
    max_difference: float
    peak: float = 2.0
    seconds: Optional[tuple[float, float]] = None

    def __str__(self) -> str:
        text = f"PSNR {self.psnr:.2f} dB, max difference {self.max_difference:.3g}"
        if self.seconds is None:
            return text
        return f"{text}; {self.seconds[0]:.2f} s against {self.seconds[1]:.2f} s"


def compare(
    ours: images.ArrayLike,
    theirs: images.ArrayLike,
    *,
    peak: float = 2.0,
    seconds: Optional[tuple[float, float]] = None,
) -> Comparison:
    """Compares arrays or tensors of one shape, as they are: not clamped, not rescaled.

    Raises:
        ValueError: If the shapes differ.
    """
    a, b = images.to_float32(ours, "ours"), images.to_float32(theirs, "theirs")
    if a.shape != b.shape:
        raise ValueError(f"shapes must be equal; were {list(a.shape)} and {list(b.shape)}")
    difference = a.astype(np.float64) - b.astype(np.float64)
    mean_square = float(np.mean(difference**2))
    psnr = math.inf if mean_square == 0 else 10 * math.log10(peak**2 / mean_square)
    return Comparison(a, b, psnr, float(np.abs(difference).max()), peak, seconds)


def side_by_side(
    client: Client,
    task: tasks.Task,
    call: Callable[[], Any],
    *,
    convert: Callable[[Any], images.ArrayLike] = lambda returned: returned,
) -> Comparison:
    """Runs a task and then `call`, and compares their images.

    Args:
        client: Where the task is run.
        task: The task.
        call: Another library's way to the same images.
        convert: Makes [N, C, H, W] in [-1, 1] of what `call` returns: `from_unit` for deepinv's
            images, `from_pipeline` for a pipeline of diffusers.
    """
    begin = time.perf_counter()
    ours = client.submit(task).result().images
    middle = time.perf_counter()
    theirs = convert(call())
    end = time.perf_counter()
    return compare(ours, theirs, seconds=(middle - begin, end - middle))


from_unit = images.from_unit


def from_pipeline(output: Any) -> images.FloatArray:
    """Returns the images of a pipeline's output: [N, H, W, C] in [0, 1], or PIL."""
    found = output.images
    if isinstance(found, list):
        return images.from_images(images.make_images(found, "images"))
    return images.from_nhwc(images.from_unit(found))


def diffusers_denoise(model_dir: PathLike, noisy: images.ArrayLike, timestep: int) -> Any:
    """Returns x0_hat of x_t by diffusers: what denoise(noisy, timestep=...) estimates.

    Args:
        model_dir: A checkpoint of diffusers, of `UNet2DModel` with its scheduler beside it, or a
            pipeline's folder; nothing is downloaded.
        noisy: x_t, [N, C, H, W].
        timestep: t.
    """
    import torch

    unet, scheduler = _load_diffusers(model_dir)
    x_t = images.to_torch(images.to_float32(noisy, "noisy"))
    alpha_bar = scheduler.alphas_cumprod[timestep]
    with torch.no_grad():
        eps = _predict_eps(unet, scheduler, x_t, timestep)
    return (x_t - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()


def diffusers_ddim(
    model_dir: PathLike, noisy: images.ArrayLike, timestep: int, *, clip: bool = True
) -> Any:
    """Returns what deterministic DDIM by diffusers makes of x_t, over all timesteps from t.

    It is what denoise(noisy, timestep=t, process="ddim", eta=0, clip=clip) runs.
    """
    import diffusers
    import torch

    unet, scheduler = _load_diffusers(model_dir)
    ddim = diffusers.DDIMScheduler.from_config(scheduler.config, clip_sample=clip)
    ddim.set_timesteps(ddim.config.num_train_timesteps)
    x = images.to_torch(images.to_float32(noisy, "noisy"))
    with torch.no_grad():
        for t in range(timestep, -1, -1):
            x = ddim.step(unet(x, t).sample, t, x, eta=0.0, use_clipped_model_output=clip)[0]
    return x


def deepinv_operator(
    client: Client,
    physics: Any,
    operator: operators.Operator,
    x: images.ArrayLike,
    *,
    convert: Callable[[Any], images.ArrayLike] = lambda y: y,
) -> Comparison:
    """Compares A(x) by the server with physics.A(x) by deepinv, without noise.

    Args:
        client: Where it is measured.
        physics: Of deepinv.
        operator: What should be the same.
        x: Clean images of the model's size, [N, C, H, W].
        convert: Makes the server's y of deepinv's, where their layouts differ.
    """
    import torch

    clean = images.to_float32(x, "x")
    begin = time.perf_counter()
    job = client.ald(operator=operator, simulate_from=clean, steps=1, labels={"parity": "deepinv"})
    ours = job.measurement().y
    middle = time.perf_counter()
    job.cancel()
    with torch.no_grad():
        theirs = convert(physics.A(images.to_torch(clean)))
    end = time.perf_counter()
    peak = float(np.ptp(ours)) or 1.0
    return compare(ours, theirs, peak=peak, seconds=(middle - begin, end - middle))


def _load_diffusers(model_dir: PathLike) -> tuple[Any, Any]:
    import diffusers

    folder = os.fspath(model_dir)
    is_pipeline = os.path.isdir(os.path.join(folder, "unet"))
    unet = diffusers.UNet2DModel.from_pretrained(
        folder,
        subfolder="unet" if is_pipeline else None,
        local_files_only=True,
        low_cpu_mem_usage=False,  # which would ask for a further package
    )
    scheduler = diffusers.DDPMScheduler.from_pretrained(
        folder, subfolder="scheduler" if is_pipeline else None, local_files_only=True
    )
    return unet.eval(), scheduler


def _predict_eps(unet: Any, scheduler: Any, x_t: Any, timestep: int) -> Any:
    """Returns eps of what the network predicts."""
    output = unet(x_t, timestep).sample[:, : x_t.shape[1]]  # behind it a learned variance
    alpha_bar = scheduler.alphas_cumprod[timestep]
    kind = scheduler.config.prediction_type
    if kind == "epsilon":
        return output
    if kind == "sample":
        return (x_t - alpha_bar.sqrt() * output) / (1 - alpha_bar).sqrt()
    if kind == "v_prediction":
        return alpha_bar.sqrt() * output + (1 - alpha_bar).sqrt() * x_t
    raise ValueError(f"prediction_type {kind} is not known")
