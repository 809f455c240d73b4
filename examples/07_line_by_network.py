"""A 1-2-5-1 network learns the line y = 2.3x + 4.7: noisy data, the truth, and its answers.

As in the tutorial it is trained on the points of the line itself, one sample a step; the noisy
points are only drawn. 200 passes over 100 points are 20 000 steps of Adam.
"""

import numpy as np

import microgradnn as mg
from microgradnn import nn
from settings import Clock, arguments, picture

args = arguments(__doc__, "matplotlib")
rng = np.random.default_rng(0)
x = np.linspace(0, 3, 100, dtype=np.float32)[:, None]
truth = (2.3 * x + 4.7).astype(np.float32)
noisy = truth + 0.3 * rng.normal(size=x.shape)

model = nn.MLP(1, [2, 5, 1], "sigmoid", rng=rng)
print(model.summary((1,)))
optimizer = mg.optim.Adam(model.parameters(), lr=0.02)
with Clock():
    for epoch in range(20 if args.quick else 200):
        for i in rng.permutation(len(x)):
            loss = mg.mse_loss(model(x[i : i + 1]), truth[i : i + 1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 20 == 0:
            error = mg.mse_loss(model(x), truth).item()
            print(f"epoch {epoch:3d}  step {100 * (epoch + 1):5d}  mean squared error {error:.4f}")

answers = model(x).data
print(f"largest error {np.abs(answers - truth).max():.3f}")
picture(
    args,
    "line.png",
    lambda axes: (
        axes.plot(x, noisy, ".", color="0.6", label="data"),
        axes.plot(x, truth, label="truth 2.3x + 4.7"),
        axes.plot(x, answers, "--", label="network"),
        axes.legend(),
        axes.set(xlabel="x", ylabel="y"),
    ),
)
assert ((answers - truth) ** 2).mean() < (0.3 if args.quick else 0.06)
assert len(model.state_dict()) == 6 and sum(p.size for p in model.parameters()) == 25

# A model is saved as its arrays, and loaded into one of the same shape.
copy = nn.MLP(1, [2, 5, 1], "sigmoid")
copy.load_state_dict(model.state_dict())
assert (copy(x).data == answers).all()
