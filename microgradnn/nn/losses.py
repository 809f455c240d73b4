"""Losses as modules, with PyTorch's names and options: nn.CrossEntropyLoss()(logits, labels).

Each calls the function of nn.functional of the same meaning. `reduction` is "mean", "sum"
or "none". A weight is a buffer, so that `to` converts it; it takes on the dtype of the input.
"""

from typing import Any

from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import ConfigError
from ..functions.types import ArrayLike
from . import functional as F
from .activations import WithOptions


class Loss(WithOptions):
    """Base of losses: a function of an input and a target, with options."""

    def reductions(self) -> tuple[str, ...]:
        """What `reduction` may be."""
        return ("mean", "sum", "none")

    def __post_init__(self) -> None:
        owner, chosen = type(self).__name__, getattr(self, "reduction", "mean")
        *most, last = map(repr, self.reductions())
        if chosen not in self.reductions():
            raise ConfigError(f"{owner}: reduction {chosen!r}; use {', '.join(most)} or {last}")
        for name in ("weight", "pos_weight"):
            value = self.options().get(name)
            if value is not None:
                self.register_buffer(name, value)

    def forward(self, *inputs: ArrayLike) -> Tensor:
        """Returns the loss of (input, target)."""
        options = self.options()
        for name in self._buffers:
            if options[name] is not None:
                dtype = getattr(plain(inputs[0]), "dtype", None)
                options[name] = options[name].astype(dtype or options[name].dtype)
        return type(self).function(*inputs, **options)

    def extra_repr(self) -> str:
        """The options that are not at their default; of a weight its shape."""
        fields = self.__dataclass_fields__
        return ", ".join(
            f"{name}: {value.shape}" if name in self._buffers else f"{name}={value!r}"
            for name, value in self.options().items()
            if name in self._buffers or value != fields[name].default
        )


# ---- distances ----------------------------------------------------------------------------------


class MSELoss(Loss):
    """(input - target)²."""

    reduction: str = "mean"
    function = staticmethod(F.mse_loss)


class L1Loss(Loss):
    """|input - target|."""

    reduction: str = "mean"
    function = staticmethod(F.l1_loss)


class HuberLoss(Loss):
    """e²/2 where |e| < delta, delta·(|e| - delta/2) elsewhere (Huber 1964)."""

    reduction: str = "mean"
    delta: float = 1.0
    function = staticmethod(F.huber_loss)


class SmoothL1Loss(Loss):
    """HuberLoss with delta = beta, divided by beta."""

    reduction: str = "mean"
    beta: float = 1.0
    function = staticmethod(F.smooth_l1_loss)


# ---- yes or no ----------------------------------------------------------------------------------


class BCELoss(Loss):
    """-t·log p - (1 - t)·log(1 - p) of probabilities p; prefer BCEWithLogitsLoss.

    The logarithms are not below -100, as in PyTorch; clip_eps=1e-7 clips p instead, as in Keras.
    """

    weight: Any = None
    reduction: str = "mean"
    clip_eps: float | None = None
    function = staticmethod(F.binary_cross_entropy)


class BCEWithLogitsLoss(Loss):
    """-t·log σ(z) - (1 - t)·log(1 - σ(z)) of logits z, stable for any z.

    `weight` multiplies the losses, `pos_weight` the first term.
    """

    weight: Any = None
    reduction: str = "mean"
    pos_weight: Any = None
    function = staticmethod(F.binary_cross_entropy_with_logits)


class SoftMarginLoss(Loss):
    """log(1 + exp(-t·x)) for labels t of -1 and 1."""

    reduction: str = "mean"
    function = staticmethod(F.soft_margin_loss)


class HingeEmbeddingLoss(Loss):
    """x for targets 1, max(0, margin - x) for targets -1."""

    margin: float = 1.0
    reduction: str = "mean"
    function = staticmethod(F.hinge_embedding_loss)


# ---- one of many --------------------------------------------------------------------------------


class CrossEntropyLoss(Loss):
    """-log softmax(logits) at the target, averaged over samples: (N, classes) and labels (N,).

    The target may also be probabilities of the logits' shape. `weight` is one number for each
    class, and the mean then divides by the sum of the weights; label_smoothing ε mixes the target
    with ε/classes everywhere (Szegedy et al. 2016).
    """

    weight: Any = None
    ignore_index: int = -100
    reduction: str = "mean"
    label_smoothing: float = 0.0
    function = staticmethod(F.cross_entropy)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.label_smoothing <= 1:
            raise ConfigError(
                f"CrossEntropyLoss: label_smoothing is {self.label_smoothing}, must be in [0, 1]"
            )


class NLLLoss(Loss):
    """-input at the label, for log-probabilities: (N, classes) and labels (N,)."""

    weight: Any = None
    ignore_index: int = -100
    reduction: str = "mean"
    function = staticmethod(F.nll_loss)


class KLDivLoss(Loss):
    """t·(log t - input) for log-probabilities `input`; reduction="batchmean" is the divergence."""

    reduction: str = "mean"
    log_target: bool = False
    function = staticmethod(F.kl_div)

    def reductions(self) -> tuple[str, ...]:
        """What `reduction` may be."""
        return ("mean", "batchmean", "sum", "none")


class CTCLoss(Loss):
    """-log P(target) over all its alignments with the input: see nn.functional.ctc_loss."""

    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False
    function = staticmethod(F.ctc_loss)


class MultiMarginLoss(Loss):
    """Σ max(0, margin - x[label] + x[j])ᵖ / classes over the other classes j."""

    p: int = 1
    margin: float = 1.0
    weight: Any = None
    reduction: str = "mean"
    function = staticmethod(F.multi_margin_loss)


class MultiLabelMarginLoss(Loss):
    """Σ max(0, 1 - x[label] + x[j]) / classes, over the labels before the first -1 and others j."""

    reduction: str = "mean"
    function = staticmethod(F.multilabel_margin_loss)


class MultiLabelSoftMarginLoss(Loss):
    """The mean over classes of BCEWithLogitsLoss."""

    weight: Any = None
    reduction: str = "mean"
    function = staticmethod(F.multilabel_soft_margin_loss)


# ---- pairs and triples --------------------------------------------------------------------------


class MarginRankingLoss(Loss):
    """max(0, -t·(x₁ - x₂) + margin): call it with x₁, x₂, t."""

    margin: float = 0.0
    reduction: str = "mean"
    function = staticmethod(F.margin_ranking_loss)


class CosineEmbeddingLoss(Loss):
    """1 - cos for targets 1, max(0, cos - margin) for targets -1: call it with x₁, x₂, t."""

    margin: float = 0.0
    reduction: str = "mean"
    function = staticmethod(F.cosine_embedding_loss)


class TripletMarginLoss(Loss):
    """max(0, d(a, p) - d(a, n) + margin), d = ‖· - · + eps‖ₚ: call it with a, p, n."""

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    reduction: str = "mean"
    function = staticmethod(F.triplet_margin_loss)


# ---- likelihoods --------------------------------------------------------------------------------


class PoissonNLLLoss(Loss):
    """exp(x) - t·x, or x - t·log(x + eps) if not log_input; `full` adds Stirling's log t! term."""

    log_input: bool = True
    full: bool = False
    eps: float = 1e-8
    reduction: str = "mean"
    function = staticmethod(F.poisson_nll_loss)


class GaussianNLLLoss(Loss):
    """(log var + (input - target)² / var) / 2: call it with input, target, var."""

    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"
    function = staticmethod(F.gaussian_nll_loss)
