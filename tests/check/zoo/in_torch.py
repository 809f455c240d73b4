"""Each layer of the zoo once more, in PyTorch: an independent forward pass."""

import numpy as np
import torch
import torch.nn.functional as F

from .entry import Entry, Inputs


def norm(x, gamma, beta, dims, eps):
    mean, var = x.mean(dims, keepdim=True), x.var(dims, correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * gamma + beta


def rnn(x, h, Wx, Wh, b):
    hs = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ Wx + h @ Wh + b)
        hs.append(h)
    return torch.stack(hs, 1)


def lstm_step(x, h, c, Wx, Wh, b):
    i, f, o, g = (x @ Wx + h @ Wh + b).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def lstm(x, h, Wx, Wh, b):
    c, hs = torch.zeros_like(h), []
    for t in range(x.shape[1]):
        h, c = lstm_step(x[:, t], h, c, Wx, Wh, b)
        hs.append(h)
    return torch.stack(hs, 1)


def vanilla_rnn(x, Wxh, Whh, Why):
    zeros = torch.zeros(1, len(Whh), dtype=x.dtype), torch.zeros(len(Whh), dtype=x.dtype)
    return rnn(x[None], zeros[0], Wxh.T, Whh.T, zeros[1])[0] @ Why.T


def gru_step(x, h, p):
    p = {name: torch.as_tensor(w) for name, w in p.items()}
    z, r = (torch.sigmoid(x @ p["W" + k] + h @ p["U" + k]) for k in "zr")
    n = torch.tanh(x @ p["Wn"] + (r * h) @ p["Un"])
    return (1 - z) * n + z * h


def dropout(x, param):
    keep = np.random.default_rng(param["seed"]).random(tuple(x.shape)) < param["p"]
    return x * torch.tensor(keep) / param["p"]


def captions(x, y, mask):
    each_loss = F.cross_entropy(x.flatten(0, 1), y.flatten(), reduction="none")
    return (each_loss * mask.flatten()).sum() / len(x)


def self_attention(x, Wq, Wk, Wv):
    return F.scaled_dot_product_attention(x @ Wq, x @ Wk, x @ Wv, is_causal=True)


def two_layer_net(x, y, W1, b1, W2, b2):
    scores = (x @ W1 + b1).relu() @ W2 + b2
    return F.cross_entropy(scores, y) + 0.15 * ((W1**2).sum() + (W2**2).sum())


TORCH = {
    "affine": lambda x, w, b: x.flatten(1) @ w + b,
    "linear": lambda x, w, b: x @ w.T + b,
    "columns": lambda a, w, b: w @ a + b,
    "add": torch.add,
    "scale_shift": lambda x, g, b: x * g[:, None, None] + b[:, None, None],
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "prelu": lambda x, a: F.prelu(x, a),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "elu": F.elu,
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "swish": F.silu,
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(-1),
    "logsumexp": lambda x: x.logsumexp(1),
    "softmax_loss": F.cross_entropy,
    "cross_entropy": F.cross_entropy,
    "temporal_softmax_loss": captions,
    "svm_loss": lambda x, y: x.shape[1] * F.multi_margin_loss(x, y),
    "linear_svm_loss": lambda W, X, y, reg: (
        W.shape[1] * F.multi_margin_loss(X @ W, y) + reg * (W**2).sum()
    ),
    "mse_loss": F.mse_loss,
    "mse": lambda a, b: ((a - b) ** 2).sum() / (2 * len(a)),
    "huber": lambda a, b, delta: F.huber_loss(a, b, delta=delta),
    "bce_logits_loss": lambda x, y: F.binary_cross_entropy_with_logits(x, y.double()),
    "bce": lambda p, y: F.binary_cross_entropy(p, y.double()),
    "batchnorm": lambda x, g, b, _: norm(x, g, b, 0, 1e-3),
    "batchnorm_layer": lambda x, g, b: norm(x, g, b, 0, 1e-5),
    "batchnorm_eval": lambda x, g, b, s: F.batch_norm(
        x, torch.tensor(s["mean"]), torch.tensor(s["var"]), g, b, eps=s["eps"]
    ),
    "spatial_batchnorm": lambda x, g, b, _: F.batch_norm(x, None, None, g, b, training=True),
    "layernorm": lambda x, g, b, p: F.layer_norm(x, x.shape[1:], g, b, p["eps"]),
    "layernorm_last": lambda x, g, b: F.layer_norm(x, x.shape[2:], g, b),
    "groupnorm": lambda x, g, b, G, p: F.group_norm(x, G, g.flatten(), b.flatten(), p["eps"]),
    "standardize": lambda x: (x - x.mean()) / x.std(correction=0),
    "l2_normalize": lambda x: x / torch.sqrt((x**2).sum(1, keepdim=True) + 1e-6),
    "dropout": dropout,
    "dropout_mask": lambda x, p: x * torch.tensor(p["mask"]) / 0.7,
    "conv_naive": lambda x, w, b, p: F.conv2d(x, w, b, p["stride"], p["pad"]),
    "conv_im2col": F.conv2d,
    "conv1d": lambda x, k: F.conv1d(x[None, None], k[None, None])[0, 0],
    "max_pool_naive": lambda x, p: F.max_pool2d(x, p["pool_height"], p["stride"]),
    "max_pool_reshape": lambda x: F.max_pool2d(x, 2),
    "avg_pool": F.avg_pool2d,
    "global_avg_pool": lambda x: x.mean((2, 3)),
    "max_rows": lambda x: x.amax(1),
    "rnn_step": lambda x, h, Wx, Wh, b: rnn(x[:, None], h, Wx, Wh, b)[:, 0],
    "rnn": rnn,
    "vanilla_rnn": vanilla_rnn,
    "lstm_step": lstm_step,
    "lstm": lstm,
    "gru_step": gru_step,
    "word_embedding": F.embedding,
    "embedding_loop": lambda words, w: F.embedding(torch.tensor(words), w),
    "attention": F.scaled_dot_product_attention,
    "self_attention": self_attention,
    "cosine": F.cosine_similarity,
    "bilinear": lambda x, W, y: (x @ W * y).sum(1),
    "quadratic": lambda x, A: x @ A @ x,
    "cumsum": lambda x: x.cumsum(1),
    "outer": torch.outer,
    "matmul": torch.matmul,
    "polynomial": lambda x: x**3 - 2 * x**2 + x / 3,
    "affine_relu": lambda x, w, b: (x.flatten(1) @ w + b).relu(),
    "residual": lambda x, w, b, v, c: x + (x @ w + b).relu() @ v + c,
    "shared": lambda x, W: torch.tanh(torch.tanh(x @ W) @ W),
    "small_network": lambda x, w, b, v, c: torch.sigmoid((x @ w + b).relu() @ v + c),
    "two_layer_net": two_layer_net,
}


def from_torch(entry: Entry, inputs: Inputs, douts):
    """PyTorch's outputs and gradients, in float64."""
    args = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in inputs.args]
    params = [torch.tensor(p, requires_grad=True) for p in inputs.params.values()]
    leaves = [args[i].requires_grad_() for i in inputs.wrt] + params
    outs = TORCH[entry.layer](*args, *params)
    outs = outs if isinstance(outs, tuple) else (outs,)
    seeds = [torch.as_tensor(d, dtype=torch.float64) for d in douts]
    return [o.detach().numpy() for o in outs], [
        g.numpy() for g in torch.autograd.grad(outs, leaves, seeds)
    ]
