"""The names that people give to functions and methods of hand-written code, in one place.

Which function is a forward pass, which is the backward or the derivative of which, what computes a
loss, which class is only there for others to be made of. Names of arguments, attributes and keys
are in words.py. People write in their own languages: English, Spanish, Portuguese, Italian, French,
German, Chinese (also in Latin letters), Japanese and Korean names are known.
"""

import re
from collections.abc import Iterable

# ---- methods -------------------------------------------------------------------------------------

FORWARD_METHODS = tuple(
    "forward forward_pass fprop forward_propagate forward_propagation forward_prop forwardprop "
    "feedforward feed_forward forwardPropagation forwardPass feedForward forwards adelante "
    "hacia_adelante propagar propagacion_adelante propagacion_hacia_adelante avant "
    "propagation_avant propager avanti vorwaerts vorwärts qianxiang qianxiang_chuanbo "
    "前向 前向传播 正向传播 順伝播 순전파 step_forward forward_step propagate __call__".split()
)
BACKWARD_METHODS = tuple(
    "backward backward_pass bprop backprop backpropagate back_propagate backward_propagate "
    "backward_propagation backpropagation back_propagation backward_prop back_prop backwards "
    "backPropagation backPropagate backwardPropagation backwardPass backProp atras atrás "
    "hacia_atras retropropagar retropropagacion propagacion_atras propagacion_hacia_atras "
    "retropropagation retropropager arriere indietro retropropagazione rueckwaerts rückwärts "
    "fanxiang fanxiang_chuanbo 反向 反向传播 逆伝播 역전파 "
    "step_backward backward_step train_step train_batch".split()
)
# Of a net, where there is no other forward.
PREDICT_METHODS = ("predict", "predict_proba", "compute_output")
# Of a model that is fitted: gradients of its parameters for inputs and targets.
GRADIENT_METHODS = tuple(
    "compute_gradients compute_gradient calculate_gradients calculate_gradient calc_gradients "
    "get_gradients compute_grads gradients".split()
)
# A function and its derivative, which takes the same arguments and no cotangent.
FUNCTION_METHODS = tuple(
    "forward activation activate function func fn f compute evaluate calculate calc apply loss "
    "cost compute_loss calculate_loss calc_loss compute_cost get_loss loss_function value call "
    "activacion funcion aktivierung funktion fonction perdida costo verlust perte 激活 函数 "
    "损失 __call__".split()
)
DERIVATIVE_METHODS = tuple(
    "derivative derivate deriv gradient grad prime df backward d_activation activation_derivative "
    "activate_derivative derivative_activation activation_prime loss_derivative loss_prime "
    "derivative_loss compute_grad compute_gradient compute_derivative calculate_gradient "
    "get_gradient diff der d derivada gradiente derivee ableitung derivata daoshu tidu 导数 梯度 "
    "微分 勾配".split()
)
ZERO_METHODS = tuple(
    "zero_grad zero_grads zero_gradients reset_gradients clear_grads clear_grad "
    "flush_gradients".split()
)
# A net's own loss, of outputs and targets.
LOSS_METHODS = tuple(
    "loss compute_loss cost compute_cost calculate_loss calc_loss get_loss cost_function "
    "loss_function loss_fn criterion objective cross_entropy cross_entropy_loss mse mse_loss "
    "binary_cross_entropy perdida calcular_perdida costo coste verlust kosten perte cout sunshi "
    "损失 损失函数".split()
)

# ---- pairs of functions --------------------------------------------------------------------------

_DERIVATIVES = (
    "derivative", "deriv", "derivate", "prime", "derivada", "gradiente", "derivee", "ableitung",
    "derivata", "daoshu", "tidu", "导数", "梯度", "微分",
)  # fmt: skip
_WAYS = (
    ("adelante", "atras"), ("vorwaerts", "rueckwaerts"), ("vorwärts", "rückwärts"),
    ("avant", "arriere"), ("avanti", "indietro"), ("qianxiang", "fanxiang"),
    ("前向", "反向"), ("前向传播", "反向传播"),
)  # fmt: skip
# How a backward function is named after its forward. {} is the layer, {v} what stands behind:
# conv_backward_naive. Earlier rows win; those without "forward" are tried only after all others.
PAIRS = (
    ("{}_forward{v}", "{}_backward{v}"), ("{}_forward{v}", "{}_backwards{v}"),
    ("{}_forward{v}", "{}_backprop{v}"), ("{}_forward{v}", "{}_grad{v}"),
    ("forward_{}{v}", "backward_{}{v}"), ("{}_fwd{v}", "{}_bwd{v}"), ("{}_fw{v}", "{}_bw{v}"),
    ("{}_fprop{v}", "{}_bprop{v}"), ("{}_forward_pass{v}", "{}_backward_pass{v}"),
    ("{}Forward{v}", "{}Backward{v}"), ("{}_prop{v}", "{}_backprop{v}"),
    ("{}_for{v}", "{}_back{v}"), ("{}_fwd{v}", "{}_rev{v}"), ("{}_fwd{v}", "{}_vjp{v}"),
    ("forward_propagate_{}", "backward_propagate_{}"), ("{}_forward{v}", "{}_vjp{v}"),
    ("{}_fwd{v}", "{}_grad{v}"), ("{}_fwd{v}", "{}_bprop{v}"), ("forward_{}", "backprop_{}"),
    ("fwd_{}", "bwd_{}"),
    *((f"{{}}_{a}{{v}}", f"{{}}_{b}{{v}}") for a, b in _WAYS),
    *((f"{{}}{a}", f"{{}}{b}") for a, b in _WAYS), *((f"{a}_{{}}", f"{b}_{{}}") for a, b in _WAYS),
    ("{}", "{}_backward"),
    ("{}", "{}_backprop"), ("{}", "{}_grad"), ("{}", "{}_gradient"), ("{}", "{}_vjp"),
    ("{}", "{}_bprop"), ("{}", "{}_rev"), ("{}", "{}_back"), ("{}", "{}_der"), ("{}", "{}_d"),
    ("{}", "{}_bwd"), ("{}", "{}Backward"), ("{}", "{}Grad"), ("{}", "{}Prime"),
    ("{}", "{}Derivative"), ("{}", "backward_{}"), ("{}", "grad_{}"), ("{}", "gradient_{}"),
    *(("{}", f"{{}}_{word}") for word in _DERIVATIVES),
    *(("{}", f"{word}_{{}}") for word in _DERIVATIVES),
    *(("{}", f"{{}}{word}") for word in ("导数", "梯度", "微分", "求导")),
    ("{}", "d_{}"), ("{}", "d{}"),
)  # fmt: skip
# An argument of a function that makes it its own derivative: sigmoid(x, derivative=False).
_FLAG = re.compile(
    r"(is_|compute_|calc_|return_|use_)?(derivative|deriv|derivate|der|prime|grad|gradient|diff|"
    r"derivada|derivee|ableitung|derivata|backward|derive)",
    re.I,
)
_LOSS = re.compile(
    r"((^|_)(loss|cost|cross_entropy|objective)|(^|_|[a-z])(Loss|Cost))([A-Z_0-9]|$)"
)
_SHOWS = re.compile(
    r"_?(plot|show|draw|print|visuali[sz]e|save|load|log|test|train|update|get_all)_"
)
_GRADIENT = re.compile(
    r"_?(compute|calc|calculate|get|eval|evaluate|find)?_?(the_)?(grads?|gradients?|derivatives?)"
    r"(_?(fn|func|function))?", re.I
)  # fmt: skip
_BASE = re.compile(
    r"(abstract|base)\w*|\w+_?base|(layer|module|function|operation|op|node|loss|activation|"
    r"criterion|cost|unit)s?", re.I
)  # fmt: skip


def among(available: Iterable[str], names: Iterable[str]) -> list[str]:
    """Which of the available names are meant by `names`, in their order; case and _ are free."""
    have = list(available)
    loose = {_bare(name): name for name in have if not name.startswith("__")}
    found = [name if name in have else loose.get(_bare(name), "") for name in names]
    return [name for name in dict.fromkeys(found) if name]


def _bare(name: str) -> str:
    return name if name.startswith("__") else name.replace("_", "").lower()


def is_loss(name: str) -> bool:
    """Whether a function of this name computes a loss: softmax_loss, HingeLoss, cost."""
    return _LOSS.search(name) is not None and _SHOWS.match(name) is None


_CRITERIA = re.compile(
    r"s?cce|bce|[mrs]*[as]e|mape|nll|kld?|huber|hinge|\w*(loss|cost|entropy|divergence|likelihood|"
    r"error)\w*", re.I
)  # fmt: skip


def is_criterion(name: str) -> bool:
    """Whether a class or function of this name is a loss, also one that says so otherwise: CCE."""
    return is_loss(name) or _CRITERIA.fullmatch(name) is not None


def is_flag(name: str) -> bool:
    """Whether an argument of this name makes a function its derivative: derivative, deriv."""
    return _FLAG.fullmatch(name.strip("_")) is not None


def is_gradient(name: str) -> bool:
    """Whether a function of this name computes gradients, of nothing that it names."""
    return _GRADIENT.fullmatch(name) is not None


def is_base(name: str) -> bool:
    """Whether a class of this name is one that others are made of: Layer, BaseLoss, Function."""
    return _BASE.fullmatch(name) is not None
