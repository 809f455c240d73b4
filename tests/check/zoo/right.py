"""Correct forward and backward passes, as many different students would write them."""

import numpy as np

# ---- affine, four hands --------------------------------------------------------------------------


def affine_forward(x, w, b):
    """x is (N, d1, ..., dk), w is (D, M), b is (M,)."""
    N = x.shape[0]
    out = x.reshape(N, -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    N = x.shape[0]
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(N, -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def linear_forward(X, W, b):
    # W: (out, in), b: (1, out)
    Z = X @ W.T + b
    return Z, {"X": X, "W": W}


def linear_backward(dZ, saved):
    grads = {}
    grads["dW"] = dZ.T @ saved["X"]
    grads["db"] = dZ.sum(axis=0, keepdims=True)
    grads["dX"] = dZ @ saved["W"]
    return grads


def columns_forward(A_prev, W, b):
    """Samples in columns: A_prev (n_prev, m), W (n, n_prev), b (n, 1)."""
    Z = np.dot(W, A_prev) + b
    assert Z.shape == (W.shape[0], A_prev.shape[1])
    return Z, (A_prev, W, b)


def columns_backward(dZ, cache):
    A_prev, W, b = cache
    dW = np.dot(dZ, A_prev.T)
    db = np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    assert dA_prev.shape == A_prev.shape
    assert dW.shape == W.shape
    assert db.shape == b.shape
    return dA_prev, dW, db


def dense_loops_forward(inp, weights, bias):
    rows, cols = inp.shape[0], weights.shape[1]
    result = np.zeros((rows, cols))
    for i in range(rows):
        for j in range(cols):
            total = bias[j]
            for k in range(inp.shape[1]):
                total = total + inp[i, k] * weights[k, j]
            result[i, j] = total
    return result, (inp, weights, bias)


def dense_loops_backward(grad_output, memory):
    inp, weights, bias = memory
    grad_inp = np.zeros_like(inp)
    grad_weights = np.zeros_like(weights)
    grad_bias = np.zeros_like(bias)
    for i in range(grad_output.shape[0]):
        for j in range(grad_output.shape[1]):
            grad_bias[j] += grad_output[i, j]
            for k in range(inp.shape[1]):
                grad_inp[i, k] += grad_output[i, j] * weights[k, j]
                grad_weights[k, j] += grad_output[i, j] * inp[i, k]
    return grad_inp, grad_weights, grad_bias


def add_forward(a, b):
    """a is (N, D), b is (D,)."""
    return a + b, None


def add_backward(dout, cache):
    return dout.copy(), dout.sum(0)


def scale_shift_forward(x, gamma, beta):
    """One gamma and one beta per channel of x (N, C, H, W)."""
    out = gamma[None, :, None, None] * x + beta[None, :, None, None]
    return out, (x, gamma)


def scale_shift_backward(dout, cache):
    x, gamma = cache
    dgamma = np.sum(dout * x, axis=(0, 2, 3))
    dbeta = np.sum(dout, axis=(0, 2, 3))
    return dout * gamma.reshape(1, -1, 1, 1), dgamma, dbeta


# ---- activations ---------------------------------------------------------------------------------


def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache


def relu_backward(dout, cache):
    x = cache
    dx = np.where(x > 0, dout, 0)
    return dx


def relu_mask_forward(x):
    mask = x > 0
    return x * mask, mask


def relu_mask_backward(dout, mask):
    return dout * mask


def relu_copy_forward(Z):
    A = np.maximum(0, Z)
    return A, Z


def relu_copy_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z < 0] = 0  # at exactly zero the gradient is 1: a subgradient too
    return dZ


def relu_from_output_forward(x):
    y = np.clip(x, 0, None)
    return y, y


def relu_from_output_backward(dy, y):
    return dy * (y > 0).astype(dy.dtype)


def leaky_relu_forward(x, alpha=0.01):
    return np.where(x > 0, x, alpha * x), (x, alpha)


def leaky_relu_backward(dout, cache):
    x, alpha = cache
    dx = dout.copy()
    dx[x <= 0] *= alpha
    return dx


def prelu_forward(x, a):
    """One slope a per column."""
    return np.maximum(x, 0) + a * np.minimum(x, 0), (x, a)


def prelu_backward(dout, cache):
    x, a = cache
    dx = dout * (x > 0) + dout * a * (x <= 0)
    da = (dout * np.minimum(x, 0)).sum(axis=0)
    return dx, da


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_forward(x):
    s = sigmoid(x)
    return s, s


def sigmoid_backward(dout, cache):
    s = cache
    return dout * s * (1 - s)


def sigmoid_stable_forward(x):
    e = np.exp(-np.abs(x))
    y = np.where(x >= 0, 1 / (1 + e), e / (1 + e))
    return y, (x, y)


def sigmoid_stable_backward(grad, cache):
    _, y = cache
    return grad * (y - y**2)


def tanh_forward(x):
    t = np.tanh(x)
    return t, t


def tanh_backward(dout, t):
    return (1 - t * t) * dout


# No cache: the backward gets the input again.
def softplus(x):
    return np.logaddexp(0, x)


def softplus_grad(dout, x):
    return dout / (1 + np.exp(-x))


def softplus_naive_forward(x):
    ex = np.exp(x)
    return np.log(1 + ex), ex


def softplus_naive_backward(dout, ex):
    return dout * (ex / (1 + ex))


def elu_forward(x, alpha):
    neg = alpha * (np.exp(np.minimum(x, 0)) - 1)
    out = np.where(x > 0, x, neg)
    return out, (x, neg, alpha)


def elu_backward(dout, cache):
    x, neg, alpha = cache
    return dout * np.where(x > 0, 1.0, neg + alpha)


def gelu_forward(x):
    c = np.sqrt(2 / np.pi)
    inner = c * (x + 0.044715 * x**3)
    t = np.tanh(inner)
    return 0.5 * x * (1 + t), (x, t)


def gelu_backward(dout, cache):
    x, t = cache
    c = np.sqrt(2 / np.pi)
    dinner = c * (1 + 3 * 0.044715 * x**2)
    return dout * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * dinner)


def swish(x):
    return x * sigmoid(x)


def swish_grad(grad_out, x):
    s = sigmoid(x)
    return grad_out * (s + x * s * (1 - s))


def softmax_forward(x):
    shifted = x - np.max(x, axis=1, keepdims=True)
    e = np.exp(shifted)
    p = e / np.sum(e, axis=1, keepdims=True)
    return p, p


def softmax_backward(dout, p):
    return p * (dout - np.sum(dout * p, axis=1, keepdims=True))


def softmax_rows_forward(scores):
    probs = np.zeros_like(scores)
    for i, row in enumerate(scores):
        e = np.exp(row - row.max())
        probs[i] = e / e.sum()
    return probs, probs


def softmax_rows_backward(dprobs, probs):
    dscores = np.empty_like(probs)
    for i in range(len(probs)):
        s = probs[i].reshape(-1, 1)
        jacobian = np.diagflat(s) - s @ s.T
        dscores[i] = jacobian @ dprobs[i]
    return dscores


def log_softmax_forward(x):
    z = x - x.max(axis=-1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return logp, logp


def log_softmax_backward(dout, logp):
    return dout - np.exp(logp) * dout.sum(axis=-1, keepdims=True)


def logsumexp_forward(x):
    m = x.max(axis=1, keepdims=True)
    out = np.log(np.exp(x - m).sum(axis=1)) + m[:, 0]
    return out, (x, out)


def logsumexp_backward(dout, cache):
    x, out = cache
    return dout[:, None] * np.exp(x - out[:, None])


# ---- losses --------------------------------------------------------------------------------------


def softmax_loss(x, y):
    """x: scores (N, C); y: labels (N,). Returns the loss and dx."""
    shifted_logits = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted_logits), axis=1, keepdims=True)
    log_probs = shifted_logits - np.log(Z)
    probs = np.exp(log_probs)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


def cross_entropy_forward(logits, targets):
    """targets are one-hot rows."""
    z = logits - logits.max(1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    loss = -(targets * log_p).sum(1).mean()
    return loss, (log_p, targets)


def cross_entropy_backward(dloss, cache):
    log_p, targets = cache
    return dloss * (np.exp(log_p) - targets) / len(targets)


def temporal_softmax_loss(x, y, mask):
    """x: (N, T, V), y: (N, T), mask: (N, T) with zeros where y is padding."""
    N, T, V = x.shape
    x_flat = x.reshape(N * T, V)
    y_flat = y.reshape(N * T)
    mask_flat = mask.reshape(N * T)
    probs = np.exp(x_flat - np.max(x_flat, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = -np.sum(mask_flat * np.log(probs[np.arange(N * T), y_flat])) / N
    dx_flat = probs.copy()
    dx_flat[np.arange(N * T), y_flat] -= 1
    dx_flat /= N
    dx_flat *= mask_flat[:, None]
    return loss, dx_flat.reshape(N, T, V)


def svm_loss(x, y):
    N = x.shape[0]
    correct_class_scores = x[np.arange(N), y]
    margins = np.maximum(0, x - correct_class_scores[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    num_pos = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(N), y] -= num_pos
    dx /= N
    return loss, dx


def linear_svm_loss(W, X, y, reg):
    """The naive loops over samples and classes, with L2 regularisation of W (D, C)."""
    dW = np.zeros(W.shape)
    num_classes = W.shape[1]
    num_train = X.shape[0]
    loss = 0.0
    for i in range(num_train):
        scores = X[i].dot(W)
        correct = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= num_train
    dW /= num_train
    loss += reg * np.sum(W * W)
    dW += 2 * reg * W
    return loss, dW


def mse_loss(pred, target):
    diff = pred - target
    loss = np.mean(diff**2)
    dpred = 2 * diff / diff.size
    return loss, dpred


def mse_forward(y_hat, y):
    residual = y_hat - y
    loss = 0.5 * np.sum(residual * residual) / y.shape[0]
    return loss, residual


def mse_backward(dloss, residual):
    dy_hat = dloss * residual / residual.shape[0]
    return dy_hat, -dy_hat


def huber_forward(pred, target, delta):
    r = pred - target
    small = np.abs(r) <= delta
    loss = np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)).mean()
    return loss, (r, small, delta)


def huber_backward(dout, cache):
    r, small, delta = cache
    d = np.where(small, r, delta * np.sign(r)) * dout / r.size
    return d, -d


def bce_logits_loss(logits, labels):
    loss = np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))
    probs = 1.0 / (1.0 + np.exp(-logits))
    return loss.mean(), (probs - labels) / labels.size


def bce_forward(p, y):
    """p are probabilities strictly between 0 and 1."""
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss, (p, y)


def bce_backward(dout, cache):
    p, y = cache
    return dout * (-(y / p) + (1 - y) / (1 - p)) / p.size


# ---- normalisation -------------------------------------------------------------------------------


def batchnorm_forward(x, gamma, beta, bn_param):
    """Step by step through the graph; bn_param keeps the running averages."""
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D))
    running_var = bn_param.get("running_var", np.ones(D))
    if mode == "train":
        mu = 1.0 / N * np.sum(x, axis=0)
        xmu = x - mu
        sq = xmu**2
        var = 1.0 / N * np.sum(sq, axis=0)
        sqrtvar = np.sqrt(var + eps)
        ivar = 1.0 / sqrtvar
        xhat = xmu * ivar
        gammax = gamma * xhat
        out = gammax + beta
        running_mean = momentum * running_mean + (1 - momentum) * mu
        running_var = momentum * running_var + (1 - momentum) * var
        cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
    else:
        xhat = (x - running_mean) / np.sqrt(running_var + eps)
        out = gamma * xhat + beta
        cache = None
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgammax = dout
    dgamma = np.sum(dgammax * xhat, axis=0)
    dxhat = dgammax * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta


def batchnorm_alt_forward(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=0), x.var(axis=0)
    std = np.sqrt(var + eps)
    x_norm = (x - mean) / std
    return gamma * x_norm + beta, (x_norm, gamma, std)


def batchnorm_alt_backward(dout, cache):
    x_norm, gamma, std = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_norm).sum(axis=0)
    dx = gamma / (N * std) * (N * dout - dbeta - x_norm * dgamma)
    return dx, dgamma, dbeta


def batchnorm_eval_forward(x, gamma, beta, stats):
    """With the running statistics, as constants."""
    inv = 1 / np.sqrt(stats["var"] + stats["eps"])
    xhat = (x - stats["mean"]) * inv
    return xhat * gamma + beta, (xhat, gamma, inv)


def batchnorm_eval_backward(dout, cache):
    xhat, gamma, inv = cache
    return dout * gamma * inv, np.einsum("nd,nd->d", dout, xhat), np.einsum("nd->d", dout)


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    N, C, H, W = x.shape
    flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
    out, cache = batchnorm_forward(flat, gamma, beta, bn_param)
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache


def spatial_batchnorm_backward(dout, cache):
    N, C, H, W = dout.shape
    dflat = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    dx, dgamma, dbeta = batchnorm_backward(dflat, cache)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    mu = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mu) * inv_std
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, inv_std)


def layernorm_backward(dout, cache):
    x_hat, gamma, inv_std = cache
    dgamma = np.sum(dout * x_hat, axis=0)
    dbeta = np.sum(dout, axis=0)
    dx_hat = dout * gamma
    m1 = dx_hat.mean(axis=1, keepdims=True)
    m2 = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = inv_std * (dx_hat - m1 - x_hat * m2)
    return dx, dgamma, dbeta


def layernorm_last_forward(inp, weight, bias):
    """Over the last axis of (B, T, C), the intermediates in a list."""
    eps = 1e-5
    m = inp.sum(-1, keepdims=True) / inp.shape[-1]
    xshift = inp - m
    v = (xshift**2).sum(-1, keepdims=True) / inp.shape[-1]
    rstd = (v + eps) ** -0.5
    norm = xshift * rstd
    return norm * weight + bias, [norm, weight, rstd]


def layernorm_last_backward(dout, cache):
    norm, w, rstd = cache
    dw = (dout * norm).sum((0, 1))
    db = dout.sum((0, 1))
    dnorm = dout * w
    dx = dnorm - dnorm.mean(-1, keepdims=True) - norm * (dnorm * norm).mean(-1, keepdims=True)
    dx *= rstd
    return dx, dw, db


def groupnorm_forward(x, gamma, beta, G, gn_param):
    """gamma and beta are (1, C, 1, 1)."""
    eps = gn_param.get("eps", 1e-5)
    N, C, H, W = x.shape
    x_group = np.reshape(x, (N, G, C // G * H * W))
    mean = np.mean(x_group, axis=2, keepdims=True)
    var = np.var(x_group, axis=2, keepdims=True)
    x_groupnorm = (x_group - mean) / np.sqrt(var + eps)
    x_norm = np.reshape(x_groupnorm, (N, C, H, W))
    return x_norm * gamma + beta, (G, x_group, mean, var, x_norm, gamma, eps)


def groupnorm_backward(dout, cache):
    G, x_group, mean, var, x_norm, gamma, eps = cache
    N, C, H, W = dout.shape
    dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
    dgamma = np.sum(dout * x_norm, axis=(0, 2, 3), keepdims=True)
    size = C // G * H * W
    dxn = np.reshape(dout * gamma, (N, G, size))
    centred = x_group - mean
    dvar = np.sum(dxn * centred * -0.5 * (var + eps) ** -1.5, axis=2, keepdims=True)
    dmean = np.sum(-dxn / np.sqrt(var + eps), axis=2, keepdims=True)
    dmean = dmean + dvar * np.mean(-2 * centred, axis=2, keepdims=True)
    dx = dxn / np.sqrt(var + eps) + dvar * 2 * centred / size + dmean / size
    return dx.reshape(N, C, H, W), dgamma, dbeta


def standardize(x):
    return (x - x.mean()) / x.std()


def standardize_grad(dout, x):
    n, sd = x.size, x.std()
    z = (x - x.mean()) / sd
    return (dout - dout.sum() / n - z * (dout * z).sum() / n) / sd


def l2_normalize_forward(x, eps=1e-6):
    norm = np.sqrt(np.sum(x**2, axis=1, keepdims=True) + eps)
    y = x / norm
    return y, (y, norm)


def l2_normalize_backward(dout, cache):
    y, norm = cache
    return (dout - y * np.sum(dout * y, axis=1, keepdims=True)) / norm


# ---- dropout -------------------------------------------------------------------------------------


def dropout_forward(x, dropout_param):
    """Inverted dropout; p is the probability of keeping; the seed makes it repeatable."""
    p, mode = dropout_param["p"], dropout_param["mode"]
    mask = None
    out = x
    if mode == "train":
        rng = np.random.default_rng(dropout_param["seed"])
        mask = (rng.random(x.shape) < p) / p
        out = x * mask
    return out, (dropout_param, mask)


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    if dropout_param["mode"] == "train":
        return dout * mask
    return dout


def dropout_mask_forward(x, params):
    return x * params["mask"] / (1 - params["rate"]), params


def dropout_mask_backward(dy, params):
    dx = np.zeros_like(dy)
    keep = params["mask"] == 1
    dx[keep] = dy[keep] / (1 - params["rate"])
    return dx


# ---- convolution and pooling ---------------------------------------------------------------------


def conv_naive_forward(x, w, b, conv_param):
    """x (N, C, H, W), w (F, C, HH, WW), b (F,)."""
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    hs, ws = i * stride, j * stride
                    window = x_pad[n, :, hs : hs + HH, ws : ws + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    cache = (x, w, b, conv_param)
    return out, cache


def conv_naive_backward(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    F, _, HH, WW = w.shape
    N, _, H_out, W_out = dout.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    hs, ws = i * stride, j * stride
                    g = dout[n, f, i, j]
                    db[f] += g
                    dw[f] += g * x_pad[n, :, hs : hs + HH, ws : ws + WW]
                    dx_pad[n, :, hs : hs + HH, ws : ws + WW] += g * w[f]
    dx = dx_pad[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]
    return dx, dw, db


def im2col(images, fh, fw, stride, pad):
    N, C, H, W = images.shape
    oh, ow = (H + 2 * pad - fh) // stride + 1, (W + 2 * pad - fw) // stride + 1
    padded = np.pad(images, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    cols = []
    for y in range(fh):
        for x in range(fw):
            patch = padded[:, :, y : y + stride * oh : stride, x : x + stride * ow : stride]
            cols.append(patch)
    col = np.stack(cols, axis=2)  # N, C, fh * fw, oh, ow
    return col.reshape(N, C * fh * fw, oh * ow), oh, ow


def col2im(dcol, shape, fh, fw, stride, pad, oh, ow):
    N, C, H, W = shape
    d = dcol.reshape(N, C, fh * fw, oh, ow)
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for y in range(fh):
        for x in range(fw):
            rows = slice(y, y + stride * oh, stride)
            padded[:, :, rows, x : x + stride * ow : stride] += d[:, :, y * fw + x]
    return padded[:, :, pad : H + pad, pad : W + pad]


def conv_im2col_forward(x, w, b, stride, pad):
    F, C, fh, fw = w.shape
    col, oh, ow = im2col(x, fh, fw, stride, pad)
    wcol = w.reshape(F, -1)
    out = wcol @ col + b[:, None]
    return out.reshape(len(x), F, oh, ow), (x.shape, w, col, stride, pad)


def conv_im2col_backward(dout, cache):
    shape, w, col, stride, pad = cache
    F, C, fh, fw = w.shape
    N, _, oh, ow = dout.shape
    d = dout.reshape(N, F, -1)
    db = d.sum(axis=(0, 2))
    dw = np.einsum("nfo,nko->fk", d, col).reshape(w.shape)
    dcol = w.reshape(F, -1).T @ d
    return col2im(dcol, shape, fh, fw, stride, pad, oh, ow), dw, db


def conv1d_forward(x, k):
    """The valid correlation of a signal with a kernel."""
    n = len(x) - len(k) + 1
    return np.array([np.dot(x[i : i + len(k)], k) for i in range(n)]), (x, k)


def conv1d_backward(dout, cache):
    x, k = cache
    dx = np.convolve(dout, k)
    dk = np.correlate(x, dout, mode="valid")
    return dx, dk


def max_pool_naive_forward(x, pool_param):
    ph, pw = pool_param["pool_height"], pool_param["pool_width"]
    s = pool_param["stride"]
    N, C, H, W = x.shape
    Hn, Wn = 1 + (H - ph) // s, 1 + (W - pw) // s
    out = np.zeros((N, C, Hn, Wn))
    for i in range(Hn):
        for j in range(Wn):
            out[:, :, i, j] = x[:, :, i * s : i * s + ph, j * s : j * s + pw].max(axis=(2, 3))
    return out, (x, pool_param)


def max_pool_naive_backward(dout, cache):
    x, pool_param = cache
    ph, pw = pool_param["pool_height"], pool_param["pool_width"]
    s = pool_param["stride"]
    N, C, Hn, Wn = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(Hn):
                for j in range(Wn):
                    window = x[n, c, i * s : i * s + ph, j * s : j * s + pw]
                    a, b = np.unravel_index(np.argmax(window), window.shape)
                    dx[n, c, i * s + a, j * s + b] += dout[n, c, i, j]
    return dx


def max_pool_reshape_forward(x):
    """2x2 windows that tile the image; a window's gradient is shared among its maxima."""
    N, C, H, W = x.shape
    blocks = x.reshape(N, C, H // 2, 2, W // 2, 2)
    out = blocks.max(axis=3).max(axis=4)
    return out, (x, blocks, out)


def max_pool_reshape_backward(dout, cache):
    x, blocks, out = cache
    mask = blocks == out[:, :, :, None, :, None]
    share = mask / np.sum(mask, axis=(3, 5), keepdims=True)
    return (share * dout[:, :, :, None, :, None]).reshape(x.shape)


def avg_pool_forward(x, size):
    N, C, H, W = x.shape
    out = x.reshape(N, C, H // size, size, W // size, size).mean(axis=(3, 5))
    return out, (x.shape, size)


def avg_pool_backward(dout, cache):
    shape, size = cache
    dx = np.repeat(np.repeat(dout, size, axis=2), size, axis=3) / size**2
    return dx.reshape(shape)


def global_avg_pool_forward(x):
    return x.mean((2, 3)), x.shape


def global_avg_pool_backward(dout, shape):
    return np.broadcast_to(dout[:, :, None, None] / (shape[2] * shape[3]), shape).copy()


def max_rows_forward(x):
    idx = x.argmax(axis=1)
    return x[np.arange(len(x)), idx], (x.shape, idx)


def max_rows_backward(dout, cache):
    shape, idx = cache
    dx = np.zeros(shape)
    dx[np.arange(shape[0]), idx] = dout
    return dx


# ---- recurrent layers ----------------------------------------------------------------------------


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - next_h**2)
    dx = dz @ Wx.T
    dprev_h = dz @ Wh.T
    dWx = x.T @ dz
    dWh = prev_h.T @ dz
    db = dz.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db


def rnn_forward(x, h0, Wx, Wh, b):
    """x is (N, T, D); returns the hidden states (N, T, H)."""
    N, T, _ = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    cache = []
    prev_h = h0
    for t in range(T):
        prev_h, step_cache = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = prev_h
        cache.append(step_cache)
    return h, cache


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dWx, dWh, db = np.zeros((D, H)), np.zeros((H, H)), np.zeros(H)
    dprev_h = np.zeros((N, H))
    for t in reversed(range(T)):
        dh_t = dh[:, t, :] + dprev_h
        dx_t, dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh_t, cache[t])
        dx[:, t, :] = dx_t
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db


def vanilla_rnn_forward(inputs, Wxh, Whh, Why):
    """One sequence of column vectors, states in dicts by time, as in a short script."""
    xs, hs, ys = {}, {}, {}
    hs[-1] = np.zeros((Whh.shape[0], 1))
    for t in range(len(inputs)):
        xs[t] = inputs[t].reshape(-1, 1)
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]))
        ys[t] = np.dot(Why, hs[t])
    out = np.stack([ys[t][:, 0] for t in range(len(inputs))])
    return out, (xs, hs, Wxh, Whh, Why)


def vanilla_rnn_backward(dout, cache):
    xs, hs, Wxh, Whh, Why = cache
    dinputs = np.zeros((len(xs), Wxh.shape[1]))
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dy = dout[t].reshape(-1, 1)
        dWhy += np.dot(dy, hs[t].T)
        dh = np.dot(Why.T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dWxh += np.dot(dhraw, xs[t].T)
        dWhh += np.dot(dhraw, hs[t - 1].T)
        dinputs[t] = np.dot(Wxh.T, dhraw)[:, 0]
        dhnext = np.dot(Whh.T, dhraw)
    return dinputs, dWxh, dWhh, dWhy


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H : 2 * H])
    o = sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    next_h = o * tanh_c
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c)
    return next_h, next_c, cache


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c = cache
    do = dnext_h * tanh_c
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di = dc * g
    df = dc * prev_c
    dg = dc * i
    dprev_c = dc * f
    da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
    dx = da.dot(Wx.T)
    dprev_h = da.dot(Wh.T)
    dWx = x.T.dot(da)
    dWh = prev_h.T.dot(da)
    db = da.sum(axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db


def lstm_forward(x, h0, Wx, Wh, b):
    T = x.shape[1]
    prev_h, prev_c = h0, np.zeros_like(h0)
    hs, caches = [], []
    for t in range(T):
        prev_h, prev_c, step_cache = lstm_step_forward(x[:, t], prev_h, prev_c, Wx, Wh, b)
        hs.append(prev_h)
        caches.append(step_cache)
    return np.stack(hs, axis=1), caches


def lstm_backward(dh, caches):
    T = dh.shape[1]
    dprev_h, dprev_c = 0, 0
    dxs = []
    dWx, dWh, db = 0, 0, 0
    for t in range(T - 1, -1, -1):
        dxt, dprev_h, dprev_c, dWxt, dWht, dbt = lstm_step_backward(
            dh[:, t] + dprev_h, dprev_c, caches[t]
        )
        dxs.insert(0, dxt)
        dWx = dWx + dWxt
        dWh = dWh + dWht
        db = db + dbt
    return np.stack(dxs, axis=1), dprev_h, dWx, dWh, db


def gru_step_forward(x, h, p):
    """The weights come in one dict p."""
    z = sigmoid(x @ p["Wz"] + h @ p["Uz"])
    r = sigmoid(x @ p["Wr"] + h @ p["Ur"])
    n = np.tanh(x @ p["Wn"] + (r * h) @ p["Un"])
    return (1 - z) * n + z * h, (x, h, p, z, r, n)


def gru_step_backward(dout, cache):
    x, h, p, z, r, n = cache
    dn = dout * (1 - z) * (1 - n * n)
    dz = dout * (h - n) * z * (1 - z)
    drh = dn @ p["Un"].T
    dr = drh * h * r * (1 - r)
    dh = dout * z + drh * r + dz @ p["Uz"].T + dr @ p["Ur"].T
    dx = dn @ p["Wn"].T + dz @ p["Wz"].T + dr @ p["Wr"].T
    return {"x": dx, "h": dh}


# ---- embeddings, attention and products ----------------------------------------------------------


def word_embedding_forward(x, W):
    """x: indices (N, T); W: (V, D)."""
    out = W[x]
    return out, (x, W)


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW


def embedding_loop_forward(tokens, table):
    return np.stack([table[t] for t in tokens]), (tokens, table.shape)


def embedding_loop_backward(grad, cache):
    tokens, shape = cache
    dtable = np.zeros(shape)
    for pos, t in enumerate(tokens):
        dtable[t] += grad[pos]
    return dtable


def attention_forward(Q, K, V):
    d = Q.shape[-1]
    S = Q @ K.T / np.sqrt(d)
    S = S - S.max(axis=-1, keepdims=True)
    P = np.exp(S)
    P = P / P.sum(axis=-1, keepdims=True)
    return P @ V, (Q, K, V, P, d)


def attention_backward(dO, cache):
    Q, K, V, P, d = cache
    dV = P.T @ dO
    dP = dO @ V.T
    dS = P * (dP - (dP * P).sum(axis=-1, keepdims=True))
    dS = dS / np.sqrt(d)
    dQ = dS @ K
    dK = dS.T @ Q
    return dQ, dK, dV


def self_attention_forward(x, Wq, Wk, Wv):
    """Causal self-attention of a batch (B, T, C), one head."""
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    T, scale = x.shape[1], Wq.shape[1] ** -0.5
    att = q @ k.transpose(0, 2, 1) * scale
    att = np.where(np.tril(np.ones((T, T))) == 1, att, -1e9)
    att = np.exp(att - att.max(-1, keepdims=True))
    att /= att.sum(-1, keepdims=True)
    return att @ v, (x, Wq, Wk, Wv, q, k, v, att, scale)


def self_attention_backward(dy, cache):
    x, Wq, Wk, Wv, q, k, v, att, scale = cache
    dv = att.transpose(0, 2, 1) @ dy
    datt = dy @ v.transpose(0, 2, 1)
    ds = att * (datt - np.sum(datt * att, -1, keepdims=True)) * scale
    dq = ds @ k
    dk = ds.transpose(0, 2, 1) @ q
    dWq = np.tensordot(x, dq, axes=((0, 1), (0, 1)))
    dWk = np.tensordot(x, dk, axes=((0, 1), (0, 1)))
    dWv = np.tensordot(x, dv, axes=((0, 1), (0, 1)))
    dx = dq @ Wq.T
    dx += dk @ Wk.T
    dx += dv @ Wv.T
    return dx, dWq, dWk, dWv


def cosine_forward(a, b):
    """The cosine between each row of a and the same row of b."""
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    cos = np.sum(a * b, axis=1, keepdims=True) / (na * nb)
    return cos[:, 0], (a, b, na, nb, cos)


def cosine_backward(dout, cache):
    a, b, na, nb, cos = cache
    g = dout.reshape(-1, 1)
    da = g * (b / (na * nb) - cos * a / na**2)
    db = g * (a / (na * nb) - cos * b / nb**2)
    return da, db


def bilinear_forward(x, W, y):
    """x_n' W y_n for every row n."""
    out = np.einsum("ni,ij,nj->n", x, W, y)
    return out, (x, W, y)


def bilinear_backward(dout, cache):
    x, W, y = cache
    dx = dout[:, None] * (y @ W.T)
    dW = x.T @ (dout[:, None] * y)
    dy = dout[:, None] * (x @ W)
    return dx, dW, dy


def quadratic(x, A):
    return x @ A @ x


def quadratic_grad(g, x, A):
    return g * (A + A.T) @ x, g * np.outer(x, x)


def cumsum_forward(x):
    return np.cumsum(x, axis=1), None


def cumsum_backward(dout, cache):
    return np.cumsum(dout[:, ::-1], axis=1)[:, ::-1]


def outer_forward(u, v):
    return np.outer(u, v), (u, v)


def outer_backward(dout, cache):
    u, v = cache
    return dout @ v, dout.T @ u


def matmul_forward(A, B):
    """Stacks of matrices; B may have one matrix for all: (n, k, m) @ (k, p)."""
    return A @ B, (A, B)


def matmul_backward(dC, cache):
    A, B = cache
    dA = dC @ B.T
    dB = np.einsum("nkm,nkp->mp", A, dC)
    return dA, dB


def polynomial(x):
    return x**3 - 2 * x**2 + x / 3


def polynomial_grad(dout, x):
    return dout * (3 * x**2 - 4 * x + 1 / 3)


# ---- several layers in one -----------------------------------------------------------------------


def affine_relu_forward(x, w, b):
    a, fc_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (fc_cache, relu_cache)


def affine_relu_backward(dout, cache):
    fc_cache, relu_cache = cache
    da = relu_backward(dout, relu_cache)
    return affine_backward(da, fc_cache)


def residual_forward(x, W1, b1, W2, b2):
    """x + affine(relu(affine(x)))."""
    h, cache1 = affine_relu_forward(x, W1, b1)
    f, cache2 = affine_forward(h, W2, b2)
    return x + f, (cache1, cache2)


def residual_backward(dout, cache):
    cache1, cache2 = cache
    dh, dW2, db2 = affine_backward(dout, cache2)
    dx_branch, dW1, db1 = affine_relu_backward(dh, cache1)
    dx = dout + dx_branch
    return dx, dW1, db1, dW2, db2


def shared_forward(x, W):
    """The same weights in both layers: tanh(tanh(x W) W), W square."""
    h = np.tanh(x @ W)
    y = np.tanh(h @ W)
    return y, (x, W, h, y)


def shared_backward(dy, cache):
    x, W, h, y = cache
    d2 = dy * (1 - y**2)
    dW = h.T @ d2
    d1 = (d2 @ W.T) * (1 - h**2)
    dW = dW + x.T @ d1
    return d1 @ W.T, dW


# ---- classes -------------------------------------------------------------------------------------


class Linear:
    def __init__(self, n_in, n_out):
        rng = np.random.default_rng(0)
        self.W = rng.normal(0, n_in**-0.5, (n_in, n_out))
        self.b = np.zeros(n_out)
        self.dW, self.db = None, None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class ReLU:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dx = dout.copy()
        dx[self.mask] = 0
        return dx


class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class BatchNorm:
    def __init__(self, size, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(size), np.zeros(size)
        self.running_mean, self.running_var = np.zeros(size), np.ones(size)
        self.eps, self.momentum = eps, momentum
        self.training = True

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        else:
            mean, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        self.dgamma = np.sum(dout * self.xhat, axis=0)
        self.dbeta = np.sum(dout, axis=0)
        dxhat = dout * self.gamma
        if not self.training:
            return dxhat / self.std
        return (dxhat - dxhat.mean(0) - self.xhat * (dxhat * self.xhat).mean(0)) / self.std


class Accumulating:
    """A linear layer whose gradients add up until zero_grad."""

    def __init__(self, fan_in, fan_out):
        self.weight = np.full((fan_out, fan_in), 0.1)
        self.bias = np.zeros(fan_out)
        self.zero_grad()

    def zero_grad(self):
        self.weight_grad = np.zeros_like(self.weight)
        self.bias_grad = np.zeros_like(self.bias)

    def forward(self, input):
        self.input = input
        return input @ self.weight.T + self.bias

    def backward(self, grad_output):
        self.weight_grad += grad_output.T @ self.input
        self.bias_grad += grad_output.sum(0)
        return grad_output @ self.weight


class DictLinear:
    """Parameters and gradients in dicts."""

    def __init__(self, d, h):
        self.params = {"W": np.eye(d, h), "b": np.zeros(h)}
        self.grads = {}

    def forward(self, X):
        self.cache = X
        return X.dot(self.params["W"]) + self.params["b"]

    def backward(self, upstream):
        X = self.cache
        self.grads["W"] = X.T.dot(upstream)
        self.grads["b"] = upstream.sum(axis=0)
        return upstream.dot(self.params["W"].T)


class Sequential:
    """A list of layers with forward and backward of their own."""

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


def small_network():
    return Sequential(Linear(4, 5), ReLU(), Linear(5, 3), Sigmoid())


class TwoLayerNet:
    """Affine, ReLU, affine, softmax loss with L2: loss(X, y) returns the loss and the grads."""

    def __init__(self, input_dim=4, hidden_dim=5, num_classes=3, reg=0.3):
        rng = np.random.default_rng(1)
        self.reg = reg
        self.params = {
            "W1": 0.5 * rng.standard_normal((input_dim, hidden_dim)),
            "b1": np.zeros(hidden_dim),
            "W2": 0.5 * rng.standard_normal((hidden_dim, num_classes)),
            "b2": np.zeros(num_classes),
        }

    def loss(self, X, y):
        W1, b1, W2, b2 = (self.params[k] for k in ("W1", "b1", "W2", "b2"))
        hidden, cache1 = affine_relu_forward(X, W1, b1)
        scores, cache2 = affine_forward(hidden, W2, b2)
        data_loss, dscores = softmax_loss(scores, y)
        loss = data_loss + 0.5 * self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {}
        dhidden, grads["W2"], grads["b2"] = affine_backward(dscores, cache2)
        _, grads["W1"], grads["b1"] = affine_relu_backward(dhidden, cache1)
        grads["W1"] += self.reg * W1
        grads["W2"] += self.reg * W2
        return loss, grads
