"""What each layer does to values, gradients and their rounding errors.

Forwards a pair (v, e) goes through: the values v, and e so that a correct evaluation is within u·e
of them. Backwards a pair (g, eg): g is no less than the absolute gradient, u·eg bounds its error. A
dot product of n terms adds (n + 2)·u times the sum of absolute products; an activation passes
errors on with its Lipschitz constant, its derivative with max |f''|; library functions are allowed
FUNCTION·u. Where a kink or a tie lies within the error of the value, either side is correct.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from . import layers
from .frameworks.ours_scalar import ACTIVATION
from .norm_bounds import normalised

FUNCTION = 8.0  # roundings granted to exp, tanh, log1p and the formula around one of them
#             max |f''|, max |f'| where that is above 1, and a bound on |f| - |z|
CURVATURE = {"tanh": 0.77, "sigmoid": 0.1, "elu": 1.0, "softplus": 0.25, "gelu": 0.8, "silu": 0.5}
STEEPEST = {"gelu": 1.13, "silu": 1.1}
OFFSET = {"sigmoid": 1.0, "softplus": 0.7, "elu": 1.0}
ROUNDINGS = {"identity": 0.0, "relu": 0.0, "leaky_relu": 1.0}  # else FUNCTION
KINKS = ("relu", "leaky_relu")
PRODUCTS = ("gelu", "silu")  # z·s(z): the error of s(z) counts |z| times in the slope

Array = np.ndarray
Pair = tuple[Array, Array]
Back = Callable[[Array, Array], tuple[Array, Array, list[Pair]]]


class Run:
    """One pass through a model with the given parameters; u is the unit roundoff."""

    def __init__(self, params: Iterator[Array], u: float) -> None:
        self.params, self.u = params, u
        self.statistics: list[tuple[Array, Array, float]] = []  # (value, error, momentum)

    def chain(self, chain: Sequence[layers.Layer], v: Array, e: Array) -> tuple[Array, Array, Back]:
        """(v, e) after all layers, and what takes (g, eg) back to the front."""
        backs = []
        for layer in chain:
            v, e, back = self._layer(layer, v, e)
            backs.append(back)

        def through(g: Array, eg: Array) -> tuple[Array, Array, list[Pair]]:
            found: list[Pair] = []
            for back in reversed(backs):
                g, eg, own = back(g, eg)
                found = own + found
            return g, eg, found

        return v, e, through

    def _layer(self, layer: layers.Layer, v: Array, e: Array) -> tuple[Array, Array, Back]:
        own = [next(self.params) for _ in layer.shapes]
        match layer:
            case layers.Activation(name):
                return activation(name, v, e, self.u)
            case layers.Linear():
                return linear(v, e, *own)
            case layers.Conv2d(padding=padding):
                return convolution(v, e, padding, *own)
            case layers.MaxPool2d(k):
                return max_pool(v, e, k, self.u)
            case layers.Image(shape):
                return _reshaped(v, e, (len(v), *shape))
            case layers.Flatten():
                return _reshaped(v, e, (len(v), -1))
            case layers.LayerNorm(_, eps):
                _, _, done = normalised(v, e, *own, (-1,), (0,), eps, self.u)
                return done.value, done.error, done.back
            case layers.BatchNorm():
                return self._batch_norm(layer, v, e, *own)
            case layers.Residual(inner, shortcut):
                return self._residual(inner, shortcut, v, e)
        raise TypeError(f"no bound for {layer}")

    def _batch_norm(
        self, layer: layers.BatchNorm, v: Array, e: Array, gain: Array, shift: Array
    ) -> tuple[Array, Array, Back]:
        space = (2, 3) if layer.space else ()
        wide = (1, -1) + (1,) * len(space)
        gain, shift = gain.reshape(wide), shift.reshape(wide)
        axes = (0, *space)
        mean, var, done = normalised(v, e, gain, shift, axes, axes, layer.eps, self.u)
        n = v.size // layer.n
        for (value, error), share in ((mean, 1.0), (var, n / (n - 1))):
            new = value.ravel() * share, (error.ravel() + 3 * abs(value.ravel())) * share
            self.statistics.append((*new, layer.momentum))
        return done.value, done.error, done.back

    def _residual(
        self, inner: Sequence[layers.Layer], shortcut: Sequence[layers.Layer], v: Array, e: Array
    ) -> tuple[Array, Array, Back]:
        a, ea, back_a = self.chain(inner, v, e)
        b, eb, back_b = self.chain(shortcut, v, e)

        def back(g: Array, eg: Array) -> tuple[Array, Array, list[Pair]]:
            ga, ega, own_a = back_a(g, eg)
            gb, egb, own_b = back_b(g, eg)
            return ga + gb, ega + egb + ga + gb, own_a + own_b

        return a + b, ea + eb + abs(a + b), back


def activation(name: str, v: Array, e: Array, u: float) -> tuple[Array, Array, Back]:
    """An elementwise function."""
    steep, rounding = STEEPEST.get(name, 1.0), ROUNDINGS.get(name, FUNCTION)
    out = np.asarray(ACTIVATION[name](v))
    error = steep * e + rounding * (abs(v) + OFFSET.get(name, 0.0))
    if name == "relu":
        error = np.where(v < -u * e, 0.0, error)  # exactly 0 in every evaluation

    def back(g: Array, eg: Array) -> tuple[Array, Array, list[Pair]]:
        if name == "relu":
            g, eg = (np.where(v < -u * e, 0.0, a) for a in (g, eg))
        loose = CURVATURE.get(name, 0.0) * e + rounding * (1 + abs(v) * (name in PRODUCTS))
        if name in KINKS:
            loose = loose + (abs(v) < u * e) / u
        return steep * g, steep * eg + g * loose, []

    return out, error, back


def linear(v: Array, e: Array, w: Array, bias: Array | None = None) -> tuple[Array, Array, Back]:
    """v @ w + bias. Where all products are 0 the sum is exactly the bias."""
    a, size, (n, m) = abs(v), abs(w), w.shape
    b = np.zeros(m) if bias is None else bias
    products = a @ size
    error = e @ size + (products > 0) * ((n + 2) * (products + abs(b)))

    def back(g: Array, eg: Array) -> tuple[Array, Array, list[Pair]]:
        terms = len(v) + 2
        weight, total = a.T @ g, g.sum(0)
        own = [(weight, a.T @ eg + e.T @ g + terms * weight)]
        own += [] if bias is None else [(total, eg.sum(0) + terms * total)]
        before = g @ size.T
        return before, eg @ size.T + (m + 2) * before, own

    return v @ w + b, error, back


def convolution(
    v: Array, e: Array, padding: int, w: Array, *bias: Array
) -> tuple[Array, Array, Back]:
    """A linear layer on every window, and the windows' gradients added up."""
    m, _, k, _ = w.shape
    rows, rows_e = _windows(v, k, padding), _windows(e, k, padding)
    n, height, width = rows.shape[:3]
    flat_rows = (r.reshape(-1, w[0].size) for r in (rows, rows_e))
    out, error, inner = linear(*flat_rows, w.reshape(m, -1).T, *bias)

    def image(a: Array) -> Array:
        return a.reshape(n, height, width, m).transpose(0, 3, 1, 2)

    def back(g: Array, eg: Array) -> tuple[Array, Array, list[Pair]]:
        flat = [a.transpose(0, 2, 3, 1).reshape(-1, m) for a in (g, eg)]
        g, eg, ((gw, ew), *rest) = inner(*flat)
        g, eg = (_folded(a.reshape(rows.shape), v.shape, k, padding) for a in (g, eg))
        return g, eg + k * k * g, [(gw.T.reshape(w.shape), ew.T.reshape(w.shape)), *rest]

    return image(out), image(error), back


def _windows(v: Array, k: int, p: int) -> Array:
    """(batch, height', width', channels·k·k)."""
    v = np.pad(v, ((0, 0), (0, 0), (p, p), (p, p)))
    found = np.lib.stride_tricks.sliding_window_view(v, (k, k), (2, 3)).transpose(0, 2, 3, 1, 4, 5)
    return found.reshape(*found.shape[:3], -1)


def _folded(rows: Array, shape: tuple[int, ...], k: int, p: int) -> Array:
    """The sum over the windows of what each says about its inputs."""
    n, channels, height, width = shape
    out = np.zeros((n, channels, height + 2 * p, width + 2 * p))
    parts = rows.reshape(*rows.shape[:3], channels, k, k).transpose(0, 3, 4, 5, 1, 2)
    for i in range(k):
        for j in range(k):
            out[:, :, i : i + rows.shape[1], j : j + rows.shape[2]] += parts[:, :, i, j]
    return out[:, :, p : p + height, p : p + width]


def max_pool(v: Array, e: Array, k: int, u: float) -> tuple[Array, Array, Back]:
    """The maximum; its gradient may go to any element that can be the largest.

    Of elements that are equal to the last bit every framework takes the first: they come from equal
    windows, as in the black margins of digits, or are the zeros of a relu.
    """
    n, c, height, width = (*v.shape[:2], v.shape[2] // k, v.shape[3] // k)

    def blocks(a: Array) -> Array:
        inside = a[:, :, : height * k, : width * k].reshape(n, c, height, k, width, k)
        return inside.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, height, width, k * k)

    values, errors = blocks(v), blocks(e)
    top, top_error = values.max(-1), errors.max(-1)
    reach = u * (errors + top_error[..., None])
    below = top[..., None] - values
    may = below <= reach
    may &= (below > 0) | (np.cumsum(below == 0, axis=-1) == 1)
    unsure = may & (may.sum(-1) > 1)[..., None]

    def back(g: Array, eg: Array) -> tuple[Array, Array, list[Pair]]:
        g, eg = may * g[..., None], may * eg[..., None] + unsure * g[..., None] / u
        return _unblocked(g, v.shape, k), _unblocked(eg, v.shape, k), []

    return top, top_error, back


def _unblocked(a: Array, shape: tuple[int, ...], k: int) -> Array:
    n, c, height, width, _ = a.shape
    inside = a.reshape(n, c, height, width, k, k).transpose(0, 1, 2, 4, 3, 5)
    out = np.zeros(shape)
    out[:, :, : height * k, : width * k] = inside.reshape(n, c, height * k, width * k)
    return out


def _reshaped(v: Array, e: Array, shape: tuple[int, ...]) -> tuple[Array, Array, Back]:
    return (
        v.reshape(shape),
        e.reshape(shape),
        lambda g, eg: (g.reshape(v.shape), eg.reshape(v.shape), []),
    )
