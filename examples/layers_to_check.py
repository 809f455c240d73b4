"""Five layers as students write them; one is wrong. No line here knows of the checker.

python -m microgradnn check examples/layers_to_check.py
"""

import numpy as np


def affine_forward(x, w, b):
    """x (N, D), w (D, M), b (M,)."""
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def embedding_forward(words, W):
    """words (N, T), numbers of rows of W (V, D)."""
    return W[words], (words, W.shape)


def embedding_backward(dout, cache):
    words, shape = cache
    dW = np.zeros(shape)
    dW[words] += dout
    return dW


def softmax_loss(scores, y):
    """The mean cross-entropy of scores (N, C) and labels y (N,), and its gradient."""
    n = np.arange(len(y))
    shifted = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    dscores = p.copy()
    dscores[n, y] -= 1
    return -np.log(p[n, y]).mean(), dscores / len(y)


class LayerNorm:
    """Rows of mean 0 and variance 1, then a scale and a shift for each column."""

    def __init__(self, size):
        self.gamma, self.beta = np.ones(size), np.zeros(size)

    def forward(self, x):
        """x (N, D)."""
        mean, self.std = x.mean(1, keepdims=True), np.sqrt(x.var(1, keepdims=True) + 1e-5)
        self.xhat = (x - mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        """The gradient of x; those of gamma and beta go into dgamma and dbeta."""
        self.dgamma, self.dbeta = (dout * self.xhat).sum(0), dout.sum(0)
        g = dout * self.gamma
        rest = g.mean(1, keepdims=True) + self.xhat * (g * self.xhat).mean(1, keepdims=True)
        return (g - rest) / self.std
