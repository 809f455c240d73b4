"""Engines as learners write them: right ones, in several styles, of which the steps take parts."""

PLAIN = """
import math
import random


class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __radd__(self, other):
        return self + other

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __rmul__(self, other):
        return self * other

    def order(self):
        done, seen, stack = [], set(), [(self, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                done.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((p, False) for p in node.parents)
        return done

    def backward(self):
        order = self.order()
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes):
                parent.grad += slope * node.grad

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t * t,))

    def relu(self):
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))


XOR = [((0.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), 0.0)]


class MLP:
    def __init__(self, hidden, seed=0):
        rng = random.Random(seed)
        self.hidden = [[Value(rng.uniform(-1, 1)) for _ in range(3)] for _ in range(hidden)]
        self.out = [Value(rng.uniform(-1, 1)) for _ in range(hidden + 1)]

    def parameters(self):
        return [p for row in self.hidden for p in row] + self.out

    def __call__(self, inputs):
        a, b = inputs
        total = self.out[-1]
        for (wa, wb, bias), w in zip(self.hidden, self.out):
            total = total + w * (wa * a + wb * b + bias).tanh()
        return total


def training_step(model, lr):
    loss = Value(0.0)
    for inputs, target in XOR:
        error = model(inputs) + -target
        loss = loss + error * error
    for p in model.parameters():
        p.grad = 0.0
    loss.backward()
    for p in model.parameters():
        p.data -= lr * p.grad
    return loss.data


def learn_xor():
    model = MLP(4)
    for step in range(300):
        training_step(model, 0.1)
    return model
"""

# As in micrograd: each number has a function that passes its gradient on.
CLOSURES = """
import math, random

class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")
        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")
        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def tanh(self):
        out = Value((math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1), (self,), "tanh")
        def _backward():
            self.grad += (1 - out.data ** 2) * out.grad
        out._backward = _backward
        return out

    def relu(self):
        out = Value(0 if self.data < 0 else self.data, (self,), "ReLU")
        def _backward():
            self.grad += (out.data > 0) * out.grad
        out._backward = _backward
        return out

    def order(self):
        topo, visited = [], set()
        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)
        build(self)
        return topo

    def backward(self):
        self.grad = 1
        for v in reversed(self.order()):
            v._backward()

    __radd__ = __add__
    __rmul__ = __mul__
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + (-1) * other

class Neuron:
    def __init__(self, rng, n, bend):
        self.w = [Value(rng.gauss(0, 1)) for _ in range(n)]
        self.b = Value(0)
        self.bend = bend
    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act.relu() if self.bend else act
    def parameters(self):
        return self.w + [self.b]

class MLP:
    def __init__(self, hidden, seed=3):
        rng = random.Random(seed)
        self.layers = [[Neuron(rng, 2, True) for _ in range(hidden)], [Neuron(rng, hidden, False)]]
    def __call__(self, inputs):
        x = [Value(i) for i in inputs]
        for layer in self.layers:
            x = [n(x) for n in layer]
        return x[0]
    def parameters(self):
        return [p for layer in self.layers for n in layer for p in n.parameters()]

def training_step(model, lr):
    errors = [model(x) - t for x, t in [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)]]
    loss = sum(e * e for e in errors)
    loss.backward()
    for p in model.parameters():
        p.data += -lr * p.grad
        p.grad = 0
    return loss.data

def learn_xor():
    for seed in range(20):
        model = MLP(8, seed)
        for step in range(200):
            loss = training_step(model, 0.05)
        if loss < 0.02:
            break
    return model
"""

# With __slots__, gradients in a dict during the walk, the order kept by a counter.
COUNTER = """
import math
from itertools import count
from random import Random

ticket = count()

class Value:
    __slots__ = ("data", "grad", "back", "number")

    def __init__(self, data, back=()):
        self.data, self.grad, self.back, self.number = float(data), 0.0, list(back), next(ticket)

    @staticmethod
    def of(x):
        return x if type(x) is Value else Value(x)

    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, [(self, 1), (other, 1)])

    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def __radd__(self, other):
        return Value.of(other) + self

    def __rmul__(self, other):
        return Value.of(other) * self

    def order(self):
        found, todo = {self}, [self]
        while todo:
            for p, _ in todo.pop().back:
                if p not in found:
                    found.add(p)
                    todo.append(p)
        return sorted(found, key=lambda v: v.number)

    def backward(self):
        grads = {self: 1.0}
        for v in self.order()[::-1]:
            for p, slope in v.back:
                grads[p] = grads.get(p, 0.0) + slope * grads[v]
        for v, g in grads.items():
            v.grad += g

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, [(self, 1 - t ** 2)])

    def relu(self):
        return Value(self.data, [(self, 1)]) if self.data > 0 else Value(0, [(self, 0)])

class MLP:
    def __init__(self, hidden, seed=1):
        draw = Random(seed).gauss
        self.p = [Value(draw(0, 1)) for _ in range(4 * hidden + 1)]
        self.hidden = hidden

    def parameters(self):
        return tuple(self.p)

    def __call__(self, inputs):
        total, it = self.p[-1], iter(self.p)
        for _ in range(self.hidden):
            w1, w2, b, w = (next(it) for _ in range(4))
            total += (inputs[0] * w1 + w2 * inputs[1] + b).tanh() * w
        return total

def loss_of(model):
    terms = [model([x, y]) + -1.0 * (x != y) for x in (0, 1) for y in (0, 1)]
    return sum((t * t for t in terms), Value(0))

def training_step(model, lr):
    loss = loss_of(model)
    loss.backward()
    for p in model.p:
        p.data, p.grad = p.data - lr * p.grad, 0.0
    return loss.data

def learn_xor():
    model, loss = MLP(6), 1.0
    while loss > 0.01:
        loss = training_step(model, 0.05)
    return model
"""

STYLES = [("plain", PLAIN), ("closures", CLOSURES), ("counter", COUNTER)]


def changed(*pairs: tuple[str, str], text: str = PLAIN) -> str:
    """A whole file with one mistake."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text
