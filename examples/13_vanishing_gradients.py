"""Why deep sigmoid networks did not learn, and what helps: ReLU, batch normalisation, skips.

σ' is at most 1/4, so each sigmoid layer makes the gradient smaller on its way back; after ten of
them the first layer hears nothing. The picture shows the size of the gradient in each layer.
"""

import numpy as np

import microgradnn as mg
from microgradnn import nn
from settings import arguments, picture

args = arguments(__doc__, "matplotlib")
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 20)).astype(np.float32)
y = rng.integers(0, 3, 64)
DEPTH, WIDTH = 10, 50


def network(block):
    """A first layer, ten blocks of one kind, a last layer."""
    blocks = [block() for _ in range(DEPTH)]
    return nn.Sequential(nn.Linear(20, WIDTH, rng=rng), *blocks, nn.Linear(WIDTH, 3, rng=rng))


def layer(**how):
    """A layer that keeps the width."""
    return nn.Linear(WIDTH, WIDTH, rng=rng, **how)


he = dict(kernel_initializer="he_uniform", bias_initializer="zeros")
kinds = {
    "sigmoid": lambda: nn.Sequential(layer(), nn.Sigmoid()),
    "ReLU": lambda: nn.Sequential(layer(**he), nn.ReLU()),
    "sigmoid, batch norm": lambda: nn.Sequential(layer(), nn.BatchNorm1d(WIDTH), nn.Sigmoid()),
    "sigmoid, skip": lambda: nn.Residual(nn.Sequential(layer(), nn.Sigmoid())),
}
sizes = {}
for name, block in kinds.items():
    model = network(block)
    mg.cross_entropy(model(x), y).backward()
    weights = [p for n, p in model.named_parameters() if n.endswith("weight") and p.ndim == 2]
    sizes[name] = [float(np.linalg.norm(p.grad)) for p in weights]
    print(f"{name:20s} first layer {sizes[name][0]:.1e}   last layer {sizes[name][-1]:.1e}")

picture(
    args,
    "gradients.png",
    lambda axes: (
        [axes.semilogy(range(1, DEPTH + 3), s, "o-", label=n) for n, s in sizes.items()],
        axes.legend(),
        axes.set(xlabel="layer", ylabel="norm of the gradient of its weights"),
    ),
)
assert sizes["sigmoid"][0] < 1e-6 * sizes["sigmoid"][-1]
for name in ("ReLU", "sigmoid, batch norm", "sigmoid, skip"):
    assert sizes[name][0] > 1e-3 * sizes[name][-1], name

# Dropout: half of the numbers are zero in training, twice as large the others; none in eval mode.
drop, ones = nn.Dropout(0.5, rng=np.random.default_rng(1)), np.ones((1, 1000), np.float32)
half = drop(mg.tensor(ones))
assert set(np.unique(half.data)) == {0.0, 2.0} and abs(half.data.mean() - 1) < 0.1
drop.eval()
assert (drop(mg.tensor(ones)).data == ones).all()

# Batch normalisation: columns of mean 0 and variance 1 in training; a fixed map in eval mode.
norm = nn.BatchNorm1d(20)
out = norm(mg.tensor(5 + 3 * x)).data
assert np.abs(out.mean(0)).max() < 1e-5 and np.abs(out.std(0) - 1).max() < 1e-3
norm.eval()
one = norm(mg.tensor(5 + 3 * x[:1])).data
assert np.allclose(one, norm(mg.tensor(5 + 3 * x)).data[:1], rtol=1e-5, atol=1e-6)
