"""A program in the manner of microgpt (Karpathy, 2026) trains on our Value as on its own.

The twin is of our own writing: the program below, with its class Value or with ours in its place,
gives the same losses. What is taken from microgpt is which operations such a program uses, and how.
"""

from types import ModuleType
from typing import Any

import pytest

OWN = '''
class Value:
    """A number with the slopes by its children, found when it is computed."""

    __slots__ = ("data", "grad", "_children", "_slopes")

    def __init__(self, data, children=(), slopes=()):
        self.data, self.grad, self._children, self._slopes = data, 0, children, slopes

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n): return Value(self.data**n, (self,), (n * self.data ** (n - 1),))
    def log(self): return Value(math.log(self.data), (self,), (1 / self.data,))
    def exp(self): return Value(math.exp(self.data), (self,), (math.exp(self.data),))
    def relu(self): return Value(max(0, self.data), (self,), (float(self.data > 0),))
    def __neg__(self): return self * -1
    def __radd__(self, other): return self + other
    def __sub__(self, other): return self + (-other)
    def __rsub__(self, other): return other + (-self)
    def __rmul__(self, other): return self * other
    def __truediv__(self, other): return self * other**-1
    def __rtruediv__(self, other): return other * self**-1

    def backward(self):
        topo, visited = [], set()

        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._children:
                    build(child)
                topo.append(v)

        build(self)
        self.grad = 1
        for v in reversed(topo):
            for child, slope in zip(v._children, v._slopes):
                child.grad += slope * v.grad
'''

PROGRAM = """
docs = ["emma", "ava", "mia", "amelie", "eva"]
chars = ["<end>"] + sorted(set("".join(docs)))
number = {c: i for i, c in enumerate(chars)}
n_embd, n_head, block = 4, 2, 8
head = n_embd // n_head
random.seed(42)
matrix = lambda rows, columns, std=0.2: [[Value(random.gauss(0, std)) for _ in range(columns)] for _ in range(rows)]
state = {"wte": matrix(len(chars), n_embd), "wpe": matrix(block, n_embd), "lm_head": matrix(len(chars), n_embd)}
for name in ("wq", "wk", "wv", "wo"):
    state[name] = matrix(n_embd, n_embd)
state["up"], state["down"] = matrix(4 * n_embd, n_embd), matrix(n_embd, 4 * n_embd, std=0)
params = [p for rows in state.values() for row in rows for p in row]


def linear(x, w):
    return [sum(wi * xi for wi, xi in zip(wo, x)) for wo in w]


def softmax(logits):
    top = max(val.data for val in logits)
    exps = [(val - top).exp() for val in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x):
    ms = sum(xi * xi for xi in x) / len(x)
    scale = (ms + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def gpt(token, pos, keys, values):
    x = rmsnorm([t + p for t, p in zip(state["wte"][token], state["wpe"][pos])])
    residual, x = x, rmsnorm(x)
    q = linear(x, state["wq"])
    keys.append(linear(x, state["wk"]))
    values.append(linear(x, state["wv"]))
    attended = []
    for h in range(0, n_embd, head):
        scores = [sum(q[h + j] * k[h + j] for j in range(head)) / head**0.5 for k in keys]
        weights = softmax(scores)
        attended += [sum(weights[t] * values[t][h + j] for t in range(len(values))) for j in range(head)]
    x = [a + b for a, b in zip(linear(attended, state["wo"]), residual)]
    residual, x = x, rmsnorm(x)
    x = linear([xi.relu() ** 2 for xi in linear(x, state["up"])], state["down"])
    return linear([a + b for a, b in zip(x, residual)], state["lm_head"])


m, v, losses = [0.0] * len(params), [0.0] * len(params), []
for step in range(8):
    tokens = [0] + [number[c] for c in docs[step % len(docs)]] + [0]
    keys, values, parts = [], [], []
    for pos in range(min(block, len(tokens) - 1)):
        probs = softmax(gpt(tokens[pos], pos, keys, values))
        parts.append(-probs[tokens[pos + 1]].log())
    loss = (1 / len(parts)) * sum(parts)
    loss.backward()
    for i, p in enumerate(params):
        m[i] = 0.9 * m[i] + 0.1 * p.grad
        v[i] = 0.95 * v[i] + 0.05 * p.grad**2
        p.data -= 0.05 * (1 - step / 8) * (m[i] / (1 - 0.9 ** (step + 1))) / ((v[i] / (1 - 0.95 ** (step + 1))) ** 0.5 + 1e-8)
        p.grad = 0
    losses.append(loss.data)
"""


def run(first: str) -> dict[str, Any]:
    module = ModuleType("twin")
    exec(compile("import math, random\n" + first + PROGRAM, "twin.py", "exec"), vars(module))
    return vars(module)


def test_a_program_like_microgpt_learns_the_same_on_our_value() -> None:
    theirs, ours = run(OWN), run("from microgradnn import Value\n")
    assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-12)
    assert ours["losses"][0] == pytest.approx(2.0, abs=0.4)  # ln 7, of as many letters
    assert ours["losses"][-3:] < ours["losses"][:3]
    data = [p.data for p in ours["params"]]
    assert data == pytest.approx([p.data for p in theirs["params"]], rel=1e-9, abs=1e-12)
