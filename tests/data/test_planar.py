"""Points in the plane: shapes, labels, the same for a seed, and where each class lies."""

import numpy as np
import pytest

from microgradnn.data import circles, gauss, moons, planar, spiral, xor, yin_yang
from microgradnn.data.planar import PLANAR
from microgradnn.errors import ConfigError


@pytest.mark.parametrize("name", PLANAR)
def test_points_and_labels(name: str) -> None:
    X, y = planar(name, 61, seed=3)
    assert X.shape == (61, 2) and X.dtype == np.float32 and y.shape == (61,)
    classes = 3 if name == "yin_yang" else 2
    assert set(y) == set(range(classes))
    again, labels = planar(name, 61, seed=3)
    assert np.array_equal(X, again) and np.array_equal(y, labels)
    assert not np.array_equal(X, planar(name, 61, seed=4)[0])
    assert planar(name, 61, noise=5.0)[0].std() > X.std()


def test_without_noise_each_class_lies_where_its_name_says() -> None:
    X, y = circles(50, noise=0)
    assert np.allclose(np.hypot(*X.T), np.where(y == 0, 1, 0.5), atol=1e-6)
    X, y = moons(50, noise=0)
    assert np.all(X[y == 0, 1] >= -1e-6) and np.all(X[y == 1, 1] <= 0.5 + 1e-6)
    X, y = xor(50, noise=0)
    assert np.array_equal((X[:, 0] > 0) != (X[:, 1] > 0), y == 1)
    X, y = spiral(50, noise=0)
    assert np.allclose(np.sort(np.hypot(*X[y == 0].T)), np.linspace(0, 1, 25), atol=1e-6)
    X, y = gauss(400, noise=0)
    assert np.allclose(X[y == 1].mean(axis=0), 0.4, atol=0.05)
    X, y = yin_yang(60)
    assert np.all(
        np.minimum(np.hypot(X[:, 0] + 0.5, X[:, 1]), np.hypot(X[:, 0] - 0.5, X[:, 1]))[y == 2] < 0.2
    )


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="^moons: n is 1, expected a whole number of at least 2$"):
        moons(1)
    with pytest.raises(ConfigError, match="^xor: noise is -1, expected a number >= 0$"):
        xor(10, noise=-1)
    with pytest.raises(ConfigError, match="^planar: no data set 'moon'; did you mean 'moons'"):
        planar("moon")
