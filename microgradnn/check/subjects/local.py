"""Derivatives that backward returns in place of gradients: the cotangent is still to be put in."""

from typing import Any

import numpy as np


def times(dout: Any, slope: Any, x: Any = None) -> Any:
    """The cotangent times the slopes of single entries, or times a whole Jacobian.

    Of outputs one for each sample the slopes have the shape of x.
    """
    rank = np.ndim(dout)
    more = np.ndim(x) - rank
    if (
        rank
        and more > 0
        and np.shape(slope) == np.shape(x)
        and np.shape(x)[:rank] == np.shape(dout)
    ):
        return np.reshape(dout, (*np.shape(dout), *[1] * more)) * slope
    if rank and np.ndim(slope) == 2 * rank and np.shape(slope)[:rank] == np.shape(dout):
        return np.tensordot(dout, slope, rank)
    if rank and np.shape(slope) == (*np.shape(dout), np.shape(dout)[-1]):  # one for each row
        return np.einsum("...i,...ij->...j", dout, slope)
    fits = np.shape(slope) in ((), np.shape(dout))
    return dout * slope if fits else slope  # of another shape: that is told
