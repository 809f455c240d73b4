"""Training in Keras's words: compile and fit of any model, metrics, callbacks, checkpoints."""

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
from .history import History
from .trainer import Trainable

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "CheckpointManager", "EarlyStopping", "History",
    "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau",
    "TerminateOnNaN", "Trainable", "callbacks", "load_checkpoint", "losses", "metrics",
    "read_checkpoint", "save_checkpoint",
]  # fmt: skip
