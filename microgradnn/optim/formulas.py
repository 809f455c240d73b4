"""The formulas of learning rates. schedules.py has Keras' words for them, lr_scheduler torch's.

t is the time, counted in whatever the caller counts: updates, epochs, or a share of the whole.
"""

import math


def exponential(top: float, factor: float, t: float) -> float:
    """top · factorᵗ."""
    return top * factor**t


def inverse_time(top: float, rate: float, t: float) -> float:
    """top / (1 + rate·t)."""
    return top / (1 + rate * t)


def polynomial(top: float, end: float, t: float, power: float) -> float:
    """(top - end)·(1 - t)^power + end: from top at t = 0 to end at t = 1."""
    return (top - end) * (1 - t) ** power + end


def line(start: float, end: float, t: float) -> float:
    """start + (end - start)·t."""
    return start + (end - start) * t


def cosine(top: float, end: float, t: float) -> float:
    """end + (top - end)·(1 + cos(π·t))/2, half a wave from top at 0 to end at 1.

    Loshchilov & Hutter 2017, without restarts; after t = 1 it rises again.
    """
    return end + (top - end) * (0.5 * (1 + math.cos(math.pi * t)))
