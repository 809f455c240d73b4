"""The names that people give to things in hand-written code, in one place.

Every rule of the checker that looks at a name (of an argument, an attribute, a key of a dict) asks
here: what is a cache, a cotangent, the gradient of something, a parameter, a label, a learning
rate. The names of functions and methods are in verbs.py.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache
from itertools import product, takewhile

# ---- arguments and attributes --------------------------------------------------------------------

# Where layers keep an output that they do not return.
OUTPUT_ATTRIBUTES = (
    "output", "out", "outputs", "y", "a", "z", "result", "activation", "value", "loss", "y_hat",
    "y_pred", "probs", "output_layer", "activated_output", "A3", "A2", "a3", "a2", "salida",
)  # fmt: skip
# An object with a value in one of these and a gradient beside it is a parameter: p.data, p.grad.
VALUE_ATTRIBUTES = (
    "data", "value", "val", "w", "param", "params", "tensor", "array", "weight", "weights",
)  # fmt: skip

_CACHE = re.compile(
    r"(.*_)?(cache|ctx|context|saved|memory|mem|store|stash|tape)s?\d?|res|residuals", re.I
)  # fmt: skip
_RATE = re.compile(
    r"lr|learn(ing)?_?rate|alpha|eta|l_?rate|step_?size|tasa(_de)?_?aprendizaje|lernrate|"
    r"taux(_d)?_?apprentissage|taxa(_de)?_?aprendizado|xuexilv|学习率", re.I
)  # fmt: skip
_OUTPUT = re.compile(
    r"out|outputs?|o|y|a\d?|al|s|z|probs?|y_?hat|yh|result|softmax_out|y_?p(red)?(icted)?|"
    r"pred(iction|icted|ict)?s?|predicted_?(output|y|values?)|probabilities|activations?|"
    r"output_?activations?|scores|forward_?output|salidas?|ausgabe|sortie|saida|shuchu|输出|预测",
    re.I,
)  # fmt: skip
_LABEL = re.compile(
    r"[yt]s?|y_?(true|real|train|batch|target|label|one_?hot|enc|onehot|actual|i|b)(_?\w+)?|"
    r"y_?(org|orig(inal)?|test|val|obs(erved)?|data|gt|correct|ans(wers?)?|desired|exp(ected)?)|"
    r"(true|real|target|desired|expected|actual|correct|train|batch)_?(ys?|labels?|outputs?|values?"
    r"|targets?)|targets?(_\w+)?|labels?(_\w+)?|gt|ground_?truths?|truth|expected|desired|actual|"
    r"answers?|(y_)?one_?hot(_?(y|labels?|encoded))?|t_(batch|train)|classes|etiquetas?|objetivos?|"
    r"(salida|valor)_?(esperad[oa]|deseada|real)|y_?verdadero|soll(wert)?e?|ziele?|cibles?|"
    r"verite|saida_?esperada|biaoqian|标签|目标|真实值", re.I
)  # fmt: skip
_DATA = re.compile(
    r"x|xs|x_?(train|batch|in|data|i|b|prev|input)|inputs?(_\w+)?|in_|data|features?|samples?|"
    r"batch|previous_?(input|output)s?|prev_?(x|input|a|h|activations?|layer)|a_?prev|h_?prev|"
    r"activations?_?prev(ious)?|input_?data|entradas?|eingabe|entree|shuru|"
    r"输入|数据", re.I,
)  # fmt: skip
_COUNT = re.compile(
    r"m|n|n_?(samples|examples)|num_?(samples|examples)|batch_?(size|len)|m_?train", re.I
)
# Data to compare with, switches and statistics: arguments that usually have no gradient.
_CONSTANT = re.compile(
    r"y|t|ys|y_?true|y_?real|targets?|labels?|gt|truth|ground_?truth|expected|masks?|.*_mask|"
    r"one_?hot|y_?one_?hot|targ|tgt|y_?batch|running_\w+|moving_\w+|stats?|eps|epsilon|reg|"
    r"etiquetas?|objetivos?|ziele?|cibles?|标签|目标|"
    r"keep_?prob|positions?|lengths?|idx|indices|actual|desired|t_batch|Y|T"
)
_PARAMETER = re.compile(
    r"[wWbU]|[wWbUV]_?[a-z0-9]{1,2}|weights?\d?|bias(es)?\d?|gammas?|betas?|kernels?|filters?|theta"
    r"|[wWbU]_\w+|(weights?|bias|kernel)_\w+"
)


def _matches(pattern: re.Pattern[str], name: str) -> bool:
    """Whether a pattern fits a name, also one in camelCase: yTrue is y_true."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return any(pattern.fullmatch(word) is not None for word in {name, snake.lower()})


def is_cache(name: str) -> bool:
    """Whether an argument of this name holds what forward kept for backward: cache, ctx, tape."""
    return _matches(_CACHE, name)


def is_rate(name: str) -> bool:
    """Whether an argument of this name is a learning rate."""
    return _matches(_RATE, name)


def is_output(name: str) -> bool:
    """Whether an argument of this name is what forward returned."""
    return _matches(_OUTPUT, name)


def is_label(name: str) -> bool:
    """Whether an argument of this name is what a net should have given: y, target, y_true."""
    return _matches(_LABEL, name.strip("_"))


def is_data(name: str) -> bool:
    """Whether an argument of this name is what a net is given: x, X_train, inputs."""
    return _matches(_DATA, name.strip("_"))


def is_count(name: str) -> bool:
    """Whether an argument of this name is how many samples there are."""
    return _matches(_COUNT, name)


def is_constant(name: str) -> bool:
    """Whether no gradient is usually taken of an argument of this name: labels, masks, settings."""
    return _matches(_CONSTANT, name)


def is_parameter(name: str) -> bool:
    """Whether an array of this name, or at this path, is learned: W, b1, gamma, conv.weight."""
    return _matches(_PARAMETER, name.rpartition(".")[2].strip("_"))


# ---- gradients -----------------------------------------------------------------------------------

# Containers of gradients beside containers of parameters: grads["W"], layer.grads[0], p.g.
GRADIENTS = ("grads", "gradients", "grad", "gradient", "derivatives", "g")
# Beside one of VALUE_ATTRIBUTES.
GRADIENT_ATTRIBUTES = ("grad", "gradient", "grads", "g", "dw", "delta", "d")

_LOSSES = ("l", "e", "j", "c", "loss", "cost", "error", "err")
_OF_LOSS = tuple("".join(p) for p in product("d", _LOSSES, ("", "d", "by", "byd", "wrt")))
_WORDS = ("grad", "gradient", "grads", "gradients", "nabla", "delta", "deltas", "gradiente",
          "gradienten", "gradientes", "tidu", "梯度", "导数")  # fmt: skip
_BEFORE = ("d", *_OF_LOSS, *_WORDS, "gradof", "gradientof", "gradwrt", "gradientwrt")
_BEHIND = (*_WORDS, "bar")
# These may mean something else too: Wg is the weight of a gate, W_d that of a decoder.
_WEAK_BEFORE = ("g",)
_WEAK_BEHIND = ("d", "g", *_OF_LOSS)
_SYMBOLS = str.maketrans({"∂": "d", "∇": "nabla", "Δ": "delta", "δ": "delta"})

# Groups of names for one parameter. Numbers and further words may follow: weight1, kernel_out.
_ALIASES = (
    ("w", "weight", "weights", "kernel", "kernels", "peso", "pesos", "gewicht", "gewichte", "poids",
     "quanzhong", "权重"),
    ("b", "bias", "biases", "sesgo", "sesgos", "biais", "pianzhi", "偏置"),
    ("gamma", "gammas", "scale"),
    ("beta", "betas", "shift"),
    ("x", "input", "inputs"),
)  # fmt: skip
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
    r"\w*(grad|error|cotangent|gradiente|fehler|erreur|梯度|误差)\w*|err|top_diff|adjoint|\w+_bar|"
    r"\w+_delta(_\w+)?|"
    r"tidu|wucha", re.I
)  # fmt: skip


def is_cotangent(name: str) -> bool:
    """Whether an argument of a backward pass is the gradient from above: dout, grad_output, g."""
    return gradient_of(name) is not None or _COTANGENT.fullmatch(name.strip("_")) is not None


def holds_gradients(word: str, of: str = "") -> bool:
    """Whether a container of this name holds gradients (of what the container `of` holds)."""
    bare = word.strip("_").lower()
    return bare in GRADIENTS or bool(of) and names_gradient(word.rstrip("s"), of.rstrip("s"))
