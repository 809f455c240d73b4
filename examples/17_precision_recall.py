"""Precision, recall and F1: when one class is rare, accuracy says little.

precision = TP / (TP + FP)   of those called positive, how many are
recall    = TP / (TP + FN)   of the positives, how many were called so
F1        = 2·P·R / (P + R)
"""

import numpy as np

import microgradnn as mg
from microgradnn import nn, optim
from microgradnn.data import subset
from microgradnn.train.metrics import Accuracy, ConfusionMatrix, F1Score, Precision, Recall
from settings import Clock, arguments, mnist, picture

args = arguments(__doc__, "matplotlib")

# ---- ten patients, of whom three are ill, by hand ---------------------------------------------
ill = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
said = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0])
tp, fp, fn = 2, 1, 1
by_hand = {Precision: tp / (tp + fp), Recall: tp / (tp + fn), F1Score: 2 * tp / (2 * tp + fp + fn)}
for metric, expected in by_hand.items():
    m = metric()
    m.update_state(ill, said)
    print(f"{m.name:9s} {m.result():.4f}")
    assert np.isclose(m.result(), expected, rtol=1e-15)
table = ConfusionMatrix()
table.update_state(ill, said)
print(table)

# ---- is it an eight? one image in ten is ------------------------------------------------------
data = mnist(args)
real = data.n_features == 784
train = subset(data.train, 1000 if args.quick or not real else 10_000, np.random.default_rng(0))
eight, truth = (train.y == 8).astype(np.float32)[:, None], data.test.y == 8
model = nn.MLP(data.n_features, [64, 1], "tanh", rng=np.random.default_rng(0))
model.compile(optim.Adam(model.parameters(), lr=3e-3), "binary_cross_entropy_with_logits")
with Clock():
    model.fit(train.x, eight, batch_size=20, epochs=10 if args.quick else 20, seed=0, verbose=0)
p = mg.sigmoid(model.predict(data.test.x)).ravel()

never = Accuracy()
never.update_state(truth, np.zeros(len(truth)))
print(f"always 'no': accuracy {never.result():.3f}, recall 0")
curve = []
for threshold in (0.1, 0.3, 0.5, 0.7, 0.9):
    both = [Precision(threshold=threshold), Recall(threshold=threshold)]
    for m in both:
        m.update_state(truth, p)
    curve.append([m.result() for m in both])
    print(f"yes from {threshold}: precision {curve[-1][0]:.3f}, recall {curve[-1][1]:.3f}")
precision, recall = np.array(curve).T
picture(
    args,
    "precision_recall.png",
    lambda axes: (
        axes.plot(recall, precision, "o-"),
        axes.set(xlabel="recall", ylabel="precision", title="is it an eight?"),
    ),
)
assert (np.diff(recall) <= 0).all()  # a stricter threshold finds no more
assert 0.85 < never.result() < 0.95
assert precision[2] > (0.6 if real else 0.5) and recall[2] > 0.5
