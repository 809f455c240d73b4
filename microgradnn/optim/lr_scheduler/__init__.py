"""Learning rates changed from outside, by epochs: torch.optim.lr_scheduler.

    scheduler = StepLR(optimizer, step_size=30)
    for epoch in range(100):
        ...                         # optimizer.step() for every batch
        scheduler.step()

Each rate is computed from the initial one by a closed formula, where torch multiplies the last rate
and drifts by an ulp per step. A rate set by hand is therefore overwritten by the next step().
"""

from ...signatures.telling import tell as _tell
from .cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler
from .schedulers import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from .sequential import ChainedScheduler, SequentialLR

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts",
    "CyclicLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR",
    "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip

_tell(globals(), "microgradnn.optim")
