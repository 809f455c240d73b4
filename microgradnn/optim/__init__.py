"""Optimisers, learning rates and averages, in PyTorch's words, for Tensors and for Values."""

from . import lr_scheduler, schedules
from .base import Optimizer
from .ema import EMA
from .optimizers import SGD, Adagrad, Adam, AdamW, RMSprop

__all__ = [
    "EMA", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler", "schedules",
]  # fmt: skip
