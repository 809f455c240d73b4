"""Optimisers: SGD and Adam in PyTorch's form, for Tensors and for Values."""

from .optimizers import SGD, Adam, Optimizer

__all__ = ["SGD", "Adam", "Optimizer"]
