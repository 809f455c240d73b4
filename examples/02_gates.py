"""AND, OR and XOR with one neuron: two are learnt in a few steps, the third cannot be.

One neuron draws one straight line through the square of inputs. AND and OR have such a line; XOR
has none, so its loss stays at ln 2, the loss of answering one half to everything.
"""

import math

import numpy as np

import microgradnn as mg

inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
gates = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}
ones = np.ones((4, 1), np.float32)
x = np.hstack([ones, inputs])  # the bias is the weight of a constant input

for gate, truth in gates.items():
    target = np.array(truth, np.float32)[:, None]
    w = mg.tensor(np.zeros((3, 1)), np.float32, requires_grad=True, name="W")
    optimizer = mg.optim.SGD([w], lr=200)
    for step in range(401):
        loss = mg.binary_cross_entropy_with_logits(x @ w, target)
        if step % 100 == 0:
            print(f"{gate} step={step} W={w.data.ravel()} loss={loss.item():.5g}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = ((x @ w.data > 0) == target).all()
    print(f"{gate}: {'learnt' if right else 'not learnt: no straight line separates it'}")
    assert right == (gate != "XOR")
    expected = {"AND": [-75, 50, 50], "OR": [-25, 50, 50], "XOR": [0, 0, 0]}
    assert w.data.ravel().tolist() == expected[gate]
    assert math.isclose(loss.item(), math.log(2) if gate == "XOR" else 1.0415958e-11, rel_tol=1e-6)
