"""An engine of arrays as students write one, as text: tests plant mistakes in it."""

TENSOR = '''
import numpy as np


def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for i, n in enumerate(shape):
        if n == 1 and grad.shape[i] != 1:
            grad = grad.sum(axis=i, keepdims=True)
    return grad


class Tensor:
    def __init__(self, data, parents=()):
        self.data = np.array(data, dtype=float)
        self.grad = np.zeros_like(self.data)
        self.parents = parents
        self.back = lambda: None

    def result(self, data, *pulls):
        """A tensor of data; pulls are pairs (operand, its gradient from that of the result)."""
        out = Tensor(data, tuple(x for x, _ in pulls))

        def back():
            for x, pull in pulls:
                x.grad += unbroadcast(pull(out.grad), x.data.shape)

        out.back = back
        return out

    def __add__(self, other):
        other = other if isinstance(other, Tensor) else Tensor(other)
        return self.result(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = other if isinstance(other, Tensor) else Tensor(other)
        return self.result(
            self.data * other.data,
            (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return self.result(self.data**n, (self, lambda g: n * self.data ** (n - 1) * g))

    def __matmul__(self, other):
        return self.result(
            self.data @ other.data,
            (self, lambda g: g @ other.data.swapaxes(-1, -2)),
            (other, lambda g: self.data.swapaxes(-1, -2) @ g))

    def spread(self, g, axis, keepdims):
        g = np.expand_dims(g, axis) if axis is not None and not keepdims else g
        return np.array(np.broadcast_to(g, self.data.shape))

    def sum(self, axis=None, keepdims=False):
        return self.result(
            self.data.sum(axis=axis, keepdims=keepdims),
            (self, lambda g: self.spread(g, axis, keepdims)))

    def mean(self, axis=None, keepdims=False):
        y = self.data.mean(axis=axis, keepdims=keepdims)
        n = self.data.size / y.size
        return self.result(y, (self, lambda g: self.spread(g, axis, keepdims) / n))

    def max(self, axis=None, keepdims=False):
        at = self.data == self.data.max(axis=axis, keepdims=True)
        return self.result(
            self.data.max(axis=axis, keepdims=keepdims),
            (self, lambda g: at * self.spread(g, axis, keepdims)))

    def relu(self):
        return self.result(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        y = np.exp(self.data)
        return self.result(y, (self, lambda g: g * y))

    def tanh(self):
        y = np.tanh(self.data)
        return self.result(y, (self, lambda g: g * (1 - y**2)))

    def softmax(self, axis=-1):
        e = np.exp(self.data - self.data.max(axis=axis, keepdims=True))
        p = e / e.sum(axis=axis, keepdims=True)
        return self.result(p, (self, lambda g: p * (g - (g * p).sum(axis=axis, keepdims=True))))

    def reshape(self, *shape):
        return self.result(
            self.data.reshape(*shape), (self, lambda g: g.reshape(self.data.shape)))

    def transpose(self, *axes):
        back = np.argsort(axes) if axes else None
        return self.result(self.data.transpose(*axes), (self, lambda g: g.transpose(back)))

    @property
    def T(self):
        return self.transpose()

    def __getitem__(self, i):
        def pull(g):
            out = np.zeros_like(self.data)
            np.add.at(out, i, g)
            return out

        return self.result(self.data[i], (self, pull))

    def backward(self):
        topo, visited = [], set()

        def build(v):
            if v not in visited:
                visited.add(v)
                for parent in v.parents:
                    build(parent)
                topo.append(v)

        build(self)
        self.grad = np.ones_like(self.data)
        for v in reversed(topo):
            v.back()

    def __neg__(self): return self * -1
    def __radd__(self, other): return self + other
    def __sub__(self, other): return self + (-other)
    def __rsub__(self, other): return (-self) + other
    def __rmul__(self, other): return self * other
    def __truediv__(self, other): return self * other**-1
    def __rtruediv__(self, other): return self**-1 * other
'''
