"""Learning rates changed from outside, by epochs: torch.optim.lr_scheduler.

    scheduler = StepLR(optimizer, step_size=30)
    for epoch in range(100):
        ...                         # optimizer.step() for every batch
        scheduler.step()

Each rate is computed from the initial one by a closed formula, where torch multiplies the last rate
and drifts by an ulp per step. A rate set by hand is therefore overwritten by the next step().
"""

from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler
from .schedulers import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    StepLR,
)
from .sequential import SequentialLR

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR",
    "MultiStepLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip
