"""Which timesteps are kept, and the noise levels, by the rules of task.proto."""
from fractions import Fraction

import numpy as np

T = 1000


def kept_timesteps(spacing, k, n):
    """The rules of task.proto, in exact arithmetic; Python rounds halves to even."""
    if spacing == "leading":
        kept = [i * (k // n) for i in range(n)]
    elif spacing == "trailing":
        kept = sorted(round(k - Fraction(i * k, n)) - 1 for i in range(n))
    else:
        kept = [round(Fraction(i * (k - 1), n - 1)) for i in range(n)]
    kept[-1] = k - 1
    return kept[::-1]


def abar_table():
    return np.cumprod(1 - np.linspace(1e-4, 0.02, T))
