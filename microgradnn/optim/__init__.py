"""Optimisers, learning rates and averages, in PyTorch's words, for Tensors and for Values."""

from ..signatures.telling import tell as _tell
from . import lr_scheduler, schedules
from .adaptive import Adadelta, Adamax, NAdam, RAdam, Rprop
from .base import Optimizer
from .ema import EMA
from .optimizers import SGD, Adagrad, Adam, AdamW, RMSprop

__all__ = [
    "EMA", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "Optimizer", "RAdam",
    "RMSprop", "Rprop", "lr_scheduler", "schedules",
]  # fmt: skip

for _room in (globals(), vars(schedules)):
    _tell(_room, "microgradnn.optim")
