"""Training in Keras's words: compile and fit of any model, metrics, callbacks, checkpoints."""

from ..nn.history import History
from ..signatures.telling import tell as _tell
from . import callbacks, losses, metrics
from .callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from .checkpoint import CheckpointManager, load_checkpoint, read_checkpoint, save_checkpoint
from .trainer import Trainer

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "CheckpointManager", "EarlyStopping", "History",
    "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau",
    "TerminateOnNaN", "Trainer", "callbacks", "load_checkpoint", "losses", "metrics",
    "read_checkpoint", "save_checkpoint",
]  # fmt: skip

for _room in (globals(), vars(losses), vars(metrics)):
    _tell(_room, "microgradnn.")
for _table in (losses.KERAS, losses.TORCH):  # what is pickled by name must be what has the name
    for _name, _loss in _table.items():
        _table[_name] = getattr(losses, _loss.__name__, _loss)
