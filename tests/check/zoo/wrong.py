"""The same layers with one mistake each; what is not here is taken from right.py."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from . import inputs, right
from .right import (
    affine_backward,
    affine_relu_backward,
    col2im,
    lstm_step_backward,
    relu_backward,
    rnn_step_backward,
    sigmoid,
    softmax_loss,
)


@dataclass(frozen=True)
class Plant:
    """What is wrong: the fields of Entry, of the right entry unless given."""

    name: str
    of: str
    kind: int
    what: str
    line: str
    shows: str
    forward: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None
    build: Callable[[], Any] | None = None
    make_inputs: Callable[..., Any] | None = None


PLANTED: list[Plant] = []


def plant(of, kind, line, shows="value", part="backward", size=(), at=None, forward=None):
    """Enter what follows as the wrong part of the right entry; the docstring says what is wrong."""

    def enter(thing):
        parts = {"forward": forward, part: thing}
        if isinstance(thing, type):
            parts = {"build": partial(thing, *size)}
        said = (thing.__name__, of, kind, thing.__doc__, line, shows)
        PLANTED.append(Plant(*said, make_inputs=at, **parts))
        return thing

    return enter


# ---- 1 to 8: contract, shape, dtype, NaN ---------------------------------------------------------


@plant(
    "dropout",
    1,
    'mask = (np.random.rand(*dout.shape) < param["p"]) / param["p"]',
    "random backward",
)
def dropout_backward_fresh_mask(dout, cache):
    """The backward draws a new mask."""
    param, _ = cache
    mask = (np.random.rand(*dout.shape) < param["p"]) / param["p"]
    return dout * mask


@plant("dropout", 1, "mask = (np.random.rand(*x.shape) < p) / p", "random forward", part="forward")
def dropout_forward_unseeded(x, dropout_param):
    """The forward ignores the seed: another mask at every call."""
    p = dropout_param["p"]
    mask = (np.random.rand(*x.shape) < p) / p
    return x * mask, (dropout_param, mask)


@plant("relu", 2, "dout[x <= 0] = 0", "mutates cotangent")
def relu_backward_in_place(dout, x):
    """Zeros are written into dout."""
    dout[x <= 0] = 0
    dx = dout.copy()
    return dx


@plant("tanh", 2, "dout *= 1 - t**2", "mutates cotangent")
def tanh_backward_in_place(dout, t):
    """dout is multiplied in place and returned."""
    dout *= 1 - t**2
    return dout


@plant("softmax_loss", 2, "x -= x.max(axis=1, keepdims=True)", "mutates input", part="forward")
def softmax_loss_in_place(x, y):
    """The row maxima are subtracted from the caller's scores."""
    x -= x.max(axis=1, keepdims=True)
    p = np.exp(x)
    p /= p.sum(axis=1, keepdims=True)
    n = len(y)
    loss = -np.log(p[np.arange(n), y]).mean()
    p[np.arange(n), y] -= 1
    return loss, p / n


@plant("batchnorm_alt", 2, "x -= x.mean(axis=0)", "mutates input", part="forward")
def batchnorm_forward_in_place(x, gamma, beta, eps):
    """The mean is subtracted from the caller's x."""
    x -= x.mean(axis=0)
    std = np.sqrt((x**2).mean(axis=0) + eps)
    x_norm = x / std
    return gamma * x_norm + beta, (x_norm, gamma, std)


@plant("affine", 2, "np.clip(w, -0.5, 0.5, out=w)", "mutates input")
def affine_backward_clips_weights(dout, cache):
    """The backward clips the caller's weights."""
    x, w, b = cache
    grads = affine_backward(dout, cache)
    np.clip(w, -0.5, 0.5, out=w)
    return grads


@plant("add", 2, "da = dout", "aliases")
def add_backward_alias(dout, cache):
    """The gradient returned is the cotangent's own array."""
    da = dout
    db = dout.sum(axis=0)
    return da, db


@plant("mse", 2, "dy = np.negative(dy_hat, out=dy_hat)")
def mse_backward_one_buffer(dloss, residual):
    """Both gradients are one array; its sign was flipped for the second."""
    dy_hat = dloss * residual / len(residual)
    dy = np.negative(dy_hat, out=dy_hat)
    return dy_hat, dy


@plant("affine", 3, "return dx, dw", "count")
def affine_backward_no_db(dout, cache):
    """The bias has no gradient."""
    x, w, b = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    return dx, dw


@plant("batchnorm_alt", 3, "dbeta = None", "count")
def batchnorm_backward_none(dout, cache):
    """dbeta is None."""
    dx, dgamma, _ = right.batchnorm_alt_backward(dout, cache)
    dbeta = None
    return dx, dgamma, dbeta


@plant("affine", 4, "db = dout", "shape")
def affine_backward_db_not_summed(dout, cache):
    """The bias's gradient is not summed over the batch."""
    x, w, b = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    db = dout
    return dx, dw, db


@plant("prelu", 4, "da = dout * np.minimum(x, 0)", "shape")
def prelu_backward_da_not_summed(dout, cache):
    """The slopes' gradient is not summed over the rows."""
    x, a = cache
    dx = np.where(x > 0, dout, a * dout)
    da = dout * np.minimum(x, 0)
    return dx, da


@plant("affine", 5, "dx = dout @ w.T", "shape")
def affine_backward_flat_dx(dout, cache):
    """dx is not brought back to the shape of x."""
    x, w, b = cache
    dx = dout @ w.T
    dw = x.reshape(len(x), -1).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


@plant("linear", 5, 'grads["db"] = dZ.sum(axis=0)', "shape")
def linear_backward_no_keepdims(dZ, saved):
    """Without keepdims db is (M,) and b is (1, M)."""
    grads = {"dX": dZ @ saved["W"], "dW": dZ.T @ saved["X"]}
    grads["db"] = dZ.sum(axis=0)
    return grads


@plant("linear", 5, 'dW = saved["X"].T @ dZ', "shape")
def linear_backward_dw_transposed(dZ, saved):
    """dW has the shape of W transposed."""
    dW = saved["X"].T @ dZ
    return {"dX": dZ @ saved["W"], "dW": dW, "db": dZ.sum(axis=0, keepdims=True)}


@plant("conv_naive", 5, "dx = dx_pad", "shape")
def conv_backward_padded(dout, cache):
    """The padding is not cut off dx."""
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        rows = slice(i * stride, i * stride + HH)
        cols = slice(j * stride, j * stride + WW)
        dw[f] += dout[n, f, i, j] * x_pad[n, :, rows, cols]
        dx_pad[n, :, rows, cols] += dout[n, f, i, j] * w[f]
    dx = dx_pad
    return dx, dw, dout.sum(axis=(0, 2, 3))


@plant("scale_shift", 5, "dgamma = np.sum(dout * x)", "shape")
def scale_shift_backward_scalar(dout, cache):
    """dgamma is a number: summed over the channels too."""
    x, gamma = cache
    dgamma = np.sum(dout * x)
    return dout * gamma[:, None, None], dgamma, dout.sum(axis=(0, 2, 3))


@plant("affine", 6, "dout = dout.astype(np.float32)", "float32")
def affine_backward_float32(dout, cache):
    """The cotangent is rounded to float32."""
    dout = dout.astype(np.float32)
    return tuple(g.astype(np.float64) for g in affine_backward(dout, cache))


@plant("sigmoid", 6, "cache = out.astype(np.float32)", "float32", part="forward")
def sigmoid_forward_float32_cache(x):
    """The forward keeps its output in float32."""
    out = 1 / (1 + np.exp(-x))
    cache = out.astype(np.float32)
    return out, cache


@plant("max_pool_naive", 6, "dx = np.zeros(x.shape, dtype=int)")
def max_pool_backward_int(dout, cache):
    """dx is an array of integers."""
    x, p = cache
    h, w, s = p["pool_height"], p["pool_width"], p["stride"]
    dx = np.zeros(x.shape, dtype=int)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * s : i * s + h, j * s : j * s + w]
        a, b = divmod(window.argmax(), w)
        dx[n, c, i * s + a, j * s + b] += dout[n, c, i, j]
    return dx


@plant("avg_pool", 6, "d = dout // size**2")
def avg_pool_backward_floor(dout, cache):
    """Integer division."""
    shape, size = cache
    d = dout // size**2
    return d.repeat(size, axis=2).repeat(size, axis=3)


@plant("mse_loss", 6, "dpred = 2 // diff.size * diff", part="forward")
def mse_loss_floor(pred, target):
    """2 // size is zero."""
    diff = pred - target
    dpred = 2 // diff.size * diff
    return np.mean(diff**2), dpred


@plant(
    "elu", 7, "slope = (x > 0) + (x <= 0) * alpha * np.exp(x)", "nan", at=inputs.large(800.0, 1.3)
)
def elu_backward_masks(dout, cache):
    """Branches by masks: far right of zero 0 * inf is NaN."""
    x, neg, alpha = cache
    slope = (x > 0) + (x <= 0) * alpha * np.exp(x)
    return dout * slope


@plant(
    "l2_normalize",
    8,
    "n = np.linalg.norm(x, axis=1, keepdims=True)",
    "nan",
    at=inputs.with_zeros,
    forward=lambda x: (right.l2_normalize_forward(x)[0], x),
)
def l2_normalize_backward_no_eps(dout, x):
    """The norm without eps: a row of zeros gives 0/0."""
    n = np.linalg.norm(x, axis=1, keepdims=True)
    y = x / n
    return (dout - y * (dout * y).sum(axis=1, keepdims=True)) / n


@plant("softplus", 8, "return dout * swish / x", "nan", at=inputs.with_zeros)
def softplus_grad_over_x(dout, x):
    """x times the sigmoid over x: NaN at zero."""
    swish = x / (1 + np.exp(-x))
    return dout * swish / x


# ---- 9 to 13: the cotangent ----------------------------------------------------------------------


@plant("tanh", 9, "return 1 - t**2")
def tanh_backward_no_upstream(dout, t):
    """The upstream gradient is forgotten."""
    return 1 - t**2


@plant("mse", 9, "dy_hat = residual / residual.shape[0]")
def mse_backward_no_upstream(dloss, residual):
    """The upstream gradient of the loss is forgotten."""
    dy_hat = residual / residual.shape[0]
    return dy_hat, -dy_hat


@plant("sigmoid", 10, "return np.abs(dout) * s * (1 - s)")
def sigmoid_backward_abs(dout, s):
    """The absolute value of the upstream gradient."""
    return np.abs(dout) * s * (1 - s)


@plant("polynomial", 10, "return dout**2 * (3 * x**2 - 4 * x + 1 / 3)")
def polynomial_grad_squared(dout, x):
    """The upstream gradient is squared."""
    return dout**2 * (3 * x**2 - 4 * x + 1 / 3)


@plant("rnn", 10, "dh_t = np.clip(dh[:, t] + dprev_h, -5, 5)", "large")
def rnn_backward_clipped(dh, cache):
    """Gradient clipping was left in the backward pass."""
    N, T, H = dh.shape
    dx, dWx, dWh, db = [], 0, 0, 0
    dprev_h = np.zeros((N, H))
    for t in range(T)[::-1]:
        dh_t = np.clip(dh[:, t] + dprev_h, -5, 5)
        dx_t, dprev_h, a, b, c = rnn_step_backward(dh_t, cache[t])
        dx.append(dx_t)
        dWx, dWh, db = dWx + a, dWh + b, db + c
    return np.stack(dx[::-1], axis=1), dprev_h, dWx, dWh, db


@plant("word_embedding", 10, "dout = np.where(np.abs(dout) > 0.5, dout, 0)")
def word_embedding_backward_threshold(dout, cache):
    """Gradients below a threshold are dropped."""
    x, W = cache
    dout = np.where(np.abs(dout) > 0.5, dout, 0)
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW


@plant("affine", 11, "dw = x2.T @ dout + 0.01 * w")
def affine_backward_decay(dout, cache):
    """Weight decay is added in the backward; the forward has none."""
    x, w, b = cache
    x2 = x.reshape(len(x), -1)
    dw = x2.T @ dout + 0.01 * w
    return (dout @ w.T).reshape(x.shape), dw, dout.sum(axis=0)


@plant("relu", 12, "return dout * (dout > 0)")
def relu_backward_dout_mask(dout, x):
    """The mask is that of dout."""
    return dout * (dout > 0)


@plant("attention", 13, "dK = np.zeros_like(K)")
def attention_backward_no_dk(dO, cache):
    """The keys are taken for constants."""
    Q, K, V, P, d = cache
    dP = dO @ V.T
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True)) / np.sqrt(d)
    dK = np.zeros_like(K)
    return dS @ K, dK, P.T @ dO


@plant("quadratic", 13, "dx = g * (A @ x)")
def quadratic_grad_half(g, x, A):
    """The vector on the right is taken for a constant."""
    dx = g * (A @ x)
    return dx, g * np.outer(x, x)


# ---- 14 to 17: factors ---------------------------------------------------------------------------


@plant("softmax_loss", 14, "dx = (onehot - p) / n", part="forward")
def softmax_loss_sign(x, y):
    """y - p instead of p - y."""
    n, c = x.shape
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    onehot = np.eye(c)[y]
    dx = (onehot - p) / n
    return -np.sum(onehot * np.log(p)) / n, dx


@plant("mse", 14, "dy = dloss * residual / n")
def mse_backward_target_sign(dloss, residual):
    """The target's gradient has the prediction's sign."""
    n = len(residual)
    dy_hat = dloss * residual / n
    dy = dloss * residual / n
    return dy_hat, dy


@plant("cosine", 14, "da = g * (b / (na * nb) + cos * a / na**2)")
def cosine_backward_plus(dout, cache):
    """The norm's term is added."""
    a, b, na, nb, cos = cache
    g = dout[:, None]
    da = g * (b / (na * nb) + cos * a / na**2)
    db = g * (a / (na * nb) - cos * b / nb**2)
    return da, db


@plant("bce", 14, "dp = -y / p - (1 - y) / (1 - p)")
def bce_backward_sign(dout, cache):
    """The second term's inner derivative -1 is forgotten."""
    p, y = cache
    dp = -y / p - (1 - y) / (1 - p)
    return dout * dp / p.size


@plant("mse_loss", 15, "dpred = diff / diff.size", part="forward")
def mse_loss_half(pred, target):
    """The 2 of the square is missing."""
    diff = pred - target
    dpred = diff / diff.size
    return np.mean(diff**2), dpred


@plant("linear_svm_loss", 15, "dW += reg * W", part="forward")
def linear_svm_loss_half_reg(W, X, y, reg):
    """The loss has reg, the gradient half of it."""
    n = len(y)
    scores = X @ W
    margins = np.maximum(0, scores - scores[np.arange(n), y][:, None] + 1)
    margins[np.arange(n), y] = 0
    loss = margins.sum() / n + reg * np.sum(W * W)
    binary = (margins > 0).astype(float)
    binary[np.arange(n), y] = -binary.sum(axis=1)
    dW = X.T @ binary / n
    dW += reg * W
    return loss, dW


@plant("batchnorm", 15, "dvar = dsqrtvar / np.sqrt(var + eps)")
def batchnorm_backward_dvar(dout, cache):
    """The root's derivative lacks its 1/2."""
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N = len(dout)
    dxhat = dout * gamma
    dsqrtvar = -np.sum(dxhat * xmu, axis=0) / sqrtvar**2
    dvar = dsqrtvar / np.sqrt(var + eps)
    dxmu = dxhat * ivar + 2 * xmu * dvar / N
    dx = dxmu - dxmu.mean(axis=0)
    return dx, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)


@plant("attention", 15, "dQ, dK = dS @ K, dS.T @ Q")
def attention_backward_no_scale(dO, cache):
    """The scale 1/sqrt(d) is missing."""
    Q, K, V, P, d = cache
    dP = dO @ V.T
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    dQ, dK = dS @ K, dS.T @ Q
    return dQ, dK, P.T @ dO


@plant("avg_pool", 15, "dx = dout.repeat(k, axis=2).repeat(k, axis=3)")
def avg_pool_backward_no_mean(dout, cache):
    """The gradient is not divided by the window's size."""
    shape, k = cache
    dx = dout.repeat(k, axis=2).repeat(k, axis=3)
    return dx


@plant("softmax_loss", 16, "dx[np.arange(N), y] -= 1", part="forward")
def softmax_loss_no_mean(x, y):
    """The loss is a mean, the gradient is not divided by N."""
    N = len(x)
    dx = np.exp(x - x.max(axis=1, keepdims=True))
    dx /= dx.sum(axis=1, keepdims=True)
    loss = -np.log(dx[np.arange(N), y]).sum() / N
    dx[np.arange(N), y] -= 1
    return loss, dx


@plant("mse_loss", 16, "dpred = 2 * diff / len(diff)", part="forward")
def mse_loss_rows(pred, target):
    """Divided by the rows, the loss by all elements."""
    diff = pred - target
    dpred = 2 * diff / len(diff)
    return np.mean(diff**2), dpred


@plant("affine", 16, "dw = x2.T @ dout / m")
def affine_backward_dw_mean(dout, cache):
    """dW and db are divided by the batch size, as where the cost is a mean."""
    x, w, b = cache
    m = len(x)
    x2 = x.reshape(m, -1)
    dw = x2.T @ dout / m
    return (dout @ w.T).reshape(x.shape), dw, dout.sum(axis=0)


@plant("temporal_softmax_loss", 16, "dx /= N * T", part="forward")
def temporal_softmax_loss_steps(x, y, mask):
    """Divided by N*T, the loss only by N."""
    N, T, V = x.shape
    loss, dx = right.temporal_softmax_loss(x, y, mask)
    dx *= N
    dx /= N * T
    return loss, dx


@plant("global_avg_pool", 16, "dx = dout[:, :, None, None] / H")
def global_avg_pool_backward_height(dout, shape):
    """Divided by the height only."""
    N, C, H, W = shape
    dx = dout[:, :, None, None] / H
    return np.ones(shape) * dx


@plant("batchnorm_alt", 17, "N = len(dout) - 1")
def batchnorm_backward_bessel(dout, cache):
    """N - 1 instead of N."""
    xhat, gamma, std = cache
    N = len(dout) - 1
    dgamma, dbeta = np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)
    dx = gamma / std * (dout - dbeta / N - xhat * dgamma / N)
    return dx, dgamma, dbeta


@plant("standardize", 17, "sd = x.std(ddof=1)")
def standardize_grad_ddof(dout, x):
    """The deviation is that with N - 1, the forward's is not."""
    sd = x.std(ddof=1)
    z = (x - x.mean()) / sd
    return (dout - dout.mean() - z * (dout * z).mean()) / sd


# ---- 18 to 22: order and transposes --------------------------------------------------------------


@plant("batchnorm_alt", 18, "return dx, dbeta, dgamma")
def batchnorm_backward_swapped(dout, cache):
    """dbeta and dgamma are swapped."""
    dx, dgamma, dbeta = right.batchnorm_alt_backward(dout, cache)
    return dx, dbeta, dgamma


@plant("outer", 18, "return dout.T @ u, dout @ v", at=inputs.square_outer)
def outer_backward_swapped(dout, cache):
    """The gradients are swapped; vectors of one length."""
    u, v = cache
    return dout.T @ u, dout @ v


@plant("attention", 18, "return dQ, dV, dK", at=inputs.square_attention)
def attention_backward_swapped(dO, cache):
    """The keys' and the values' gradients are swapped."""
    dQ, dK, dV = right.attention_backward(dO, cache)
    return dQ, dV, dK


@plant("lstm_step", 18, "return dx, dprev_c, dprev_h, dWx, dWh, db")
def lstm_step_backward_swapped(dnext_h, dnext_c, cache):
    """The gradients of the states are swapped."""
    dx, dprev_h, dprev_c, dWx, dWh, db = lstm_step_backward(dnext_h, dnext_c, cache)
    return dx, dprev_c, dprev_h, dWx, dWh, db


@plant("dense_loops", 18, "return dw, dx, db", "shape")
def dense_backward_swapped(dout, memory):
    """Positions swapped: shapes of dx and dw exchanged."""
    x, w, b = memory
    dx, dw, db = dout @ w.T, x.T @ dout, dout.sum(0)
    return dw, dx, db


@plant("shared", 19, "dW = dW.T")
def shared_backward_transposed(dy, cache):
    """dW is transposed; W is square."""
    dx, dW = right.shared_backward(dy, cache)
    dW = dW.T
    return dx, dW


@plant("conv1d", 19, 'dk = np.correlate(x, dout, mode="valid")[::-1]')
def conv1d_backward_dk_reversed(dout, cache):
    """The kernel's gradient comes out reversed."""
    x, k = cache
    dk = np.correlate(x, dout, mode="valid")[::-1]
    return np.convolve(dout, k), dk


@plant("spatial_batchnorm", 19, "dx = dx.reshape(N, C, H, W)")
def spatial_batchnorm_backward_reshape(dout, cache):
    """Reshaped straight to (N, C, H, W) without the transpose."""
    N, C, H, W = dout.shape
    flat = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    dx, dgamma, dbeta = right.batchnorm_backward(flat, cache)
    dx = dx.reshape(N, C, H, W)
    return dx, dgamma, dbeta


@plant("rnn_step", 20, "dprev_h = dz @ Wh")
def rnn_step_backward_untransposed(dnext_h, cache):
    """Wh is not transposed."""
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - next_h**2)
    dprev_h = dz @ Wh
    return dz @ Wx.T, dprev_h, x.T @ dz, prev_h.T @ dz, dz.sum(axis=0)


@plant("self_attention", 20, "dk = ds @ q")
def self_attention_backward_untransposed(dy, cache):
    """The scores' gradient is not transposed for the keys."""
    x, Wq, Wk, Wv, q, k, v, att, scale = cache
    dv = att.transpose(0, 2, 1) @ dy
    datt = dy @ v.transpose(0, 2, 1)
    ds = att * (datt - np.sum(datt * att, -1, keepdims=True)) * scale
    dq = ds @ k
    dk = ds @ q
    weights = [np.einsum("btc,btd->cd", x, d) for d in (dq, dk, dv)]
    return dq @ Wq.T + dk @ Wk.T + dv @ Wv.T, *weights


@plant("bilinear", 20, "dx = dout[:, None] * (y @ W)", at=inputs.square_bilinear)
def bilinear_backward_untransposed(dout, cache):
    """W is not transposed; it happens to be square."""
    x, W, y = cache
    dx = dout[:, None] * (y @ W)
    dW = np.einsum("n,ni,nj->ij", dout, x, y)
    return dx, dW, dout[:, None] * (x @ W)


@plant("dense_loops", 20, "dx = dout @ w", "raises")
def dense_backward_untransposed(dout, memory):
    """w is not transposed: an error unless it is square."""
    x, w, b = memory
    dx = dout @ w
    return dx, x.T @ dout, dout.sum(0)


@plant("conv1d", 21, "dx = np.convolve(dout, k[::-1])")
def conv1d_backward_unflipped(dout, cache):
    """The kernel is not flipped for dx."""
    x, k = cache
    dx = np.convolve(dout, k[::-1])
    return dx, np.correlate(x, dout, mode="valid")


@plant("cumsum", 22, "return np.cumsum(dout, axis=1)")
def cumsum_backward_forwards(dout, cache):
    """Summed from the front again."""
    return np.cumsum(dout, axis=1)


@plant("softmax_rows", 14, "jacobian = np.diag(s) + np.outer(s, s)")
def softmax_rows_backward_plus(dprobs, probs):
    """The outer product is added to the diagonal."""
    dscores = np.empty_like(probs)
    for i, s in enumerate(probs):
        jacobian = np.diag(s) + np.outer(s, s)
        dscores[i] = jacobian @ dprobs[i]
    return dscores


# ---- 23 to 30: missing terms and factors ---------------------------------------------------------


@plant("softmax", 23, "return dout * p * (1 - p)")
def softmax_backward_diagonal(dout, p):
    """Only the diagonal of the Jacobian."""
    return dout * p * (1 - p)


@plant("log_softmax", 24, "return dout - 0 * p")
def log_softmax_backward_no_normaliser(dout, logp):
    """The normaliser's derivative is missing."""
    p = np.exp(logp)
    return dout - 0 * p


@plant(
    "layernorm", 24, "dx = inv_std * (dxhat - x_hat * (dxhat * x_hat).mean(axis=1, keepdims=True))"
)
def layernorm_backward_no_mean(dout, cache):
    """The term through the mean is missing."""
    x_hat, gamma, inv_std = cache
    dxhat = dout * gamma
    dx = inv_std * (dxhat - x_hat * (dxhat * x_hat).mean(axis=1, keepdims=True))
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@plant("batchnorm", 24, "dx = dxmu1 + dxmu2")
def batchnorm_backward_no_dmu(dout, cache):
    """The mean's gradient is dropped."""
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    dxhat = dout * gamma
    dvar = np.sum(dxhat * xmu, axis=0) * -0.5 * (var + eps) ** -1.5
    dxmu1 = dxhat * ivar
    dxmu2 = 2 * xmu * dvar / len(dout)
    dx = dxmu1 + dxmu2
    return dx, np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)


@plant("layernorm_last", 25, "dx = (dnorm - dnorm.mean(-1, keepdims=True)) * rstd")
def layernorm_last_backward_no_var(dout, cache):
    """The term through the variance is missing."""
    norm, w, rstd = cache
    dnorm = dout * w
    dx = (dnorm - dnorm.mean(-1, keepdims=True)) * rstd
    return dx, (dout * norm).sum((0, 1)), dout.sum((0, 1))


@plant("l2_normalize", 25, "return dout / norm")
def l2_normalize_backward_no_projection(dout, cache):
    """The norm is taken for a constant."""
    y, norm = cache
    return dout / norm


@plant("l2_normalize", 26, "return dout - y * np.sum(dout * y, axis=1, keepdims=True)")
def l2_normalize_backward_no_norm(dout, cache):
    """Not divided by the norm."""
    y, norm = cache
    return dout - y * np.sum(dout * y, axis=1, keepdims=True)


@plant("layernorm", 26, "return dx, dgamma, dbeta")
def layernorm_backward_no_std(dout, cache):
    """Not divided by the deviation."""
    x_hat, gamma, inv_std = cache
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    g = dout * gamma
    dx = g - g.mean(axis=1, keepdims=True) - x_hat * (g * x_hat).mean(axis=1, keepdims=True)
    return dx, dgamma, dbeta


@plant("affine_relu", 27, "return affine_backward(dout, fc_cache)")
def affine_relu_backward_no_relu(dout, cache):
    """The gradient jumps over the ReLU."""
    fc_cache, relu_cache = cache
    return affine_backward(dout, fc_cache)


@plant("rnn_step", 27, "dz = dnext_h")
def rnn_step_backward_no_tanh(dnext_h, cache):
    """The derivative of tanh is missing."""
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h
    return dz @ Wx.T, dz @ Wh.T, x.T @ dz, prev_h.T @ dz, dz.sum(axis=0)


@plant("gelu", 27, "return dout * 0.5 * (1 + t)")
def gelu_backward_constant_tanh(dout, cache):
    """tanh is taken for a constant."""
    x, t = cache
    return dout * 0.5 * (1 + t)


@plant("sigmoid", 28, "return dout * s")
def sigmoid_backward_no_factor(dout, s):
    """The factor 1 - s is missing."""
    return dout * s


@plant("tanh", 28, "return dout * (1 - t**2) ** 2")
def tanh_backward_twice(dout, t):
    """The derivative is applied twice."""
    return dout * (1 - t**2) ** 2


@plant("bilinear", 28, "dW = x.T @ y * dout.sum()")
def bilinear_backward_dw_sum(dout, cache):
    """dW lacks the cotangent's factor of each row."""
    x, W, y = cache
    dW = x.T @ y * dout.sum()
    return dout[:, None] * (y @ W.T), dW, dout[:, None] * (x @ W)


@plant("sigmoid", 29, "cache = x", part="forward")
def sigmoid_forward_saves_x(x):
    """The input is saved where the output belongs."""
    s = 1 / (1 + np.exp(-x))
    cache = x
    return s, cache


@plant("sigmoid_stable", 29, "return grad * x * (1 - x)")
def sigmoid_stable_backward_x(grad, cache):
    """x (1 - x) of the input."""
    x, y = cache
    return grad * x * (1 - x)


@plant("gru_step", 29, "dz = dout * (h - n) * (1 - z**2)")
def gru_step_backward_gate(dout, cache):
    """The update gate's derivative is of its pre-activation's tanh."""
    x, h, p, z, r, n = cache
    dn = dout * (1 - z) * (1 - n * n)
    dz = dout * (h - n) * (1 - z**2)
    drh = dn @ p["Un"].T
    dr = drh * h * r * (1 - r)
    dh = dout * z + drh * r + dz @ p["Uz"].T + dr @ p["Ur"].T
    return {"x": dn @ p["Wn"].T + dz @ p["Wz"].T + dr @ p["Wr"].T, "h": dh}


@plant(
    "softplus_naive",
    30,
    "return dout / (1 + np.exp(-out))",
    forward=lambda x: (np.log1p(np.exp(x)), np.log1p(np.exp(x))),
)
def softplus_backward_of_output(dout, out):
    """The sigmoid of the output."""
    return dout / (1 + np.exp(-out))


@plant("logsumexp", 30, "p = np.exp(out - np.logaddexp.reduce(out))")
def logsumexp_backward_of_output(dout, cache):
    """The weights are those of the outputs."""
    x, out = cache
    p = np.exp(out - np.logaddexp.reduce(out))
    return np.ones_like(x) * (dout * p)[:, None]


# ---- 31 to 33: masks and ties --------------------------------------------------------------------


@plant("relu_mask", 31, "return dout * ~mask")
def relu_backward_inverted(dout, mask):
    """The mask is inverted."""
    return dout * ~mask


@plant("relu_from_output", 31, "return dy * (y >= 0)")
def relu_backward_output_mask(dy, y):
    """The output is never negative: the mask is all ones."""
    return dy * (y >= 0)


@plant("leaky_relu", 31, "dx[x > 0] *= alpha")
def leaky_relu_backward_positive(dout, cache):
    """The positive side is the one scaled."""
    x, alpha = cache
    dx = dout.copy()
    dx[x > 0] *= alpha
    return dx


@plant("svm_loss", 31, "mask = margins >= 0", part="forward")
def svm_loss_mask(x, y):
    """>= takes the classes without a margin too."""
    n = len(x)
    margins = np.maximum(0, x - x[np.arange(n), y][:, None] + 1)
    margins[np.arange(n), y] = 0
    mask = margins >= 0
    dx = mask / n
    dx[np.arange(n), y] -= mask.sum(axis=1) / n
    return margins.sum() / n, dx


@plant("huber", 31, "small = np.abs(r) <= 1")
def huber_backward_threshold(dout, cache):
    """The threshold is 1, not delta."""
    r, _, delta = cache
    small = np.abs(r) <= 1
    d = np.where(small, r, delta * np.sign(r)) * dout / r.size
    return d, -d


@plant("self_attention", 31, "ds = np.where(np.triu(np.ones((T, T))) == 1, ds, 0)")
def self_attention_backward_triu(dy, cache):
    """The causal mask of the backward is the upper triangle."""
    x, Wq, Wk, Wv, q, k, v, att, scale = cache
    T = x.shape[1]
    dv = att.transpose(0, 2, 1) @ dy
    datt = dy @ v.transpose(0, 2, 1)
    ds = att * (datt - np.sum(datt * att, -1, keepdims=True)) * scale
    ds = np.where(np.triu(np.ones((T, T))) == 1, ds, 0)
    dq = ds @ k
    dk = ds.transpose(0, 2, 1) @ q
    weights = [np.einsum("btc,btd->cd", x, d) for d in (dq, dk, dv)]
    return dq @ Wq.T + dk @ Wk.T + dv @ Wv.T, *weights


@plant("relu_copy", 32, "dZ = dA * ((Z >= 0) * 1.0 + (Z == 0))", at=inputs.with_zeros)
def relu_backward_boundary(dA, Z):
    """At exactly zero the gradient is 2: both branches count."""
    dZ = dA * ((Z >= 0) * 1.0 + (Z == 0))
    return dZ


@plant(
    "max_rows",
    33,
    "return dout[:, None] * (x == x.max(axis=1, keepdims=True))",
    at=inputs.tied_rows,
    forward=lambda x: (x.max(axis=1), x),
)
def max_rows_backward_ties(dout, x):
    """Every one of several maxima gets the whole gradient."""
    return dout[:, None] * (x == x.max(axis=1, keepdims=True))


@plant(
    "max_pool_naive",
    33,
    "dx[n, c, rows, cols] += dout[n, c, i, j] * (window == window.max())",
    at=inputs.tied_pool,
)
def max_pool_backward_ties(dout, cache):
    """Every maximum of a window gets the whole gradient."""
    x, p = cache
    h, w, s = p["pool_height"], p["pool_width"], p["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        rows, cols = slice(i * s, i * s + h), slice(j * s, j * s + w)
        window = x[n, c, rows, cols]
        dx[n, c, rows, cols] += dout[n, c, i, j] * (window == window.max())
    return dx


# ---- 34 to 37: accumulation ----------------------------------------------------------------------


@plant("residual", 34, "dx = dx_branch")
def residual_backward_no_skip(dout, cache):
    """The skip connection's gradient is missing."""
    cache1, cache2 = cache
    dh, dW2, db2 = affine_backward(dout, cache2)
    dx_branch, dW1, db1 = affine_relu_backward(dh, cache1)
    dx = dx_branch
    return dx, dW1, db1, dW2, db2


@plant("self_attention", 34, "dx = dv @ Wv.T")
def self_attention_backward_overwrites(dy, cache):
    """= for +=: only the values' path is left."""
    x, Wq, Wk, Wv, q, k, v, att, scale = cache
    dx, dWq, dWk, dWv = right.self_attention_backward(dy, cache)
    dv = att.transpose(0, 2, 1) @ dy
    dx = dv @ Wv.T
    return dx, dWq, dWk, dWv


@plant("rnn", 34, "dWh = dWh_t")
def rnn_backward_overwrites(dh, cache):
    """dWh of the first step only: = for +=."""
    dx = np.zeros((*dh.shape[:2], cache[0][0].shape[1]))
    dWx, db, dprev_h = 0, 0, 0
    for t in range(dh.shape[1] - 1, -1, -1):
        dx[:, t], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dprev_h, cache[t])
        dWx = dWx + dWx_t
        dWh = dWh_t
        db = db + db_t
    return dx, dprev_h, dWx, dWh, db


@plant("conv_naive", 34, "dx_pad[n, :, rows, cols] = np.tensordot(dout[n, :, i, j], w, 1)")
def conv_backward_overwrites(dout, cache):
    """Overlapping windows overwrite each other in dx."""
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, F, H_out, W_out = dout.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n, i, j in np.ndindex(N, H_out, W_out):
        rows = slice(i * stride, i * stride + w.shape[2])
        cols = slice(j * stride, j * stride + w.shape[3])
        dw += np.multiply.outer(dout[n, :, i, j], x_pad[n, :, rows, cols])
        dx_pad[n, :, rows, cols] = np.tensordot(dout[n, :, i, j], w, 1)
    dx = dx_pad[:, :, pad:-pad, pad:-pad]
    return dx, dw, dout.sum(axis=(0, 2, 3))


@plant("shared", 34, "dW = h.T @ d2")
def shared_backward_one_use(dy, cache):
    """The first use of the shared weights is forgotten."""
    x, W, h, y = cache
    d2 = dy * (1 - y**2)
    dW = h.T @ d2
    d1 = (d2 @ W.T) * (1 - h**2)
    return d1 @ W.T, dW


@plant("residual", 35, "dx += dx_branch")
def residual_backward_twice(dout, cache):
    """The branch is counted twice."""
    cache1, cache2 = cache
    dh, dW2, db2 = affine_backward(dout, cache2)
    dx_branch, dW1, db1 = affine_relu_backward(dh, cache1)
    dx = dout + dx_branch
    dx += dx_branch
    return dx, dW1, db1, dW2, db2


@plant("Linear", 36, "self.dW += self.x.T @ dout", "not idempotent", size=(4, 5))
class LinearAddsUp(right.Linear):
    """dW is added to and never set to zero: a second backward doubles it."""

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.dW = np.zeros((n_in, n_out))

    def backward(self, dout):
        self.dW += self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


@plant(
    "softmax",
    36,
    "p *= dout - np.sum(dout * p, axis=1, keepdims=True)",
    "not idempotent",
    forward=lambda x: (right.softmax_forward(x)[0], right.softmax_forward(x)[0]),
)
def softmax_backward_eats_cache(dout, p):
    """The cached probabilities are changed by the backward."""
    p *= dout - np.sum(dout * p, axis=1, keepdims=True)
    return p.copy()


@plant(
    "lstm",
    36,
    "dxt, dh_next, dc, a, b, c = lstm_step_backward(dh[:, t] + dh_next, dc, caches.pop())",
    "not idempotent",
)
def lstm_backward_pops(dh, caches):
    """The caches are popped: there is no second backward."""
    dh_next, dc, dWx, dWh, db = 0, 0, 0, 0, 0
    dxs = []
    for t in range(dh.shape[1])[::-1]:
        dxt, dh_next, dc, a, b, c = lstm_step_backward(dh[:, t] + dh_next, dc, caches.pop())
        dxs.append(dxt)
        dWx, dWh, db = dWx + a, dWh + b, db + c
    return np.stack(dxs[::-1], axis=1), dh_next, dWx, dWh, db


@plant("Accumulating", 34, "self.bias_grad = grad_output.sum(0)", "overwrites", size=(4, 5))
class AccumulatingNot(right.Accumulating):
    """The bias's gradient is replaced, not added to."""

    def backward(self, grad_output):
        self.weight_grad += grad_output.T @ self.input
        self.bias_grad = grad_output.sum(0)
        return grad_output @ self.weight


@plant("word_embedding", 37, "dW[x] += dout")
def word_embedding_backward_fancy(dout, cache):
    """A word that comes twice gets the last gradient only."""
    x, W = cache
    dW = np.zeros_like(W)
    dW[x] += dout
    return dW


@plant("embedding_loop", 37, "dtable[t] = grad[pos]")
def embedding_backward_assigns(grad, cache):
    """= for +=: the last of equal tokens wins."""
    tokens, shape = cache
    dtable = np.zeros(shape)
    for pos, t in enumerate(tokens):
        dtable[t] = grad[pos]
    return dtable


# ---- 38 and 39: slices and axes ------------------------------------------------------------------


@plant("affine", 38, "db = dout[:-1].sum(axis=0)")
def affine_backward_db_short(dout, cache):
    """The last row of the batch is left out of db."""
    dx, dw, _ = affine_backward(dout, cache)
    db = dout[:-1].sum(axis=0)
    return dx, dw, db


@plant("softmax_loss", 38, "dx[np.arange(n), y - 1] -= 1", part="forward")
def softmax_loss_label(x, y):
    """The labels are counted from 1."""
    loss, _ = softmax_loss(x, y)
    n = len(y)
    dx = np.exp(x - x.max(1, keepdims=True))
    dx /= dx.sum(1, keepdims=True)
    dx[np.arange(n), y - 1] -= 1
    return loss, dx / n


@plant("softmax_loss", 38, "dx[:, y] -= 1", part="forward")
def softmax_loss_index(x, y):
    """Indexed [:, y]: every row loses one for every label."""
    loss, _ = softmax_loss(x, y)
    dx = np.exp(x - x.max(1, keepdims=True))
    dx /= dx.sum(1, keepdims=True)
    dx[:, y] -= 1
    return loss, dx / len(y)


@plant("rnn", 38, "for t in range(T - 2, -1, -1):")
def rnn_backward_last_step(dh, cache):
    """The last time step is left out."""
    N, T, H = dh.shape
    x, h0, Wx, Wh, _ = cache[0]
    dx = np.zeros((N, T, x.shape[1]))
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(H)
    dprev_h = np.zeros_like(h0)
    for t in range(T - 2, -1, -1):
        dx[:, t], dprev_h, a, b, c = rnn_step_backward(dh[:, t] + dprev_h, cache[t])
        dWx += a
        dWh += b
        db += c
    return dx, dprev_h, dWx, dWh, db


@plant("Linear", 38, "self.db = dout[0]", size=(4, 5))
class LinearFirstSample(right.Linear):
    """The bias's gradient is that of the first sample."""

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout[0]
        return dout @ self.W.T


@plant("vanilla_rnn", 38, "dWhh += np.dot(draw, hs[t].T)")
def vanilla_rnn_backward_state(dout, cache):
    """The state after the step is used, not the one before."""
    xs, hs, Wxh, Whh, Why = cache
    dx = np.zeros((len(xs), Wxh.shape[1]))
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dnext = np.zeros_like(hs[0])
    for t in range(len(xs))[::-1]:
        dy = dout[t][:, None]
        dWhy += np.dot(dy, hs[t].T)
        draw = (1 - hs[t] ** 2) * (np.dot(Why.T, dy) + dnext)
        dWxh += np.dot(draw, xs[t].T)
        dWhh += np.dot(draw, hs[t].T)
        dx[t] = np.dot(Wxh.T, draw)[:, 0]
        dnext = np.dot(Whh.T, draw)
    return dx, dWxh, dWhh, dWhy


@plant("softmax", 39, "return p * (dout - np.sum(dout * p, axis=0, keepdims=True))")
def softmax_backward_axis(dout, p):
    """The sum is over the batch."""
    return p * (dout - np.sum(dout * p, axis=0, keepdims=True))


@plant("layernorm", 39, "m1, m2 = g.mean(axis=0), (g * x_hat).mean(axis=0)")
def layernorm_backward_axis(dout, cache):
    """The means are over the batch, as in batchnorm."""
    x_hat, gamma, inv_std = cache
    g = dout * gamma
    m1, m2 = g.mean(axis=0), (g * x_hat).mean(axis=0)
    dx = inv_std * (g - m1 - x_hat * m2)
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@plant("linear", 39, "db = dZ.sum(axis=1, keepdims=True)", "shape")
def linear_backward_db_axis(dZ, saved):
    """The bias's gradient is summed over the features."""
    db = dZ.sum(axis=1, keepdims=True)
    return {"dX": dZ @ saved["W"], "dW": dZ.T @ saved["X"], "db": db}


@plant("groupnorm", 39, "g = np.reshape((dout * gamma).transpose(0, 3, 2, 1), (N, G, -1))")
def groupnorm_backward_groups(dout, cache):
    """The groups of the backward are over other channels."""
    G, x_group, mean, var, x_norm, gamma, eps = cache
    N, C, H, W = dout.shape
    std = np.sqrt(var + eps)
    g = np.reshape((dout * gamma).transpose(0, 3, 2, 1), (N, G, -1))
    xhat = (x_group - mean) / std
    dx = (g - g.mean(2, keepdims=True) - xhat * (g * xhat).mean(2, keepdims=True)) / std
    axes = (0, 2, 3)
    dgamma = np.sum(dout * x_norm, axis=axes, keepdims=True)
    return dx.reshape(dout.shape), dgamma, np.sum(dout, axis=axes, keepdims=True)


@plant("conv_im2col", 38, "db = d.sum(axis=2)[0]")
def conv_im2col_backward_db(dout, cache):
    """The bias's gradient is that of the first sample only."""
    N, F = dout.shape[:2]
    d = dout.reshape(N, F, -1)
    dx, dw, _ = right.conv_im2col_backward(dout, cache)
    db = d.sum(axis=2)[0]
    return dx, dw, db


# ---- 40 to 47: modes, caches, constants ----------------------------------------------------------


@plant("BatchNorm", 40, "if self.training:", size=(4,))
class BatchNormEvalBackward(right.BatchNorm):
    """The mode is asked for with the wrong sense."""

    def backward(self, dout):
        self.dgamma = (dout * self.xhat).sum(axis=0)
        self.dbeta = dout.sum(axis=0)
        g = dout * self.gamma
        if self.training:
            return g / self.std
        return (g - g.mean(0) - self.xhat * (g * self.xhat).mean(0)) / self.std


@plant("dropout", 40, "return dout.copy()")
def dropout_backward_eval(dout, cache):
    """Test-time backward: the mask is not applied."""
    return dout.copy()


@plant(
    "batchnorm_eval", 40, "dx = gamma * inv * (dout - dout.mean(0) - xhat * (dout * xhat).mean(0))"
)
def batchnorm_eval_backward_train(dout, cache):
    """The training formula for constant statistics."""
    xhat, gamma, inv = cache
    dx = gamma * inv * (dout - dout.mean(0) - xhat * (dout * xhat).mean(0))
    return dx, (dout * xhat).sum(0), dout.sum(0)


@plant("dropout_mask", 41, 'return dy * params["mask"]')
def dropout_mask_backward_unscaled(dy, params):
    """The scale 1/(1 - rate) is missing."""
    return dy * params["mask"]


@plant("dropout", 41, 'return dout * mask / param["p"]')
def dropout_backward_twice_scaled(dout, cache):
    """Scaled by p twice: the mask holds it already."""
    param, mask = cache
    return dout * mask / param["p"]


saved_x = None


def relu_global_forward(x):
    global saved_x
    saved_x = x
    return np.maximum(0, x), None


@plant("relu", 42, "return dout * (saved_x > 0)", "stale", forward=relu_global_forward)
def relu_backward_global(dout, cache):
    """The input is kept in a global: the next forward replaces it."""
    return dout * (saved_x > 0)


tanh_memo = {}


def tanh_memo_forward(x):
    tanh_memo["out"] = np.tanh(x)
    return tanh_memo["out"].copy(), tanh_memo


@plant("tanh", 42, 'return dout * (1 - cache["out"] ** 2)', "stale", forward=tanh_memo_forward)
def tanh_backward_shared_cache(dout, cache):
    """All calls share one dict as their cache."""
    return dout * (1 - cache["out"] ** 2)


class Shared:
    x = None


@plant("Linear", 42, "Shared.x = x", "stale", size=(4, 5))
class LinearClassCache(right.Linear):
    """The input is kept by a class: two layers share it."""

    def forward(self, x):
        Shared.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = Shared.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


@plant("ReLU", 42, 'if not hasattr(self, "mask"):', "second forward")
class ReLUFirstMask(right.ReLU):
    """Only the first forward's mask is ever kept."""

    def forward(self, x):
        if not hasattr(self, "mask"):
            self.mask = x <= 0
        return np.where(x <= 0, 0, x)


@plant("batchnorm", 43, "ivar = 1 / np.sqrt(var)")
def batchnorm_backward_no_eps(dout, cache):
    """Divided by the root without eps."""
    xhat, gamma, xmu, _, _, var, eps = cache
    ivar = 1 / np.sqrt(var)
    g = dout * gamma
    dx = ivar * (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0))
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)


@plant("layernorm", 43, "inv_std = 1 / (np.sqrt(var) + eps)", part="forward")
def layernorm_forward_saves_eps_outside(x, gamma, beta, ln_param):
    """eps is outside the root; the forward has it inside."""
    eps = ln_param["eps"]
    out, (x_hat, _, _) = right.layernorm_forward(x, gamma, beta, ln_param)
    var = x.var(axis=1, keepdims=True)
    inv_std = 1 / (np.sqrt(var) + eps)
    return out, (x_hat, gamma, inv_std)


@plant("gelu", 44, "c = 0.8")
def gelu_backward_rounded(dout, cache):
    """sqrt(2/pi) rounded to 0.8."""
    x, t = cache
    c = 0.8
    dinner = c * (1 + 0.134145 * x**2)
    return dout * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * dinner)


@plant("polynomial", 44, "return dout * (3 * x**2 - 4 * x + 0.333)")
def polynomial_grad_rounded(dout, x):
    """1/3 rounded to 0.333."""
    return dout * (3 * x**2 - 4 * x + 0.333)


@plant("gelu", 45, "return dout * (s + 1.702 * x * s * (1 - s))")
def gelu_backward_sigmoid(dout, cache):
    """The derivative of x * sigmoid(1.702 x), another approximation."""
    x, _ = cache
    s = sigmoid(1.702 * x)
    return dout * (s + 1.702 * x * s * (1 - s))


@plant("sigmoid_stable", 47, "return grad * e / (1 + e) ** 2", "nan", at=inputs.large(-800.0))
def sigmoid_stable_backward_naive(grad, cache):
    """e / (1 + e)**2 is inf / inf far left of zero."""
    x, _ = cache
    e = np.exp(-x)
    return grad * e / (1 + e) ** 2


@plant("logsumexp", 47, "e = np.exp(x)", "nan", at=inputs.large(800.0))
def logsumexp_backward_unshifted(dout, cache):
    """Exponentials without the shift overflow."""
    x, _ = cache
    e = np.exp(x)
    return dout[:, None] * e / e.sum(axis=1, keepdims=True)


# ---- 48 and 51 -----------------------------------------------------------------------------------


@plant("affine_relu", 48, 'd = dout.ravel(order="K").reshape(dout.shape)', "strided")
def affine_relu_backward_memory_order(dout, cache):
    """ravel in memory order: wrong for a transposed cotangent."""
    fc_cache, x = cache
    d = dout.ravel(order="K").reshape(dout.shape)
    return affine_backward(relu_backward(d, x), fc_cache)


@plant("cumsum", 48, "d = np.frombuffer(dout).reshape(dout.shape)", "strided")
def cumsum_backward_buffer(dout, cache):
    """The cotangent's buffer is read as if it were contiguous."""
    d = np.frombuffer(dout).reshape(dout.shape)
    return d[:, ::-1].cumsum(axis=1)[:, ::-1]


@plant("attention", 51, "S = Q @ K.T", "forward", part="forward")
def attention_forward_no_scale(Q, K, V):
    """The forward forgot the scale; the backward has it."""
    d = Q.shape[1]
    S = Q @ K.T
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    return P @ V, (Q, K, V, P, d)


@plant("standardize", 51, "return (x - x.mean()) / x.std(ddof=1)", "forward", part="forward")
def standardize_ddof(x):
    """The forward divides by the deviation with N - 1."""
    return (x - x.mean()) / x.std(ddof=1)


@plant("mse_loss", 51, "loss = np.sum(diff**2)", "forward", part="forward")
def mse_loss_sum(pred, target):
    """The loss is a sum, the gradient that of a mean."""
    diff = pred - target
    loss = np.sum(diff**2)
    return loss, 2 * diff / diff.size


# ---- 53 to 57: not in the report -----------------------------------------------------------------


@plant(
    "lstm_step",
    53,
    "da = np.hstack([df * f * (1 - f), di * i * (1 - i), do * o * (1 - o), dg * (1 - g**2)])",
)
def lstm_step_backward_gates(dnext_h, dnext_c, cache):
    """The derivatives of the input and the forget gate are exchanged."""
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c = cache
    do = dnext_h * tanh_c
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di, df, dg = dc * g, dc * prev_c, dc * i
    da = np.hstack([df * f * (1 - f), di * i * (1 - i), do * o * (1 - o), dg * (1 - g**2)])
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@plant("lstm_step", 53, "df = dc * next_c")
def lstm_step_backward_cell(dnext_h, dnext_c, cache):
    """The forget gate's gradient is taken with the new cell state."""
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c = cache
    next_c = f * prev_c + i * g
    do = dnext_h * tanh_c
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di, dg = dc * g, dc * i
    df = dc * next_c
    da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@plant("matmul", 53, 'dB = np.einsum("km,nkp->mp", A[0], dC)')
def matmul_backward_first(dC, cache):
    """The gradient of B is that with the first matrix of the stack for all."""
    A, B = cache
    dB = np.einsum("km,nkp->mp", A[0], dC)
    return dC @ B.T, dB


def batchnorm_keeps_out_forward(x, gamma, beta, eps):
    out, (_, gamma, std) = right.batchnorm_alt_forward(x, gamma, beta, eps)
    return out, (out, (x - x.mean(axis=0)) / std, gamma, std)


@plant(
    "batchnorm_alt", 53, "dgamma = (dout * out).sum(axis=0)", forward=batchnorm_keeps_out_forward
)
def batchnorm_backward_dgamma_out(dout, cache):
    """dgamma is taken with the output, not the normalised x."""
    out, *rest = cache
    dx, _, dbeta = right.batchnorm_alt_backward(dout, rest)
    dgamma = (dout * out).sum(axis=0)
    return dx, dgamma, dbeta


@plant("conv_naive", 54, "top, left = i, j")
def conv_backward_no_stride(dout, cache):
    """The stride is ignored."""
    x, w, b, conv_param = cache
    pad = conv_param["pad"]
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        top, left = i, j
        dw[f] += dout[n, f, i, j] * x_pad[n, :, top : top + HH, left : left + WW]
        dx_pad[n, :, top : top + HH, left : left + WW] += dout[n, f, i, j] * w[f]
    return dx_pad[:, :, pad:-pad, pad:-pad], dw, dout.sum(axis=(0, 2, 3))


@plant("conv_naive", 54, "dx = dx_pad[:, :, : x.shape[2], : x.shape[3]]")
def conv_backward_crop(dout, cache):
    """The padding is cut off at the far side only."""
    x, w, b, conv_param = cache
    s, pad = conv_param["stride"], conv_param["pad"]
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        rows, cols = slice(i * s, i * s + HH), slice(j * s, j * s + WW)
        dw[f] += dout[n, f, i, j] * x_pad[n, :, rows, cols]
        dx_pad[n, :, rows, cols] += dout[n, f, i, j] * w[f]
    dx = dx_pad[:, :, : x.shape[2], : x.shape[3]]
    return dx, dw, dout.sum(axis=(0, 2, 3))


@plant("max_pool_naive", 54, "window = x[n, c, i * s : i * s + h, j * s : j * s + w - 1]")
def max_pool_backward_window(dout, cache):
    """The windows of the backward are one too narrow."""
    x, p = cache
    h, w, s = p["pool_height"], p["pool_width"], p["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * s : i * s + h, j * s : j * s + w - 1]
        a, b = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, i * s + a, j * s + b] += dout[n, c, i, j]
    return dx


@plant("conv_im2col", 54, "dx = col2im(dcol, shape, fw, fh, stride, pad, oh, ow)", "raises")
def conv_im2col_backward_sides(dout, cache):
    """Height and width of the kernel are exchanged on the way back."""
    shape, w, col, stride, pad = cache
    F, C, fh, fw = w.shape
    N, _, oh, ow = dout.shape
    _, dw, db = right.conv_im2col_backward(dout, cache)
    dcol = w.reshape(F, -1).T @ dout.reshape(N, F, -1)
    dx = col2im(dcol, shape, fw, fh, stride, pad, oh, ow)
    return dx, dw, db


@plant("rnn", 55, "dx[:, t], dprev_h, a, b, c = rnn_step_backward(dh[:, t], cache[t])")
def rnn_backward_no_carry(dh, cache):
    """The gradient is not carried to the step before."""
    dx = np.zeros((*dh.shape[:2], cache[0][0].shape[1]))
    dWx, dWh, db = 0, 0, 0
    for t in reversed(range(dh.shape[1])):
        dx[:, t], dprev_h, a, b, c = rnn_step_backward(dh[:, t], cache[t])
        dWx, dWh, db = dWx + a, dWh + b, db + c
    return dx, dprev_h, dWx, dWh, db


@plant("lstm_step", 55, "dc = dnext_h * o * (1 - tanh_c**2)")
def lstm_step_backward_no_dnext_c(dnext_h, dnext_c, cache):
    """The cell's own cotangent is forgotten."""
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c = cache
    dc = dnext_h * o * (1 - tanh_c**2)
    gates = [dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * tanh_c * o * (1 - o)]
    da = np.concatenate([*gates, dc * i * (1 - g**2)], axis=1)
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(0)


@plant(
    "lstm", 55, "dxt, dh_next, _, a, b, c = lstm_step_backward(dh[:, t] + dh_next, 0, caches[t])"
)
def lstm_backward_no_cell(dh, caches):
    """The cell's gradient is not carried through time."""
    dh_next, dWx, dWh, db = 0, 0, 0, 0
    dxs = []
    for t in range(dh.shape[1])[::-1]:
        dxt, dh_next, _, a, b, c = lstm_step_backward(dh[:, t] + dh_next, 0, caches[t])
        dxs.append(dxt)
        dWx, dWh, db = dWx + a, dWh + b, db + c
    return np.stack(dxs[::-1], axis=1), dh_next, dWx, dWh, db


@plant("gru_step", 55, 'dh = drh * r + dz @ p["Uz"].T + dr @ p["Ur"].T')
def gru_step_backward_no_direct(dout, cache):
    """The path of h straight to the output is missing."""
    x, h, p, z, r, n = cache
    dn = dout * (1 - z) * (1 - n * n)
    dz = dout * (h - n) * z * (1 - z)
    drh = dn @ p["Un"].T
    dr = drh * h * r * (1 - r)
    dh = drh * r + dz @ p["Uz"].T + dr @ p["Ur"].T
    return {"x": dn @ p["Wn"].T + dz @ p["Wz"].T + dr @ p["Wr"].T, "h": dh}


@plant("svm_loss", 55, "dx = (margins > 0) / n", part="forward")
def svm_loss_no_correct_class(x, y):
    """The right class gets no gradient."""
    n = len(x)
    margins = np.maximum(0, x - x[np.arange(n), y][:, None] + 1)
    margins[np.arange(n), y] = 0
    dx = (margins > 0) / n
    return margins.sum() / n, dx


@plant("TwoLayerNet", 55, 'grads["W2"] = h.T @ ds')
class TwoLayerNetHalfRegularised(right.TwoLayerNet):
    """W2's gradient lacks the regularisation."""

    def loss(self, x, y):
        p, grads = self.params, {}
        h = np.maximum(0, x @ p["W1"] + p["b1"])
        loss, ds = softmax_loss(h @ p["W2"] + p["b2"], y)
        loss += self.reg / 2 * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))
        dh = ds @ p["W2"].T * (h > 0)
        grads["W1"] = x.T @ dh + self.reg * p["W1"]
        grads["W2"] = h.T @ ds
        grads["b1"], grads["b2"] = dh.sum(0), ds.sum(0)
        return loss, grads


@plant("swish", 55, "return grad_out * s")
def swish_grad_one_term(grad_out, x):
    """The product rule's second term is missing."""
    s = sigmoid(x)
    return grad_out * s


@plant("huber", 56, "far = delta * np.where(r > -2 * delta, np.sign(r), 1)")
def huber_backward_rare(dout, cache):
    """Far below the target the sign is lost: abs of the residual."""
    r, small, delta = cache
    far = delta * np.where(r > -2 * delta, np.sign(r), 1)
    d = np.where(small, r, far) * dout / r.size
    return d, -d


@plant(
    "tanh",
    56,
    "return np.where(np.abs(t) > np.tanh(3), 0, dout * (1 - t * t))",
    at=inputs.large(3.5),
)
def tanh_backward_saturated(dout, t):
    """Beyond 3 the derivative is taken for zero."""
    return np.where(np.abs(t) > np.tanh(3), 0, dout * (1 - t * t))


@plant("leaky_relu", 56, "dx[x < -2.5] = 0", at=inputs.large(-4.0, 0.1))
def leaky_relu_backward_dead(dout, cache):
    """Only inputs below -2.5 go wrong: no gradient there."""
    x, alpha = cache
    dx = np.where(x > 0, dout, alpha * dout)
    dx[x < -2.5] = 0
    return dx


@plant("affine", 56, "dw = np.outer(x[0], dout[0])")
def affine_backward_first_row(dout, cache):
    """A batch of one is right; others lose all but the first row in dw."""
    x, w, b = cache
    dw = np.outer(x[0], dout[0])
    return (dout @ w.T).reshape(x.shape), dw, dout.sum(axis=0)


@plant("columns", 56, "dW = dWT.T if m == n else dWT.reshape(W.shape)")
def columns_backward_square(dZ, cache):
    """Right for a square W only: otherwise dW is reshaped, not transposed."""
    A, W, b = cache
    m, n = W.shape
    dWT = A @ dZ.T
    dW = dWT.T if m == n else dWT.reshape(W.shape)
    return W.T @ dZ, dW, dZ.sum(axis=1, keepdims=True)


@plant("cross_entropy", 56, "d[targets.argmax(axis=1) == 0] *= -1", at=inputs.scores_class_zero)
def cross_entropy_backward_class_zero(dloss, cache):
    """Wrong for rows whose target is class 0."""
    log_p, targets = cache
    d = dloss * (np.exp(log_p) - targets) / len(targets)
    d[targets.argmax(axis=1) == 0] *= -1
    return d


@plant("Sequential", 57, "for layer in self.layers:", "raises")
class SequentialForwards(right.Sequential):
    """The gradient goes through the layers front to back."""

    def __init__(self):
        super().__init__(right.Linear(4, 5), right.ReLU(), right.Linear(5, 3), right.Sigmoid())

    def backward(self, grad):
        for layer in self.layers:
            grad = layer.backward(grad)
        return grad


@plant("residual", 57, "dh = dout * (h2 > 0) @ W2.T")
def residual_backward_mask_late(dout, cache):
    """The ReLU's mask is that of its output's gradient path: after W2."""
    ((x, W1, b1), a), (h, W2, b2) = cache
    h2 = h @ W2 + b2
    dh = dout * (h2 > 0) @ W2.T
    dW2, db2 = h.T @ dout, dout.sum(axis=0)
    return dout + dh @ W1.T, x.T @ dh, dh.sum(axis=0), dW2, db2
