"""A small convolutional network on MNIST, with shifted images as further training data.

Two convolutions and poolings see the same stroke wherever it is; shifting each image by up to a
pixel in each epoch (data augmentation) teaches the rest of the network the same.
"""

import numpy as np

from microgradnn import nn, optim
from microgradnn.data import subset
from settings import Clock, arguments, mnist

args = arguments(__doc__)
data = mnist(args, flatten=False)
real = data.n_features == 784
rng = np.random.default_rng(0)
train = subset(data.train, 1000 if args.quick or not real else 10_000, rng)
test = data.test if not args.quick else subset(data.test, min(1000, len(data.test)), rng)
x, side = train.x[:, None], train.x.shape[-1]  # (n, channels, height, width)

model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1, rng=rng),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1, rng=rng),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * (side // 4) ** 2, data.n_classes, rng=rng),
)
print(model.summary(x.shape[1:]))
model.compile(optim.Adam(model.parameters(), lr=3e-3), "cross_entropy", ["accuracy"])


def shifted(images):
    """The images, each moved by -1, 0 or 1 pixels in both directions."""
    moves = rng.integers(-1, 2, (len(images), 2))
    return np.stack([np.roll(image, m, (1, 2)) for image, m in zip(images, moves, strict=True)])


with Clock():
    for epoch in range(3 if real else 10):
        size = 100 if real else 20
        model.fit(shifted(x), train.y, batch_size=size, seed=epoch, verbose=2)
loss, accuracy = model.evaluate(test.x[:, None], test.y)
print(f"{len(train)} training images: test loss {loss:.4f}, accuracy {accuracy:.4f}")
assert accuracy > (0.97 if real and not args.quick else 0.8)
