"""The names that people give to things in hand-written code, in one place.

Every rule of the checker that looks at a name (of a function, a method, an argument, an attribute,
a key of a dict) asks here: what is a cache, a cotangent, the gradient of something, a parameter, a
label, a learning rate.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache
from itertools import product, takewhile

# ---- methods and functions -----------------------------------------------------------------------

FORWARD_METHODS = tuple(
    "forward forward_pass fprop forward_propagate forward_propagation forward_prop forwardprop "
    "feedforward feed_forward __call__".split()
)
BACKWARD_METHODS = tuple(
    "backward backward_pass bprop backprop backpropagate back_propagate backward_propagate "
    "backward_propagation backpropagation back_propagation backward_prop back_prop "
    "backwards".split()
)
# A function and its derivative, which takes the same arguments and no cotangent.
FUNCTION_METHODS = tuple(
    "forward activation activate function func fn f compute evaluate calculate apply loss cost "
    "__call__".split()
)
DERIVATIVE_METHODS = tuple(
    "derivative derivate deriv gradient grad prime df backward activation_derivative "
    "activate_derivative loss_derivative".split()
)
ZERO_METHODS = tuple(
    "zero_grad zero_grads zero_gradients reset_gradients clear_grads clear_grad "
    "flush_gradients".split()
)
# How a backward function is named after its forward. {} is the layer, {v} what stands behind:
# conv_backward_naive. Earlier rows win; those without "forward" are tried only after all others.
PAIRS = (
    ("{}_forward{v}", "{}_backward{v}"), ("{}_forward{v}", "{}_backwards{v}"),
    ("{}_forward{v}", "{}_backprop{v}"), ("{}_forward{v}", "{}_grad{v}"),
    ("forward_{}{v}", "backward_{}{v}"), ("{}_fwd{v}", "{}_bwd{v}"), ("{}_fw{v}", "{}_bw{v}"),
    ("{}_fprop{v}", "{}_bprop{v}"), ("{}_forward_pass{v}", "{}_backward_pass{v}"),
    ("{}Forward{v}", "{}Backward{v}"), ("{}_prop{v}", "{}_backprop{v}"),
    ("{}_for{v}", "{}_back{v}"), ("{}_fwd{v}", "{}_rev{v}"), ("{}_fwd{v}", "{}_vjp{v}"),
    ("forward_propagate_{}", "backward_propagate_{}"), ("{}", "{}_backward"),
    ("{}", "{}_backprop"), ("{}", "{}_grad"), ("{}", "{}_gradient"), ("{}", "{}_derivative"),
    ("{}", "{}_deriv"), ("{}", "{}_prime"), ("{}", "{}_vjp"), ("{}", "{}_bprop"), ("{}", "{}_rev"),
    ("{}", "{}_back"), ("{}", "{}_der"), ("{}", "{}_d"), ("{}", "{}_bwd"), ("{}", "{}Backward"),
    ("{}", "{}Grad"), ("{}", "backward_{}"), ("{}", "grad_{}"), ("{}", "derivative_{}"),
    ("{}", "deriv_{}"), ("{}", "d_{}"), ("{}", "d{}"),
)  # fmt: skip
_LOSS = re.compile(
    r"((^|_)(loss|cost|cross_entropy|objective)|(^|_|[a-z])(Loss|Cost))([A-Z_0-9]|$)"
)


def is_loss(name: str) -> bool:
    """Whether a function of this name computes a loss: softmax_loss, HingeLoss, cost."""
    return _LOSS.search(name) is not None


_BASE = re.compile(
    r"(abstract|base)\w*|\w+_?base|(layer|module|function|operation|op|node|loss|activation|"
    r"criterion|cost|unit)s?", re.I
)  # fmt: skip


def is_base(name: str) -> bool:
    """Whether a class of this name is one that others are made of: Layer, BaseLoss, Function."""
    return _BASE.fullmatch(name) is not None


# ---- arguments and attributes --------------------------------------------------------------------

# Where layers keep an output that they do not return.
OUTPUT_ATTRIBUTES = (
    "output", "out", "outputs", "y", "a", "z", "result", "activation", "value", "loss",
)  # fmt: skip
# An object with a value in one of these and a gradient beside it is a parameter: p.data, p.grad.
VALUE_ATTRIBUTES = (
    "data", "value", "val", "w", "param", "params", "tensor", "array", "weight", "weights",
)  # fmt: skip

_CACHE = re.compile(
    r"(.*_)?(cache|ctx|context|saved|memory|mem|store|stash|tape)s?\d?|res|residuals", re.I
)  # fmt: skip
_RATE = re.compile(r"lr|learn(ing)?_?rate|alpha|eta|l_?rate|step_?size", re.I)
_OUTPUT = re.compile(r"out|outputs?|y|a|s|z|probs?|y_?hat|result|softmax_out", re.I)
# Data to compare with, switches and statistics: arguments that usually have no gradient.
_CONSTANT = re.compile(
    r"y|t|ys|y_?true|y_?real|targets?|labels?|gt|truth|ground_?truth|expected|masks?|.*_mask|"
    r"one_?hot|y_?one_?hot|targ|tgt|y_?batch|running_\w+|moving_\w+|stats?|eps|epsilon|reg|"
    r"keep_?prob|positions?|lengths?|idx|indices|actual|desired|t_batch|Y|T"
)
_PARAMETER = re.compile(
    r"[wWbU]|[wWbUV]_?[a-z0-9]{1,2}|weights?\d?|bias(es)?\d?|gammas?|betas?|kernels?|filters?|theta"
    r"|[wWbU]_\w+|(weights?|bias|kernel)_\w+"
)


def is_cache(name: str) -> bool:
    """Whether an argument of this name holds what forward kept for backward: cache, ctx, tape."""
    return _CACHE.fullmatch(name) is not None


def is_rate(name: str) -> bool:
    """Whether an argument of this name is a learning rate."""
    return _RATE.fullmatch(name) is not None


def is_output(name: str) -> bool:
    """Whether an argument of this name is what forward returned."""
    return _OUTPUT.fullmatch(name) is not None


def is_constant(name: str) -> bool:
    """Whether no gradient is usually taken of an argument of this name: labels, masks, settings."""
    return _CONSTANT.fullmatch(name) is not None


def is_parameter(name: str) -> bool:
    """Whether an array of this name, or at this path, is learned: W, b1, gamma, conv.weight."""
    return _PARAMETER.fullmatch(name.rpartition(".")[2].strip("_")) is not None


# ---- gradients -----------------------------------------------------------------------------------

# Containers of gradients beside containers of parameters: grads["W"], layer.grads[0], p.g.
GRADIENTS = ("grads", "gradients", "grad", "gradient", "derivatives", "g")
# Beside one of VALUE_ATTRIBUTES.
GRADIENT_ATTRIBUTES = ("grad", "gradient", "grads", "g", "dw", "delta", "d")

_LOSSES = ("l", "e", "j", "c", "loss", "cost", "error", "err")
_OF_LOSS = tuple("".join(p) for p in product("d", _LOSSES, ("", "d", "by", "byd", "wrt")))
_WORDS = ("grad", "gradient", "grads", "gradients", "nabla", "delta", "deltas")
_BEFORE = ("d", *_OF_LOSS, *_WORDS, "gradof", "gradientof", "gradwrt", "gradientwrt")
_BEHIND = (*_WORDS, "bar")
# These may mean something else too: Wg is the weight of a gate, W_d that of a decoder.
_WEAK_BEFORE = ("g",)
_WEAK_BEHIND = ("d", "g", *_OF_LOSS)
_SYMBOLS = str.maketrans({"∂": "d", "∇": "nabla", "Δ": "delta", "δ": "delta"})

# Groups of names for one parameter. Numbers and further words may follow: weight1, kernel_out.
_ALIASES = (
    ("w", "weight", "weights", "kernel", "kernels"),
    ("b", "bias", "biases"),
    ("gamma", "gammas", "scale"),
    ("beta", "betas", "shift"),
    ("x", "input", "inputs"),
)
# Words that begin with "d" or "g" and are no gradients.
_ORDINARY = frozenset(
    "damp damping data dataset date day debug decay decoder deep default degree degrees den denom "
    "denominator dense density depth derivative derivatives desc desired det detach dev device "
    "diag diagonal dict diff difference dilation dim dims dimension dimensions dir direction "
    "discount dist distance distances div divisor doc domain done dot double down downsample draw "
    "drop dropout dt dtype dtypes dual dummy dump duration dynamic gain gamma gammas gap gate "
    "gates gauss gaussian gelu generator get global gold gpu grid group groups growth gru gt "
    "guess graph".split()
)


def _squash(name: str) -> str:
    """The name in lower case without underscores, dots and slashes; ∂ is d, ∇ is nabla."""
    return re.sub(r"[\W_]+", "", name.translate(_SYMBOLS)).lower()


@cache
def _aliases(name: str) -> frozenset[str]:
    """The squashed forms of all names of the same parameter."""
    bare = name.strip("_")
    first = "".join(takewhile(str.isalpha, bare))
    rest = bare.removeprefix(first)
    if rest and not re.match(r"[\d_\W]", rest):
        return frozenset({_squash(name)})
    group = next((g for g in _ALIASES if first.lower() in g), (first,))
    return frozenset(_squash(word + rest) for word in group)


def same_parameter(a: str, b: str) -> bool:
    """Whether two names stand for the same parameter: w and weight, b and bias, in any case."""
    return _squash(a) in _aliases(b)


def names_gradient(word: str, of: str) -> bool:
    """Whether `word` names the gradient of `of`, or of an alias: dW, W_grad, dL_dW, ∂W, _dw."""
    return _distance(word, of) is not None


@cache
def _distance(word: str, of: str) -> int | None:
    """How far a name is from naming the gradient of another one; 0 is surest, None is not at all.

    1 is added for another case, 2 for an alias, 4 for marks that may mean something else.
    """
    short, own = _squash(word), _squash(of)
    found = []
    for bare in _aliases(of) | {own}:
        if not bare or bare not in short or len(short) == len(bare):
            continue
        case = 2 if bare != own else 0 if of.strip("_") in word.translate(_SYMBOLS) else 1
        front = short.removesuffix(bare) if short.endswith(bare) else ""
        back = short.removeprefix(bare) if short.startswith(bare) else ""
        if front in _BEFORE or back in _BEHIND:
            found.append(case)
        elif front in _WEAK_BEFORE or back in _WEAK_BEHIND:
            found.append(case + 4)
    return min(found, default=None)


def gradients_among(
    words: Collection[str], names: Iterable[str], bare: bool = False
) -> dict[str, str]:
    """Which of the words is the gradient of which name, the surest first; each word once.

    With `bare` a name itself, or an alias, may be the word for its gradient: keys of a dict that
    holds nothing but gradients.
    """
    pairs = []
    names = list(names)
    for i, name in enumerate(names):
        for word in words:
            far = _distance(word, name)
            if far is None and bare and same_parameter(word, name):
                far = 8 + (word != name)
            if far is not None and not (far in (4, 5, 6) and word in names):
                pairs.append((far, i, name, word))
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, _, name, word in sorted(pairs):
        if name not in found and word not in taken:
            found[name] = word
            taken.add(word)
    return found


def gradient_of(name: str) -> str | None:
    """What a name says it is the gradient of: "W" for dW, W_grad, dL_dW; None if it says nothing.

    Marks that may mean something else (Wg, W_d) do not count here: names_gradient takes them where
    it is known that there is a W.
    """
    word = name.strip("_")
    if _squash(word) in _BEFORE:
        return None
    for i in range(len(word) - 1, 0, -1) if not _is_ordinary(word) else ():
        front, back = _squash(word[:i]), word[i:].strip("_./ ")
        if not back or not back[0].isalpha():
            continue
        if front in _BEFORE and (_boundary(word, i) or front in ("d", *_WORDS)):
            return gradient_of(back) or back if front in _OF_LOSS else back
        if front in _WEAK_BEFORE and (_boundary(word, i) or len(back) == 1):
            return back
    for i in range(1, len(word)):
        if _squash(word[i:]) in _BEHIND and (_boundary(word, i) or word[i:].startswith("grad")):
            return word[:i].strip("_./ ")
    return None


def _is_ordinary(word: str) -> bool:
    """Whether a name begins with a word that only looks like a mark and a name: data, dim_in."""
    return word in ("d_model", "d_ff") or re.split(r"[\W\d_]", word)[0].lower() in _ORDINARY


def _boundary(word: str, i: int) -> bool:
    """Whether a new word begins at position i: behind an underscore or with a capital letter."""
    before, here = word[i - 1], word[i]
    return not (before.isalnum() and here.isalnum()) or (here.isupper() or before in "∂∇")


_COTANGENT = re.compile(
    r"d_?(loss|cost|error|err|[lejc])|[dg]\d*|v|ct|cot|cotangents?|up|upstream\w*|delta\w*|grad\w*|"
    r"\w*(grad|error|cotangent)\w*|err|top_diff|adjoint|\w+_bar", re.I
)  # fmt: skip


def is_cotangent(name: str) -> bool:
    """Whether an argument of a backward pass is the gradient from above: dout, grad_output, g."""
    return gradient_of(name) is not None or _COTANGENT.fullmatch(name.strip("_")) is not None


def holds_gradients(word: str, of: str = "") -> bool:
    """Whether a container of this name holds gradients (of what the container `of` holds)."""
    bare = word.strip("_").lower()
    return bare in GRADIENTS or bool(of) and names_gradient(word.rstrip("s"), of.rstrip("s"))
