"""Is a hand-written backward pass right? Batch norm right and wrong, a kink, lost digits.

The forward pass itself says what its gradient is: it runs again on single numbers that remember
where they came from, so there is no step size and no tolerance to choose.
"""

import numpy as np

from settings import needs

needs("flint")  # python-flint, for numbers with proven error bounds

from microgradnn import check

rng = np.random.default_rng(0)


def batchnorm_forward(x, gamma, beta):
    """Columns of mean 0 and variance 1, scaled and shifted; and what backward needs."""
    std = np.sqrt(x.var(axis=0) + 1e-5)
    xhat = (x - x.mean(axis=0)) / std
    return gamma * xhat + beta, (xhat, gamma, std)


def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    g = dout * gamma
    dx = (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0)) / std
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)


def wrong_backward(dout, cache):
    """As if the mean and the variance did not depend on x."""
    xhat, gamma, std = cache
    return dout * gamma / std, (dout * xhat).sum(axis=0), dout.sum(axis=0)


inputs = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=3)
report = check.layer(batchnorm_forward, batchnorm_backward, inputs)
print(report)
assert report.ok and report.verdict == "PASS"

report = check.layer(batchnorm_forward, wrong_backward, inputs)
print(report)
assert report.verdict == "FAIL" and {f.argument for f in report.findings if f.worst} == {"x"}
# And what the mistake is, by its name.
(mistake,) = [f.message for f in report.findings if f.code == "GC401"]
assert mistake.endswith("mean and variance are taken for constants")

# The report holds the numbers, too: which entry is farthest off, and what it should be.
worst = report.worst
print(f"d{worst.argument}{list(worst.index)}: {worst.yours:.3f} instead of {worst.true:.3f}")
assert worst.error > 0.1


# At 0 ReLU has a kink. Any slope from 0 to 1 is a subgradient there, 2 is none; a difference
# quotient says 1/2 and calls every one of these wrong.
def relu_forward(x):
    return np.maximum(x, 0), x


def with_slope(slope):
    return lambda dout, x: dout * np.where(x == 0, slope, x > 0)


kink = np.array([-1.0, 0.0, 2.0])
for slope, verdict in {0: "PASS_SUBGRADIENT", 1: "PASS_SUBGRADIENT", 2: "FAIL"}.items():
    report = check.layer(relu_forward, with_slope(slope), kink, name=f"slope {slope} at 0")
    print(report)
    assert report.verdict == verdict


# The formula of softmax's gradient is right, but p·(g - Σ p·g) cancels where p is almost 1: of
# -6e-18 nothing is left. That is no wrong gradient, and not a good one either.
def softmax_forward(x):
    e = np.exp(x - x.max())
    return e / e.sum(), e / e.sum()


def softmax_backward(dout, p):
    return p * (dout - (dout * p).sum())


for scores, verdict in {(1.0, 2.0, 3.0): "PASS", (0.0, 40.0, 1.0): "UNSTABLE"}.items():
    report = check.layer(softmax_forward, softmax_backward, np.array(scores))
    print(report)
    assert report.ok and report.verdict == verdict


# Codes select what is looked at: here, whether backward is linear in what it is given.
def abs_backward(dout, cache):
    return np.abs(dout) * (cache > 0)


report = check.layer(relu_forward, abs_backward, kink[[0, 2]], select="GC1")
print(report)
assert {f.code for f in report.findings} == {"GC102"}
