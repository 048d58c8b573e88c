#!/usr/bin/env python3
"""Golden trajectories of the methods that restore images from measurements: a plain NumPy loop for
each, in float64, by its authors' rules as task.proto states them.

usage: posterior.py FOLDER     (tests/golden/methods/v1)

The "network" is a closed form whose derivative is one too; operators are dense matrices, spectra
those of NumPy; noise is that of the contract (noise.py). Each loop stores the x of every evaluation
and of the result, every x0_hat, the timesteps, and y.

Needs numpy and safetensors.
"""
import argparse
import pathlib

import numpy as np
from safetensors.numpy import save_file

import noise
from rules import T, abar_table, kept_timesteps

SHAPE = (2, 4, 6)
SIZE = int(np.prod(SHAPE))
IMAGES = 2
SEED = 4321
ABAR = abar_table()


def abar(t):
    return 1.0 if t < 0 else ABAR[t]


def network(x, t):
    return x * (0.3 + 0.5 * (t / T)) + 0.4 * x / (1 + abs(x))


def slope(x, t):
    """The derivative of network(x, t), which acts on each element alone."""
    return 0.3 + 0.5 * (t / T) + 0.4 / (1 + abs(x)) ** 2


def estimate(x, t):
    """x0_hat, clipped to [-1, 1], and the eps that goes with it."""
    a = abar(t)
    x0 = ((x - (1 - a) ** 0.5 * network(x, t)) / a ** 0.5).clip(-1, 1)
    return x0, (x - a ** 0.5 * x0) / (1 - a) ** 0.5


def x0_slope(x, t):
    """d x0_hat / d x, 0 where x0_hat is clipped."""
    a = abar(t)
    x0 = (x - (1 - a) ** 0.5 * network(x, t)) / a ** 0.5
    return (1 - (1 - a) ** 0.5 * slope(x, t)) / a ** 0.5 * (abs(x0) <= 1)


def draw(purpose, step, inner=0):
    normals = noise.image_normals(SEED, IMAGES, step, purpose, SHAPE, inner)
    return normals.reshape(IMAGES, SIZE).astype(np.float64)


def noised(x, a, z):
    return a ** 0.5 * x + (1 - a) ** 0.5 * z


# Operators: y = x A^T for rows x of flattened images.

def inpainting(mask):
    return np.diag(np.broadcast_to(mask, SHAPE).reshape(-1).astype(np.float64))


def circular_blur(kernel):
    a = np.zeros((SIZE, SIZE))
    for i in range(SIZE):
        point = np.zeros(SIZE)
        point[i] = 1
        image, out = point.reshape(SHAPE), np.zeros(SHAPE)
        for row in range(3):
            for column in range(3):
                out += kernel[row, column] * np.roll(image, (row - 1, column - 1), (1, 2))
        a[:, i] = out.reshape(-1)
    return a


def block_means():
    c, h, w = SHAPE
    a = np.zeros((c, h // 2, w // 2, c, h, w))
    for ch in range(c):
        for i in range(h):
            for j in range(w):
                a[ch, i // 2, j // 2, ch, i, j] = 0.25
    return a.reshape(-1, SIZE)


KERNEL = np.array([[0.1, -0.05, 0.3], [0.2, 0.5, 0.0], [0.15, 0.05, -0.2]], np.float32).astype(float)
MASK = (np.add.outer(np.arange(4), 2 * np.arange(6)) % 3 != 0).astype(np.float32)
GUIDE = np.tanh(np.arange(IMAGES * SIZE) % 17 / 6 - 1.3).reshape(IMAGES, SIZE)
GUIDE = GUIDE.astype(np.float32).astype(np.float64)
BLUR, AVERAGE, INPAINTING = circular_blur(KERNEL), block_means(), inpainting(MASK)


def measured(a, sigma):
    """y, rounded to float32 as the task holds it."""
    rows = GUIDE @ a.T
    n = np.sin(np.arange(rows.size) * 1.7).reshape(rows.shape) * sigma
    return (rows + n * (a.any(axis=1))).astype(np.float32).astype(np.float64)


class Trace:
    def __init__(self, y=None):
        self.y, self.x, self.x0, self.t = y, [], [], []

    def see(self, x, t, x0):
        self.x.append(x)
        self.t.append(t)
        self.x0.append(x0)

    def end(self, x):
        self.x.append(x)
        return self


# Steps of the prior.

def ddpm(x, x0, t, s, z):
    """Fixed-small variance."""
    a, b = abar(t), abar(s)
    beta = 1 - a / b
    mean = b ** 0.5 * beta / (1 - a) * x0 + (1 - beta) ** 0.5 * (1 - b) / (1 - a) * x
    return mean + ((1 - b) / (1 - a) * beta) ** 0.5 * z


def ddim(x0, eps, t, s, eta, z):
    a, b = abar(t), abar(s)
    deviation = eta * ((1 - b) / (1 - a) * (1 - a / b)) ** 0.5
    return b ** 0.5 * x0 + max(1 - b - deviation ** 2, 0) ** 0.5 * eps + deviation * z


def steps(kept):
    return list(zip(kept, kept[1:] + [-1]))


# Methods.

def sdedit(keep, repeats, eta):
    """Strength 0.6 in 5 DDIM steps."""
    kept = kept_timesteps("leading", 600, 5)
    keep = np.broadcast_to(keep, SHAPE).reshape(-1) > 0
    trace, x, i = Trace(), GUIDE, 0
    for repeat in range(repeats):
        e = draw(noise.GUIDE, repeat)
        x = noised(x, abar(kept[0]), e)
        for t, s in steps(kept):
            x0, eps = estimate(x, t)
            trace.see(x, t, x0)
            x = ddim(x0, eps, t, s, eta, draw(noise.STEP, i))
            x = np.where(keep, noised(GUIDE, abar(s), e), x)
            i += 1
    return trace.end(x)


def sigma2(t):
    return (1 - abar(t)) / abar(t)


def pull(a, y, x, t, sigma, gamma, scale):
    u = x / abar(t) ** 0.5
    c = min(1, 1 / np.linalg.svd(a, compute_uv=False)[0] ** 2)
    return scale * c / (2 * (sigma ** 2 + gamma ** 2 * sigma2(t))) * 2 * (u @ a.T - y) @ a


def ald_ancestral(a, sigma, gamma, scale):
    y, x = measured(a, sigma), draw(noise.INITIAL, 0)
    trace = Trace(y)
    for i, (t, s) in enumerate(steps(kept_timesteps("leading", T, 10))):
        x0, _ = estimate(x, t)
        trace.see(x, t, x0)
        g = pull(a, y, x, t, sigma, gamma, scale)
        x = ddpm(x, x0, t, s, draw(noise.STEP, i))
        x = x - abar(s) ** 0.5 * gamma ** 2 * (sigma2(t) - sigma2(s)) * g
    return trace.end(x)


def ald_langevin(a, sigma, step_size, per_level):
    y, x, i = measured(a, sigma), draw(noise.INITIAL, 0), 0
    trace = Trace(y)
    kept = kept_timesteps("leading", T, 4)
    u = x / abar(kept[0]) ** 0.5
    for t in kept:
        for _ in range(per_level):
            x = abar(t) ** 0.5 * u
            x0, eps = estimate(x, t)
            trace.see(x, t, x0)
            rate = step_size * sigma2(t)
            drift = -eps / sigma2(t) ** 0.5 - pull(a, y, x, t, sigma, 1, 1)
            u = u + rate * drift + (2 * rate) ** 0.5 * draw(noise.STEP, i)
            i += 1
    x = abar(kept[-1]) ** 0.5 * u
    x0, _ = estimate(x, kept[-1])
    trace.see(x, kept[-1], x0)
    return trace.end(x0)


def dps(a, zeta, squared):
    """NORM on ancestral steps; SQUARED_NORM on DDIM ones, eta 0.5."""
    y, x = measured(a, 0.05), draw(noise.INITIAL, 0)
    trace = Trace(y)
    for i, (t, s) in enumerate(steps(kept_timesteps("leading", T, 10))):
        x0, eps = estimate(x, t)
        trace.see(x, t, x0)
        r = x0 @ a.T - y
        g = 2 * r if squared else r / np.linalg.norm(r, axis=1, keepdims=True)
        g = (g @ a) * x0_slope(x, t)
        z = draw(noise.STEP, i)
        x = (ddim(x0, eps, t, s, 0.5, z) if squared else ddpm(x, x0, t, s, z)) - zeta * g
    return trace.end(x)


def jumps(kept, length, times):
    """get_schedule_jump() of RePaint and DDNM, on kept timesteps."""
    n = len(kept)
    left = {j: times - 1 for j in range(0, n - length, length)}
    i, order = n, []
    while i >= 1:
        i -= 1
        order.append(i)
        if left.get(i, 0) > 0:
            left[i] -= 1
            for _ in range(length):
                i += 1
                order.append(i)
    return [kept[::-1][i] for i in order] + [-1]


def climb(x, t, higher, number):
    return noised(x, abar(higher) / abar(t), draw(noise.RENOISE, number))


def ddnm(a, eta, length, times):
    y, x = measured(a, 0), draw(noise.INITIAL, 0)
    trace, i, climbs, inverse = Trace(y), 0, 0, np.linalg.pinv(a)
    path = jumps(kept_timesteps("leading", T, 6), length, times)
    for t, s in zip(path, path[1:]):
        if s > t:
            climbs += 1
            x = climb(x, t, s, climbs)
            continue
        x0, eps = estimate(x, t)
        trace.see(x, t, x0)
        fitted = x0 - (x0 @ a.T - y) @ inverse.T
        b = abar(s)
        z = draw(noise.STEP, i)
        x = b ** 0.5 * fitted + (1 - b) ** 0.5 * (eta * z + (1 - eta ** 2) ** 0.5 * eps)
        i += 1
    return trace.end(x)


def spectrum(a):
    """Singular values and right singular vectors (rows), all SIZE of them."""
    _, s, vt = np.linalg.svd(a, full_matrices=True)
    s = np.concatenate([s, np.zeros(SIZE - s.size)])
    return np.where(s < 1e-9, 0, s), vt


def projected(a, y):
    s, vt = spectrum(a)
    inverse = np.where(s > 0, 1 / np.where(s > 0, s, 1), 0)
    return (y @ a @ vt.T) * inverse ** 2, inverse, s > 0, vt


def ddnm_plus(a, sigma, eta):
    """As Lambda and Lambda_noise of the authors' code."""
    y, x = measured(a, sigma), draw(noise.INITIAL, 0)
    y_bar, inverse, seen, vt = projected(a, y)
    trace = Trace(y)
    for i, (t, s) in enumerate(steps(kept_timesteps("leading", T, 10))):
        x0, eps = estimate(x, t)
        trace.see(x, t, x0)
        signal, level = abar(s) ** 0.5, (1 - abar(s)) ** 0.5
        weak = level < signal * sigma * inverse
        rate = np.ones(SIZE)
        rate[weak] = level * (1 - eta ** 2) ** 0.5 / (signal * sigma * inverse[weak])
        d1 = np.where(weak, level * eta, np.maximum(level ** 2 - (signal * sigma * inverse) ** 2, 0) ** 0.5)
        d1 = np.where(seen, d1, level * eta)
        d2 = np.where(seen, 0, level * (1 - eta ** 2) ** 0.5)
        c = x0 @ vt.T
        c = c - np.where(seen, rate * (c - y_bar), 0)
        x = (signal * c + d1 * (draw(noise.STEP, i) @ vt.T) + d2 * (eps @ vt.T)) @ vt
    return trace.end(x)


def ddrm(a, sigma, eta, eta_b):
    y = measured(a, sigma)
    y_bar, inverse, seen, vt = projected(a, y)
    noise_bar = sigma * inverse
    kept = kept_timesteps("leading", T, 10)
    trace, top = Trace(y), sigma2(kept[0]) ** 0.5
    z = draw(noise.INITIAL, 0) @ vt.T
    good = seen & (top >= noise_bar)
    start = np.where(good, y_bar + np.maximum(top ** 2 - noise_bar ** 2, 0) ** 0.5 * z, top * z)
    x = abar(kept[0]) ** 0.5 * start @ vt
    for i, (t, s) in enumerate(steps(kept)):
        x0, eps = estimate(x, t)
        trace.see(x, t, x0)
        v = sigma2(s) ** 0.5
        c, e, z = x0 @ vt.T, eps @ vt.T, draw(noise.STEP, i) @ vt.T
        free = c + (1 - eta ** 2) ** 0.5 * v * e + eta * v * z
        clear = (1 - eta_b) * c + eta_b * y_bar \
            + np.maximum(v ** 2 - (eta_b * noise_bar) ** 2, 0) ** 0.5 * z
        ratio = v / np.where(noise_bar > 0, noise_bar, 1)
        weak = c + (1 - eta ** 2) ** 0.5 * ratio * (y_bar - c) + eta * v * z
        bar = np.where(seen, np.where(v >= noise_bar, clear, weak), free)
        x = abar(s) ** 0.5 * bar @ vt
    return trace.end(x)


def pigdm(a, sigma, eta):
    y, x = measured(a, sigma), draw(noise.INITIAL, 0)
    trace = Trace(y)
    for i, (t, s) in enumerate(steps(kept_timesteps("leading", T, 10))):
        x0, eps = estimate(x, t)
        trace.see(x, t, x0)
        inner = a @ a.T + sigma ** 2 / (1 - abar(t)) * np.eye(len(a))
        solved = np.linalg.lstsq(inner, (y - x0 @ a.T).T, rcond=1e-9)[0].T
        g = (solved @ a) * x0_slope(x, t)
        x = ddim(x0, eps, t, s, eta, draw(noise.STEP, i)) + (abar(s) * abar(t)) ** 0.5 * g
    return trace.end(x)


def diffpir(a, sigma, lam, zeta):
    y, x = measured(a, sigma), draw(noise.INITIAL, 0)
    trace = Trace(y)
    for i, (t, s) in enumerate(steps(kept_timesteps("leading", T, 10))):
        x0, _ = estimate(x, t)
        trace.see(x, t, x0)
        rho = lam * (sigma or 0.001) ** 2 / sigma2(t)
        fitted = np.linalg.solve(a.T @ a + rho * np.eye(SIZE), (y @ a + rho * x0).T).T
        eps = (x - abar(t) ** 0.5 * fitted) / (1 - abar(t)) ** 0.5
        b = abar(s)
        z = draw(noise.STEP, i)
        x = b ** 0.5 * fitted + (1 - b) ** 0.5 * ((1 - zeta) ** 0.5 * eps + zeta ** 0.5 * z)
    return trace.end(x)


def reddiff(a, sigma, rate, prior, data):
    y = measured(a, sigma)
    rho = max(sigma ** 2, 1e-4 * np.linalg.svd(a, compute_uv=False)[0] ** 2)
    mu = np.linalg.solve(a.T @ a + rho * np.eye(SIZE), (y @ a).T).T
    measured_values = a.any(axis=1).sum()
    trace, m, v = Trace(y), np.zeros_like(mu), np.zeros_like(mu)
    for i, t in enumerate(kept_timesteps("leading", T, 10)):
        z = draw(noise.STEP, i)
        x0, eps = estimate(noised(mu, abar(t), z), t)
        trace.see(mu, t, x0)
        g = prior * sigma2(t) ** 0.5 * (eps - z) / SIZE + data * (mu @ a.T - y) @ a / measured_values
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g ** 2
        mu = mu - rate * (m / (1 - 0.9 ** (i + 1))) / ((v / (1 - 0.99 ** (i + 1))) ** 0.5 + 1e-8)
    return trace.end(mu)


def repaint(mask, length, times):
    a = inpainting(mask)
    y, known = measured(a, 0), np.broadcast_to(mask, SHAPE).reshape(-1) > 0
    trace, i, climbs, x = Trace(y), 0, 0, draw(noise.INITIAL, 0)
    path = jumps(kept_timesteps("leading", T, 6), length, times)
    for t, s in zip(path, path[1:]):
        if s > t:
            climbs += 1
            x = climb(x, t, s, climbs)
            continue
        if i > 0:
            x = np.where(known, noised(y, abar(t), draw(noise.RENOISE, i - 1, 1)), x)
        x0, _ = estimate(x, t)
        trace.see(x, t, x0)
        x = ddpm(x, x0, t, s, draw(noise.STEP, i))
        i += 1
    return trace.end(np.where(known, y, x))


def traces():
    """Names are those of tests/golden/methods/posterior_test.cc."""
    return {
        "sdedit": sdedit(np.zeros(SHAPE), 1, 0.5),
        "sdedit_kept_repeated": sdedit(MASK, 2, 0.5),
        "ald_ancestral": ald_ancestral(BLUR, 0.1, 1.3, 0.8),
        "ald_langevin": ald_langevin(BLUR, 0.1, 0.9, 3),
        "dps_norm": dps(BLUR, 0.05, False),
        "dps_squared_norm": dps(AVERAGE, 0.02, True),
        "ddnm": ddnm(AVERAGE, 0.85, 2, 2),
        "ddnm_plus": ddnm_plus(BLUR, 0.2, 0.7),
        "ddnm_plus_average": ddnm_plus(AVERAGE, 0.2, 0.7),
        "ddrm": ddrm(BLUR, 0.2, 0.85, 0.9),
        "ddrm_noiseless": ddrm(INPAINTING, 0, 0.85, 1),
        "pigdm": pigdm(BLUR, 0.2, 0.6),
        "pigdm_noiseless": pigdm(AVERAGE, 0, 1),
        "diffpir": diffpir(BLUR, 0.2, 7, 0.3),
        "diffpir_noiseless": diffpir(AVERAGE, 0, 1, 1),
        "reddiff": reddiff(BLUR, 0.1, 0.1, 0.25, 1),
        "reddiff_inpainting": reddiff(INPAINTING, 0.1, 0.1, 0.25, 1),
        "repaint": repaint(MASK, 2, 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    tensors = {"guide": GUIDE.reshape(IMAGES, *SHAPE), "mask": MASK, "kernel": KERNEL}
    for name, trace in traces().items():
        tensors[f"{name}.x"] = np.stack(trace.x).reshape(-1, IMAGES, *SHAPE)
        tensors[f"{name}.x0_hat"] = np.stack(trace.x0).reshape(-1, IMAGES, *SHAPE)
        if trace.y is not None:
            height, width = (2, 3) if trace.y.shape[1] < SIZE else SHAPE[1:]
            tensors[f"{name}.y"] = trace.y.reshape(IMAGES, SHAPE[0], height, width)
    tensors = {name: np.ascontiguousarray(t, np.float32) for name, t in tensors.items()}
    for name, trace in traces().items():
        tensors[f"{name}.timesteps"] = np.array(trace.t, np.int64)
    save_file(tensors, folder / "posterior.safetensors")


if __name__ == "__main__":
    main()
