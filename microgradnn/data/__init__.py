"""Data sets and minibatches: MNIST from wherever it can be had, points in the plane, batches.

Imports NumPy and the standard library only.
"""

from ..signatures.telling import tell as _tell
from .batches import batches, one_hot, subset
from .idx import read_images, read_labels
from .mnist import MNIST, Split, load_mnist
from .planar import circles, gauss, moons, planar, spiral, xor, yin_yang

__all__ = [
    "MNIST",
    "Split",
    "batches",
    "circles",
    "gauss",
    "load_mnist",
    "moons",
    "one_hot",
    "planar",
    "read_images",
    "read_labels",
    "spiral",
    "subset",
    "xor",
    "yin_yang",
]

_tell(globals(), "microgradnn.data")
