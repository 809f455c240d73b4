"""Data sets and minibatches: MNIST from wherever it can be had, batches drawn with an explicit rng.

Imports NumPy and the standard library only.
"""

from ..signatures.telling import tell as _tell
from .batches import batches, one_hot, subset
from .idx import read_images, read_labels
from .mnist import MNIST, Split, load_mnist

__all__ = [
    "MNIST",
    "Split",
    "batches",
    "load_mnist",
    "one_hot",
    "read_images",
    "read_labels",
    "subset",
]

_tell(globals(), "microgradnn.data")
