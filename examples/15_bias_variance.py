"""Bias and variance: the degree of a polynomial, the penalty λ, and learning curves.

Too simple a model errs on training and validation data alike (bias); too free a model fits the
noise, and errs on the validation data alone (variance). scikit-learn cuts the data into five parts
(cross-validation) and draws the curves; the model in its pipeline is ours.
"""

import numpy as np

from settings import Clock, arguments, picture

args = arguments(__doc__, "sklearn", "matplotlib")  # before they are imported

from sklearn.model_selection import KFold, cross_val_score, learning_curve, validation_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from microgradnn import nn, optim
from microgradnn.train.estimator import Regressor

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, 60))[:, None]
y = np.sin(x[:, 0]) + 0.3 * rng.normal(size=60)
folds = KFold(5, shuffle=True, random_state=0)
epochs = 150 if args.quick else 600


class Line:
    """Makes the linear layer of a polynomial, with a penalty λ on its weights."""

    def __init__(self, penalty: float) -> None:
        self.penalty = penalty

    def __call__(self, n: int, m: int) -> nn.Module:
        """A layer that starts at zero."""
        start = dict(kernel_initializer="zeros", bias_initializer="zeros", dtype=np.float64)
        return nn.Linear(n, m, kernel_regularizer=nn.L2(self.penalty), **start)


def polynomial(degree: int, penalty: float = 0.0):
    """Powers of x up to the degree, scaled to mean 0 and variance 1, and a linear model of them."""
    adam = lambda params: optim.Adam(params, lr=0.05)  # noqa: E731
    model = Regressor(Line(penalty), adam, epochs=epochs, batch_size=60)
    return make_pipeline(PolynomialFeatures(degree, include_bias=False), StandardScaler(), model)


def errors(scores):
    """The mean squared errors over the folds, of training and of validation."""
    return [-s.mean(1) for s in scores]


how = dict(cv=folds, scoring="neg_mean_squared_error")
degrees = [1, 2, 3, 5, 9, 13]
penalties = [0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]
with Clock():
    vary = dict(param_name="polynomialfeatures__degree", param_range=degrees)
    by_degree = errors(validation_curve(polynomial(1), x, y, **vary, **how))
    vary = dict(param_name="regressor__make_model", param_range=[Line(p) for p in penalties])
    by_penalty = errors(validation_curve(polynomial(13), x, y, **vary, **how))
    sizes, *scores = learning_curve(
        polynomial(3), x, y, train_sizes=[6, 12, 24, 36, 48], shuffle=True, random_state=0, **how
    )[:3]
    by_size = errors(scores)

pictures = {
    "degree": (degrees, by_degree, "degree of the polynomial", "linear"),
    "lambda": ([max(p, 1e-5) for p in penalties], by_penalty, "λ (degree 13)", "log"),
    "size": (sizes, by_size, "number of training samples (degree 3)", "linear"),
}
for name, (at, (training, validation), label, scale) in pictures.items():
    picture(
        args,
        f"bias_variance_{name}.png",
        lambda axes, at=at, t=training, v=validation, label=label, scale=scale: (
            axes.plot(at, t, "o-", label="training"),
            axes.plot(at, v, "o-", label="validation"),
            axes.legend(),
            axes.set(xlabel=label, ylabel="mean squared error", xscale=scale),
        ),
    )
best = degrees[int(np.argmin(by_degree[1]))]
print("validation error by degree:", dict(zip(degrees, by_degree[1].round(3), strict=True)))
print("validation error by λ:", dict(zip(penalties, by_penalty[1].round(3), strict=True)))
r2 = cross_val_score(polynomial(best), x, y, cv=folds).mean()
print(f"best degree {best}; R² of five folds {r2:.3f}")
assert best in (3, 5, 9) and by_degree[1][0] > 1.5 * by_degree[1].min()  # bias of a straight line
assert by_penalty[0][-1] > by_penalty[0][0]  # a penalty costs on the training data
assert by_size[1][0] > by_size[1][-1] and by_size[0][0] < by_size[0][-1]  # variance of few samples
