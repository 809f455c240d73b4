"""Mistakes that mypy --strict must find, each on its own line: those that end in "# error".

A mistake marked "# not yet" is not found; when it is, the test says so.
"""

import numpy as np

import microgradnn as mg
from microgradnn import Value, check, nn, optim

t = mg.tensor([1.0, 2.0], requires_grad=True)
n = np.ones(2)
model = nn.Sequential(nn.Linear(2, 1))


def energy(w: mg.Tensor) -> mg.Tensor:
    return mg.sum(w * w)


report = check.layer(lambda x: (x, x), lambda dout, cache: dout, n)

# names
mg.expp(t)  # error
mg.linalg.invv(t)  # error
t.summ()  # error
t.requires_gard  # error
Value(1.0).reluu()  # error
nn.Linaer(2, 1)  # error
nn.Linear(2, 1).weihgt  # error
nn.functional.reluu(t)  # error
optim.Adm(model.parameters())  # error
model.fitt(n, n)  # error
report.verdictt  # error
check.layerr(n)  # error
mg.errors.ShapError  # error

# numbers and names of arguments
mg.add(t)  # error
mg.add(t, t, t)  # error
mg.relu(t, "x", 3)  # error
mg.softmax(t, axes=1)  # error
mg.sum(t, axis=0, keepdim=True)  # error
t.sum(axis=0, keepdms=True)  # error
t.unsqueeze()  # error
t.topk("x")  # error
t.backward("x", 3, 4)  # error
mg.tensor([1.0], require_grad=True)  # error
Value([1], 2, 3, 4)  # error
optim.SGD(model.parameters(), lrr=0.1)  # error
optim.Adam(lr=0.1)  # error
model.fit(n, n, epoch=3)  # error

# kinds of arguments
mg.sum(t, axis="0")  # error
mg.softmax("x")  # error
mg.reshape(t, "x")  # error
t.reshape("x")  # error
mg.concatenate(t, 3.5)  # error
mg.cross_entropy(t, n, reduction=1)  # error
mg.clip(t, "a", "b")  # error
mg.split(t, "two")  # error
mg.grad(3)  # error
mg.grad(energy)("x")  # error
mg.grad(energy)(t, 2.0, 3.0)  # error
mg.vjp(energy, "x")  # error
mg.custom_vjp(3)  # error
t.register_hook(3)  # error
optim.SGD(model.parameters(), lr="x")  # error
nn.Linear("a", 1)  # error
model.fit(n, n, epochs="3")  # error
model.fit(n, n, callbacks=3)  # error

Value("3")  # error
Value(1.0).data.shape  # error
Value(1.0).grad.backward()  # error
Value(1.0).data = "x"  # error
Value(1.0) + "x"  # error
t.exp(n)  # error
Value(1.0).maximum()  # error
t.tanh(out=n)  # error
t.backward("x")  # error
nn.LSTM(2, 4)(n)[1].shape  # error
nn.GRUCell(2, 4)(n, (n, n)) + "x"  # error
nn.RNN(2, 4, dtype=3.5)  # error
net_dtype = model.to(3.5)  # error
optim.EMA(3)  # error

# what comes out is used as what it is not
mg.sum(n).backward()  # error
mg.sum(t).backward().shape  # error
mg.split(t, 2).shape  # error
mg.linalg.svd(t).s  # error
model.predict(n).backward()  # error
