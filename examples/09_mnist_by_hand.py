"""MNIST 784-128-256-10 with sigmoids, every step written out: forward, loss, backward, update.

The loss is the sum over a batch of -log p(right digit), so a step is as long as the batch is large;
weights start from N(0, 0.05²), 3 000 steps of 256 images. The last cell looks at five test images.
"""

import numpy as np

import microgradnn as mg
from microgradnn.data import batches
from settings import Clock, arguments, mnist, picture

args = arguments(__doc__, "matplotlib")
data = mnist(args)
real = data.n_features == 784
x = np.concatenate([data.train.x, data.validation.x])
y = np.concatenate([data.train.y, data.validation.y])
rng = np.random.default_rng(0)

widths = [data.n_features, 128, 256, data.n_classes]
weights, biases = [], []
for i, (n, m) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
    start = rng.normal(0, 0.05, (n, m)).astype(np.float32)
    weights.append(mg.tensor(start, requires_grad=True, name=f"W{i}"))
    biases.append(mg.tensor(np.zeros(m, np.float32), requires_grad=True, name=f"b{i}"))


def logits(x):
    """Two hidden layers of sigmoids, and the numbers that softmax turns into probabilities."""
    h1 = mg.sigmoid(x @ weights[0] + biases[0])
    h2 = mg.sigmoid(h1 @ weights[1] + biases[1])
    return h2 @ weights[2] + biases[2]


# The digits that stand in for MNIST are few and small: smaller batches, longer steps.
size, rate = (256, 0.001) if real else (32, 0.02)
optimizer = mg.optim.SGD(weights + biases, lr=rate)
steps, step = (300 if args.quick and real else 3000), 0
with Clock():
    while step < steps:
        for images, digits in batches(x, y, batch_size=size, rng=rng, drop_last=True):
            z = logits(images)
            loss = mg.cross_entropy(z, digits, reduction="sum")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if step % 100 == 0:
                right = (z.data.argmax(1) == digits).mean()
                print(f"step {step:4d}  loss {loss.item():8.3f}  accuracy {right:.4f}")
            if step == steps:
                break

probabilities = mg.softmax(logits(data.test.x), axis=1).data
right = (probabilities.argmax(1) == data.test.y).mean()
print(f"test accuracy {right:.4f}")
first = probabilities[:5].argmax(1)
print("first five test images:", *first, "  truth:", *data.test.y[:5])
side = int(data.n_features**0.5)
row = np.hstack([image.reshape(side, side) for image in data.test.x[:5]])
picture(
    args,
    "predictions.png",
    lambda axes: (
        axes.imshow(row, cmap="gray_r"),
        axes.set_axis_off(),
        axes.set_title("predicted: " + ", ".join(map(str, first))),
    ),
)
assert real is False or sum(p.size for p in weights + biases) == 136_074
if real and not args.quick:
    assert abs(right - 0.936) < 0.005 and first.tolist() == [7, 2, 1, 0, 4]
else:
    assert right > (0.65 if real else 0.5)
