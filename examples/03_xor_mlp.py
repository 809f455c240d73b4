"""XOR with a hidden layer: the layer bends the plane so that one line is enough."""

import numpy as np

import microgradnn as mg
from microgradnn import nn

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
target = np.array([[0], [1], [1], [0]], np.float32)

model = nn.MLP(2, [4, 1], "tanh", rng=np.random.default_rng(0))
optimizer = mg.optim.Adam(model.parameters(), lr=0.1)
print(model)
for step in range(201):
    loss = mg.binary_cross_entropy_with_logits(model(x), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step:3d}  loss(before) {loss.item():.5f}")

answers = mg.sigmoid(model(x)).data.round().ravel()
print("XOR answers", answers)
assert answers.tolist() == [0, 1, 1, 0]
