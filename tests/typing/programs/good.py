"""A user's program: mypy --strict must find nothing here, and every assert_type must hold.

The test also runs it, with an assert_type that looks at the values, so the types are true. A line
marked "not yet" is one that mypy does not understand yet; when it does, the test says so.
"""

from fractions import Fraction
from typing import Any, assert_type

import numpy as np

import microgradnn as mg
from microgradnn import Tensor, Value, check, nn, optim
from microgradnn.check import Report

# ---- single numbers -----------------------------------------------------------------------------

a, b = Value(2.0), Value(-3.0, "b")
assert_type(a * b + 1, Value)
assert_type(2 / a - b**2, Value)
assert_type(mg.exp(a), Value)
assert_type(a.tanh(), Value)
assert_type(mg.where(a > 0, a, 0.0), Value)
assert_type(mg.elu(a, alpha=2.0), Value)
assert_type(mg.clip(a, 0, 1), Value)
(a * b).backward()
assert_type(a.data, float)
assert_type(a.grad, float)
assert_type(a.item() * 2, float)
print(f"{a.data:.3f} {a.grad + 1:+.2e}", round(a.data, 2), max(a.data, b.data))
a.data -= 0.1 * a.grad
a.grad = 0
assert_type(Value(Fraction(1, 3)) + Fraction(1, 3) * a.detach(), Value)
assert_type(np.float32(2) * a - True, Value)
assert_type(a.maximum(b).exp().round(2), Value)
assert_type(a.label, str)

# ---- arrays -------------------------------------------------------------------------------------

x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
n = np.array([[0.5, 1.0], [1.5, 2.0]])
assert_type(x, Tensor)
assert_type(x @ n, Tensor)
assert_type(n.shape, tuple[Any, ...])
assert_type(x[0, :1], Tensor)
assert_type(x.T, Tensor)
assert_type(x.shape, tuple[int, ...])
assert_type(mg.exp(x), Tensor)
assert_type(mg.exp(n), np.ndarray)
assert_type(mg.maximum(n, x), Tensor)
assert_type(mg.sum(x, axis=0), Tensor)
assert_type(mg.sum(n, axis=0), np.ndarray)
assert_type(mg.mean([1.0, 2.0, 4.0]), np.ndarray)
assert_type(mg.softmax(x, axis=-1), Tensor)
assert_type(mg.softmax(n), np.ndarray)
assert_type(mg.var(x, axis=(0, 1), ddof=1), Tensor)
assert_type(mg.dot(n, x), Tensor)
assert_type(mg.dot(x, n), Tensor)
assert_type(mg.dot(n, n), np.ndarray)
assert_type(mg.einsum("ij,kj->ik", x, n), Tensor)
assert_type(mg.where(n > 1, x, 0.0), Tensor)
assert_type(mg.where(n > 1, n, x), Tensor)
assert_type(mg.where(n > 1), tuple[np.ndarray, ...])
assert_type(mg.concatenate([x, x], axis=1), Tensor)
assert_type(mg.concatenate([n, x]), Any)
assert_type(mg.stack([mg.sum(x), mg.mean(x)]), Tensor)
assert_type(mg.array([mg.sum(x), mg.mean(x)]), Tensor)
assert_type(mg.split(x, 2), list[Tensor])
assert_type(mg.reshape(x, (4,)), Tensor)
assert_type(mg.clip(x, 0, None), Tensor)
assert_type(mg.leaky_relu(n), np.ndarray)
assert_type(mg.sort(x, axis=0), Tensor)
assert_type(mg.argsort(x, axis=0), np.ndarray)
assert_type(mg.quantile(x, [0.25, 0.75]), Tensor)
assert_type(mg.average(x, 0, n, True), tuple[Tensor, Tensor | np.ndarray])
assert_type(mg.linspace(0.0, mg.sum(x), 5), Tensor)
assert_type(mg.interp(1.5, [1.0, 2.0], mg.ravel(x)[:2]), Tensor)
assert_type(mg.linalg.inv(x), Tensor)
assert_type(mg.linalg.norm(n), np.ndarray)
assert_type(mg.linalg.svd(x).S, Tensor)
assert_type(mg.linalg.qr(n).Q, np.ndarray)
assert_type(mg.linalg.slogdet(x).logabsdet, Tensor)

assert_type(x.sum(axis=0, keepdims=True), Tensor)
assert_type(x.exp().mean(), Tensor)
assert_type(x.reshape(4).max(), Tensor)
assert_type(x.data, np.ndarray)
assert_type(mg.sum(x).item(), float)
assert_type(x.maximum(0).add(n), Tensor)
assert_type(1.0 - x / [1.0, 2.0], Tensor)
assert_type(x.detach(), Tensor)

# PyTorch's names and words
assert_type(x.unsqueeze(0).expand(3, -1, -1), Tensor)
assert_type(x.clamp(min=0).masked_fill(n > 1, 0.0), Tensor)
assert_type(x.sum(dim=0, keepdim=True), Tensor)
assert_type(x.max(dim=0).values, Tensor)
assert_type(x.max(dim=0).indices, np.ndarray)
assert_type(x.max(axis=0), Tensor)
assert_type(x.topk(1).values, Tensor)
assert_type(x.chunk(2), tuple[Tensor, ...])
assert_type(x.split(1, dim=0), tuple[Tensor, ...])
assert_type(x.size(0), int)
assert_type(x.eq(n), np.ndarray)
assert_type(x.float(), Tensor)
assert_type(x.numel() + x.dim(), int)

# ---- losses, backward ---------------------------------------------------------------------------

labels = np.array([0, 1])
loss = mg.cross_entropy(x @ n, labels)
assert_type(loss, Tensor)
assert_type(mg.mse_loss(n, x), Tensor)
assert_type(mg.binary_cross_entropy_with_logits(mg.ravel(n), np.array([0, 1, 1, 0])), np.ndarray)
assert_type(loss.backward(), None)
with mg.no_grad():
    assert_type(x * 2, Tensor)
(gradient,) = mg.autograd.grad(mg.sum(x * x), [x])

# ---- transforms ---------------------------------------------------------------------------------
w0 = x.detach()


def energy(w: Tensor, scale: float = 1.0) -> Tensor:
    return mg.sum(w * w) * scale


assert_type(mg.value_and_grad(energy)(w0, scale=2.0)[0], Tensor)
slopes = mg.grad(energy)(w0, 0.5)
second = mg.hessian(energy)(w0)
cube = mg.grad(mg.grad(lambda t: t**3))(2.0)
value, pull = mg.vjp(energy, w0, 2.0)
assert_type(value, Tensor)
assert_type(pull(1.0), tuple[Tensor, float])
assert_type(mg.jvp(energy, (w0,), (n,)), tuple[Tensor, Tensor])
assert_type(mg.hvp(energy, w0, w0), Tensor)
assert_type(mg.stop_gradient(x), Tensor)


@mg.custom_vjp
def clipped(t: Tensor) -> Tensor:
    return t


def forward(t: Tensor) -> tuple[Tensor, None]:
    return t, None


def backward(kept: None, g: Tensor) -> tuple[Tensor]:
    return (mg.clip(g, -1, 1),)


clipped.defvjp(forward, backward)
assert_type(clipped(x), Tensor)

# ---- models -------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(2, 8)
        self.second = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.relu(self.first(x))
        return mg.log_softmax(self.second(hidden))


net = Net()
optimizer = optim.Adam(net.parameters(), lr=0.01)
assert_type(net(x), Tensor)
assert_type(net.first.weight, nn.Parameter)
for _ in range(2):
    optimizer.zero_grad()
    step_loss = mg.cross_entropy(net(mg.tensor(n)), labels)
    step_loss.backward()
    optimizer.step()

rows = np.zeros((5, 3, 2), np.float32)  # steps, batch, features
for recurrent in (nn.RNN(2, 4), nn.GRU(2, 4)):
    assert_type(recurrent(rows), tuple[Tensor, Tensor])
assert_type(nn.LSTM(2, 4)(rows), tuple[Tensor, tuple[Tensor, Tensor]])
assert_type(nn.GRUCell(2, 4)(rows[0]), Tensor)
assert_type(nn.LSTMCell(2, 4)(rows[0], nn.LSTMCell(2, 4)(rows[0])), tuple[Tensor, Tensor])
assert_type(net.penalty(), Tensor)
assert_type(net.first.weight.detach(), Tensor)
optim.EMA(net).copy_to(net.parameters())

model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(n, labels, epochs=2, verbose=0)
assert_type(history.history["loss"][0], float)
assert_type(model.evaluate(n, labels, return_dict=True)["loss"], float)  # not yet
assert_type(model.predict(n), np.ndarray)

# ---- the checker --------------------------------------------------------------------------------


def affine_forward(
    x: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    return x @ w, (x, w)


def affine_backward(
    dout: np.ndarray, cache: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    x, w = cache
    return dout @ w.T, x.T @ dout


report = check.layer(affine_forward, affine_backward, (n, n))
assert_type(report, Report)
assert_type(report.ok, bool)
assert_type(report.verdict, str)
assert_type([finding.verdict for finding in report.findings], list[str])
