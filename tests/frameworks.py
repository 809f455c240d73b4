"""PyTorch, TensorFlow, Keras and JAX for a test; where one is not installed the test is skipped."""

import os
from functools import reduce
from typing import Any

import pytest


def framework(name: str) -> Any:
    """The module of this name."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when tensorflow is imported
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if name == "keras":  # it can be there without TensorFlow
        pytest.importorskip("tensorflow", reason="compares with Keras")
    return pytest.importorskip(name)


class Lazy:
    """A function of a framework, looked up when it is called: importing TensorFlow takes seconds.

    Lazy("tensorflow").nn.relu(x) is tensorflow.nn.relu(x).
    """

    def __init__(self, *path: str):
        self.path = path

    def __getattr__(self, name: str) -> "Lazy":
        return Lazy(*self.path, name)

    def __call__(self, *xs: Any, **options: Any) -> Any:
        module, *names = self.path
        return reduce(getattr, names, framework(module))(*xs, **options)
