"""What users would write: a loop of diffusers' or PyTorch's own around the network. As a program, one user:

usage: python -m bench.harness.loops MODEL THREADS KIND IMAGES STEPS

Says {"ready": seconds} once all is loaded; runs its job at a line of input and says {"seconds": ...}.
"""
import json
import sys
import time

import diffusers
import torch

from . import networks

ZETA = 2.0  # of DPS, as tweedie's own for 100 steps of inpainting


def sample(unet, scheduler, images: int, steps: int) -> torch.Tensor:
    """Draws images by a scheduler of diffusers."""
    scheduler.set_timesteps(steps)
    x, _ = networks.input_of(unet, images)
    for t in scheduler.timesteps:
        with torch.no_grad():
            eps = unet(x, t).sample
        x = scheduler.step(eps, t, x).prev_sample
    return x


def dps_step(unet, abars, x, t: int, before: int, mask, y) -> torch.Tensor:
    """x_{t'} of x_t: an ancestral step less zeta times the gradient of ||y - A(x0_hat)|| (Chung et al., 2023)."""
    abar, abar_before = abars[t], abars[before] if before >= 0 else torch.tensor(1.0)
    x = x.detach().requires_grad_()
    eps = unet(x, t).sample
    x0_hat = ((x - (1 - abar).sqrt() * eps) / abar.sqrt()).clamp(-1, 1)
    gradient, = torch.autograd.grad((y - mask * x0_hat).flatten(1).norm(dim=1).sum(), x)
    beta = 1 - abar / abar_before
    mean = (abar_before.sqrt() * beta * x0_hat + (1 - beta).sqrt() * (1 - abar_before) * x) / (1 - abar)
    sigma = ((1 - abar_before) / (1 - abar) * beta).sqrt()
    return (mean + sigma * torch.randn_like(x) - ZETA * gradient).detach()


def dps(unet, scheduler, images: int, steps: int) -> torch.Tensor:
    """Restores images of which half of the pixels are missing."""
    scheduler.set_timesteps(steps)
    x, _ = networks.input_of(unet, images)
    mask = (torch.rand(x.shape[-2:]) > 0.5).float()
    y = mask * (torch.rand_like(x) * 2 - 1)
    timesteps = scheduler.timesteps.tolist()
    for t, before in zip(timesteps, timesteps[1:] + [-1]):
        x = dps_step(unet, scheduler.alphas_cumprod, x, t, before, mask, y)
    return x


def deepinv_dps(unet, scheduler, images: int, steps: int):
    """The same by deepinv, as its own wrapper of diffusers' models sets it up; a function that runs it."""
    import deepinv
    from deepinv.models.wrapper import ScoreModelWrapper

    class Denoiser(ScoreModelWrapper):
        def forward(self, x, sigma=None, **kwargs):
            return super().forward(x, sigma, return_dict=False, **kwargs)

    denoiser = Denoiser(score_model=unet, prediction_type="epsilon", clip_output=True,
                        scale_t=scheduler.alphas_cumprod.sqrt(), sigma_t=None, variance_preserving=True,
                        variance_exploding=False, takes_integer_time=True,
                        n_timesteps=len(scheduler.alphas_cumprod))
    clean = torch.rand(networks.input_of(unet, images)[0].shape)
    physics = deepinv.physics.Inpainting(img_size=clean.shape[1:], mask=0.5)
    sampler = deepinv.sampling.DPS(denoiser, num_steps=steps + 1, dtype=torch.float32)
    return lambda: sampler(physics(clean), physics)


def run(unet, folder, kind: str, images: int, steps: int) -> torch.Tensor:
    scheduler = diffusers.DDPMScheduler.from_pretrained(folder)
    if kind == "dps":
        return dps(unet, scheduler, images, steps)
    if kind == "ddim":
        scheduler = diffusers.DDIMScheduler.from_config(scheduler.config)
    return sample(unet, scheduler, images, steps)


def main():
    folder, threads, kind, images, steps = sys.argv[1:]
    begin = time.monotonic()
    torch.set_num_threads(int(threads))
    unet = networks.load(folder)
    print(json.dumps({"ready": time.monotonic() - begin}), flush=True)
    for _ in sys.stdin:
        begin = time.monotonic()
        run(unet, folder, kind, int(images), int(steps))
        print(json.dumps({"seconds": time.monotonic() - begin}), flush=True)


if __name__ == "__main__":
    main()
