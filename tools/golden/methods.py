#!/usr/bin/env python3
"""Golden trajectories of the reverse processes and golden schedules: diffusers' where it follows
the rules of task.proto, otherwise an independent NumPy loop by those rules.

usage: methods.py FOLDER     (tests/golden/methods/v1)

Both sides ask the same closed-form "network" and draw the same noise, by the contract (noise.py).
Wherever diffusers serves, the NumPy loop runs as well and must agree within TOLERANCE, so that the
loop may stand alone where diffusers steps to another timestep than the next kept one (its DDIM,
for LEADING moved to T - 1, for LINSPACE, and for TRAILING where N does not divide T).

Needs diffusers 0.42.1, torch 2.15.0, numpy and safetensors.
"""
import argparse
import pathlib
from unittest import mock

import diffusers
import numpy as np
import torch
from diffusers.schedulers import scheduling_ddpm
from safetensors.numpy import save_file

import noise
from rules import T, abar_table, kept_timesteps

SHAPE = (2, 3, 5)
IMAGES = 2
SEED = 1234
TOLERANCE = 1e-4
THRESHOLD = {"dynamic_thresholding_ratio": 0.9, "sample_max_value": 1.5}


def network(x, t):
    """[n, 2C, H, W]: a prediction and, for those that want one, a variance."""
    soft = x / (1 + abs(x))
    variance = 2 * x / (1 + abs(2 * x))
    cat = torch.cat if isinstance(x, torch.Tensor) else np.concatenate
    return cat([x * (0.3 + 0.5 * (t / T)) + 0.4 * soft, variance], 1)


class Case:
    """One process, from x_T or from a noisy image at timesteps[0]."""

    def __init__(self, kind, timesteps, prediction="epsilon", clip="clamp", variance="fixed_small",
                 eta=0.0, served=True):
        self.kind, self.timesteps, self.prediction = kind, timesteps, prediction
        self.clip, self.variance, self.eta = clip, variance, eta
        self.served = served  # whether diffusers steps to the next kept timestep

    def start(self):
        return noise.image_normals(SEED, IMAGES, 0, noise.INITIAL, SHAPE)

    def z(self, step):
        return noise.image_normals(SEED, IMAGES, step, noise.STEP, SHAPE)


def numpy_run(case):
    """x after each step and x0_hat of each, float64, by the proto's rules."""
    abar = abar_table()
    x, before, xs, x0s = case.start().astype(np.float64), None, [], []
    for i, t in enumerate(case.timesteps):
        last = i + 1 == len(case.timesteps)
        a, b = abar[t], 1.0 if last else abar[case.timesteps[i + 1]]
        out = network(x, t)
        out, v = out[:, :SHAPE[0]], out[:, SHAPE[0]:]
        x0 = {"epsilon": (x - (1 - a) ** 0.5 * out) / a ** 0.5, "sample": out,
              "v_prediction": a ** 0.5 * x - (1 - a) ** 0.5 * out}[case.prediction]
        if case.clip == "clamp":
            x0 = x0.clip(-1, 1)
        elif case.clip == "dynamic":
            s = np.quantile(abs(x0).reshape(IMAGES, -1), THRESHOLD["dynamic_thresholding_ratio"], axis=1)
            s = s.clip(1, THRESHOLD["sample_max_value"]).reshape(-1, 1, 1, 1)
            x0 = x0.clip(-s, s) / s
        eps = (x - a ** 0.5 * x0) / (1 - a) ** 0.5
        if case.kind == "ddpm":
            large = 1 - a / b
            small = large * (1 - b) / (1 - a)
            mean = b ** 0.5 * large / (1 - a) * x0 + (a / b) ** 0.5 * (1 - b) / (1 - a) * x
            if case.variance == "learned_range" and not last:
                f = (v + 1) / 2
                var = np.exp(f * np.log(large) + (1 - f) * np.log(small))
            else:
                var = large if case.variance == "fixed_large" else small
            x = mean if last else mean + var ** 0.5 * case.z(i)
        elif case.kind == "ddim":
            std = case.eta * ((1 - b) / (1 - a) * (1 - a / b)) ** 0.5
            x = b ** 0.5 * x0 + max(1 - b - std ** 2, 0) ** 0.5 * eps + std * case.z(i)
        elif last:
            x = x0
        else:
            lam = [0.5 * np.log(c / (1 - c)) for c in (abar[case.timesteps[i - 1]], a, b)]
            h = lam[2] - lam[1]
            half = 0 if before is None else 0.5 * h / (lam[1] - lam[0])
            d = x0 if before is None else (1 + half) * x0 - half * before
            x = ((1 - b) / (1 - a)) ** 0.5 * x - b ** 0.5 * (np.exp(-h) - 1) * d
        before = x0
        xs.append(x)
        x0s.append(x0)
    return np.stack(xs), np.stack(x0s)


def make_scheduler(case):
    common = {"num_train_timesteps": T, "prediction_type": case.prediction,
              "thresholding": case.clip == "dynamic", **THRESHOLD}
    if case.kind == "dpm":
        assert case.clip != "clamp", "diffusers' DPM-Solver has no clamp"
        scheduler = diffusers.DPMSolverMultistepScheduler(
            solver_order=2, algorithm_type="dpmsolver++", solver_type="midpoint",
            lower_order_final=True, final_sigmas_type="zero", **common)
        scheduler.set_timesteps(timesteps=case.timesteps)
        return scheduler
    common["clip_sample"] = case.clip == "clamp"
    if case.kind == "ddpm":
        scheduler = diffusers.DDPMScheduler(variance_type=case.variance, **common)
        scheduler.set_timesteps(timesteps=case.timesteps)
        return scheduler
    scheduler = diffusers.DDIMScheduler(**common)
    scheduler.set_timesteps(len(case.timesteps))
    scheduler.timesteps = torch.tensor(case.timesteps)
    return scheduler


def ddpm_step(scheduler, out, t, x, z):
    # DDPMScheduler decides on its noise by t > 0; every list here ends at 0 or has no noise there.
    with mock.patch.object(scheduling_ddpm, "randn_tensor", lambda *_, **__: z):
        step = scheduler.step(out, t, x)
    return step.prev_sample, step.pred_original_sample


def diffusers_run(case):
    """As numpy_run, float32; for DDPM also the means and deviations."""
    scheduler = make_scheduler(case)
    x, tensors = torch.from_numpy(case.start()), {"x": [], "x0_hat": [], "mean": [], "deviation": []}
    for i, t in enumerate(case.timesteps):
        out = network(x, t)
        if case.variance != "learned_range":
            out = out[:, :SHAPE[0]]
        z = torch.from_numpy(case.z(i))
        if case.kind == "ddpm":
            last = i + 1 == len(case.timesteps)
            mean, x0 = ddpm_step(scheduler, out, t, x, torch.zeros_like(z))
            moved, _ = ddpm_step(scheduler, out, t, x, torch.ones_like(z))
            tensors["mean"].append(mean)
            tensors["deviation"].append(moved - mean)
            x = mean if last else ddpm_step(scheduler, out, t, x, z)[0]
        elif case.kind == "ddim":
            step = scheduler.step(out, t, x, eta=case.eta, use_clipped_model_output=True,
                                  variance_noise=z)
            x, x0 = step.prev_sample, step.pred_original_sample
        else:
            x = scheduler.step(out, t, x).prev_sample
            x0 = scheduler.model_outputs[-1]
        tensors["x"].append(x)
        tensors["x0_hat"].append(x0)
    return {k: torch.stack(v).numpy() for k, v in tensors.items() if v}


def cases():
    """Names are those of tests/golden/methods/trajectory_test.cc."""
    leading = [900, 800, 700, 600, 500, 400, 300, 200, 100, 0]  # diffusers' own, not moved
    result = {
        "ddpm_fixed_small": Case("ddpm", leading),
        "ddpm_fixed_large": Case("ddpm", leading, variance="fixed_large"),
        "ddpm_learned_range": Case("ddpm", leading, variance="learned_range"),
        "ddpm_unclipped": Case("ddpm", leading, clip="none"),
        "ddpm_v": Case("ddpm", leading, "v_prediction"),
        "ddpm_sample": Case("ddpm", leading, "sample"),
        "ddpm_dynamic": Case("ddpm", leading, clip="dynamic"),
        "ddim_eta_0": Case("ddim", leading),
        "ddim_eta_07": Case("ddim", leading, eta=0.7),
        "ddim_unclipped": Case("ddim", leading, clip="none", eta=1.0),
        "ddim_v": Case("ddim", leading, "v_prediction", clip="none"),
        "ddim_sample": Case("ddim", leading, "sample", clip="none"),
        "dpm": Case("dpm", leading, clip="none"),
        "dpm_v": Case("dpm", leading, "v_prediction", clip="none"),
        "dpm_dynamic": Case("dpm", leading, clip="dynamic"),
    }
    for spacing in ("leading", "trailing", "linspace"):
        for n in (10, 7):
            kept = kept_timesteps(spacing, T, n)
            steps_alike = spacing == "trailing" and T % n == 0
            result[f"{spacing}_{n}_ddpm"] = Case("ddpm", kept)
            result[f"{spacing}_{n}_ddim"] = Case("ddim", kept, eta=0.5, served=steps_alike)
            result[f"{spacing}_{n}_dpm"] = Case("dpm", kept, clip="none")
    result["level_300_leading_ddim"] = Case("ddim", kept_timesteps("leading", 301, 10), served=False)
    result["level_300_trailing_ddpm"] = Case("ddpm", kept_timesteps("trailing", 301, 10))
    return result


def run(name, case):
    xs, x0s = numpy_run(case)
    tensors = {"x": xs.astype(np.float32), "x0_hat": x0s.astype(np.float32)}
    if case.served:
        tensors = diffusers_run(case)
        difference = max(abs(tensors["x"] - xs).max(), abs(tensors["x0_hat"] - x0s).max())
        print(f"{name:28} diffusers - numpy {difference:.1e}")
        assert difference < TOLERANCE, name
    if not name.startswith("ddpm_fixed") and name != "ddpm_learned_range":
        tensors = {k: v for k, v in tensors.items() if k in ("x", "x0_hat")}
    tensors["timesteps"] = np.array(case.timesteps, np.int64)
    return {f"{name}.{key}": np.ascontiguousarray(value) for key, value in tensors.items()}


SCHEDULES = {
    "linear": {}, "linear_37": {"num_train_timesteps": 37, "beta_start": 0.01, "beta_end": 0.3},
    "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"}, "sigmoid": {"beta_schedule": "sigmoid"},
    "laplace": {"beta_schedule": "laplace"},
    "trained_betas": {"num_train_timesteps": 5, "trained_betas": [0.1, 0.2, 0.15, 0.4, 0.7]},
    "zero_snr": {"rescale_betas_zero_snr": True},
}


def schedules():
    """alpha_bar at every 9th timestep and the last, float32."""
    tables = {}
    for name, config in SCHEDULES.items():
        table = diffusers.DDPMScheduler(**config).alphas_cumprod
        tables[name] = torch.cat([table[::9], table[-1:]]).numpy()
    return tables


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, case in cases().items():
        tensors |= run(name, case)
    save_file(tensors, folder / "trajectories.safetensors", {"diffusers": diffusers.__version__})
    save_file(schedules(), folder / "schedules.safetensors", {"diffusers": diffusers.__version__})


if __name__ == "__main__":
    main()
