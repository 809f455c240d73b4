"""Losses: PyTorch's names, arguments and definitions.

`reduction` is "mean" (over all elements, unless the docstring says otherwise), "sum" or "none".
Shapes must be equal: broadcasting (3, 1) against (3,) would silently compare every output with
every target. Raises ShapeError, LabelError or ConfigError.
"""

from ...signatures.telling import tell as _tell
from .binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from .classes import cross_entropy, kl_div, multi_margin_loss, multilabel_margin_loss, nll_loss
from .contrastive import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    triplet_margin_loss,
)
from .distances import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from .likelihoods import gaussian_nll_loss, poisson_nll_loss
from .sequences import ctc_loss

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss",
    "cross_entropy", "ctc_loss", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss",
    "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss",
    "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss",
]  # fmt: skip

_tell(globals(), "microgradnn.functions.losses")
