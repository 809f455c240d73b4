"""One neuron, by hand and by engine: what backward() does.

o = tanh(x·w + b). The chain rule gives do/dw = (1 - o²)·x; the engine must say the same.
"""

from microgradnn import Value

x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.88, "b")
o = (x * w + b).tanh()
o.backward()

by_hand = {"x": (1 - o.data**2) * w.data, "w": (1 - o.data**2) * x.data, "b": 1 - o.data**2}
for leaf in (x, w, b):
    print(f"do/d{leaf.name} = {leaf.grad:+.6f}   by hand {by_hand[leaf.name]:+.6f}")
    assert abs(leaf.grad - by_hand[leaf.name]) < 1e-15
