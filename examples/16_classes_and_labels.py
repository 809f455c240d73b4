"""Multi-class against multi-label: one digit is one of ten classes, but has several properties.

One of many: softmax, whose probabilities add up to one, and cross-entropy. Any of many: a sigmoid
for each label, and binary cross-entropy; the probabilities know nothing of each other.
"""

import numpy as np

import microgradnn as mg
from microgradnn import nn
from microgradnn.data import subset
from microgradnn.train.metrics import F1Score
from settings import Clock, arguments, mnist

args = arguments(__doc__)
data = mnist(args)
n = 1000 if args.quick else min(10_000, len(data.train))
train = subset(data.train, n, np.random.default_rng(0))
PROPERTIES = {"even": {0, 2, 4, 6, 8}, "prime": {2, 3, 5, 7}, "has a loop": {0, 6, 8, 9}}


def labels(digits):
    """One column of zeros and ones for each property."""
    return np.stack([np.isin(digits, list(s)) for s in PROPERTIES.values()], 1).astype(np.float32)


how = dict(batch_size=20, epochs=8 if args.quick else 10, seed=0, verbose=0)
with Clock():
    classes = nn.MLP(data.n_features, [64, data.n_classes], rng=np.random.default_rng(0))
    classes.compile("adam", "cross_entropy", ["accuracy"])
    classes.fit(train.x, train.y, **how)
    several = nn.MLP(data.n_features, [64, len(PROPERTIES)], rng=np.random.default_rng(0))
    f1 = F1Score(average="macro", from_logits=True)
    several.compile("adam", "binary_cross_entropy_with_logits", [f1])
    several.fit(train.x, labels(train.y), **how)

accuracy = classes.evaluate(data.test.x, data.test.y)[1]
score = several.evaluate(data.test.x, labels(data.test.y))[1]
print(f"digit: accuracy {accuracy:.4f}     properties: macro F1 {score:.4f}")
p = mg.softmax(classes.predict(data.test.x[:3]), axis=1)
q = mg.sigmoid(several.predict(data.test.x[:3]))
for digit, row, of in zip(data.test.y, p, q, strict=False):
    found = [f"{name} {value:.2f}" for name, value in zip(PROPERTIES, of, strict=True)]
    print(f"a {digit}: taken for {row.argmax()} ({row.max():.2f});", ", ".join(found))
assert np.allclose(p.sum(1), 1, rtol=1e-5)
assert accuracy > 0.8 and score > 0.8
