"""Models as scikit-learn estimators: scikit-learn's own tools work on them."""

import importlib
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, learning_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from microgradnn import nn, optim
from microgradnn.errors import ConfigError, MissingPackageError
from microgradnn.train.estimator import Classifier, Regressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 2))
LINE = 2 * X[:, 0] - X[:, 1] + 0.5
CLASSES = np.array(["no", "yes"])[(X[:, 0] + X[:, 1] > 0).astype(int)]


def linear(n: int, m: int) -> nn.Module:
    return nn.Linear(n, m, kernel_initializer="zeros", bias_initializer="zeros", dtype=np.float64)


def steepest(params: Any) -> optim.Optimizer:
    return optim.SGD(params, lr=0.3)


def fast(params: Any) -> optim.Optimizer:
    return optim.Adam(params, lr=0.1)


def test_a_linear_model_finds_the_line_and_keeps_the_shape_of_the_targets() -> None:
    model = Regressor(linear, steepest, epochs=200, batch_size=90).fit(X, LINE)
    assert model.predict(X).shape == (90,) and model.score(X, LINE) > 0.9999
    weights = model.model_.weight.data.ravel()
    # Each step at least halves the error: after 200 only rounding is left.
    np.testing.assert_allclose(weights, [2, -1], rtol=1e-14)
    both = Regressor(linear, fast, epochs=2, batch_size=90).fit(X, np.stack([LINE, -LINE], 1))
    assert both.predict(X).shape == (90, 2)


def test_classes_may_have_any_names() -> None:
    model = Classifier(linear, fast, epochs=30).fit(X, CLASSES)
    assert model.classes_.tolist() == ["no", "yes"] and set(model.predict(X)) == {"no", "yes"}
    assert model.score(X, CLASSES) > 0.95


def test_two_fits_are_one_fit_and_a_clone_starts_anew() -> None:
    model = Regressor(linear, fast, epochs=3, seed=4)
    first = model.fit(X, LINE).predict(X)
    np.testing.assert_array_equal(clone(model).fit(X, LINE).predict(X), first)
    assert not hasattr(clone(model), "model_")
    assert is_regressor(model) and is_classifier(Classifier(linear))


def test_cross_validation_search_and_curves() -> None:
    folds = KFold(3, shuffle=True, random_state=0)
    pipeline = make_pipeline(StandardScaler(), Regressor(linear, fast, epochs=60, batch_size=60))
    assert cross_val_score(pipeline, X, LINE, cv=folds).min() > 0.99
    search = GridSearchCV(Regressor(linear, fast, batch_size=60), {"epochs": [1, 60]}, cv=folds)
    assert search.fit(X, LINE).best_params_ == {"epochs": 60}
    sizes, *_ = learning_curve(pipeline, X, LINE, train_sizes=[30, 60], cv=folds)
    assert sizes.tolist() == [30, 60]


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="^Regressor: call fit first$"):
        Regressor(linear).predict(X)
    with pytest.raises(
        ConfigError, match=r"^fit: x has shape \(90,\), need a row for each sample$"
    ):
        Regressor(linear).fit(X[:, 0], LINE)


def test_without_scikit_learn_the_import_says_what_is_missing(monkeypatch: Any) -> None:
    monkeypatch.delitem(sys.modules, "microgradnn.train.estimator")
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(MissingPackageError) as error:
        importlib.import_module("microgradnn.train.estimator")
    assert str(error.value) == (
        "a scikit-learn estimator needs scikit-learn, which is not installed; in a clone of "
        "microgradnn write: pip install -e '.[data]'"
    )
