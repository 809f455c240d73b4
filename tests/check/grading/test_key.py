"""A student's forward beside the key's: what is another function is never right, what is the same is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn.check.files.discover import find
from microgradnn.check.files.keyed import Key, _alike, _sample, compared, read_key

KEY = """
def affine_forward(x, w, b):
    return x @ w + b, (x, w)

def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(0)

def softmax_loss(scores, y):
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    n = len(y)
    loss = -np.log(p[np.arange(n), y]).mean()
    p[np.arange(n), y] -= 1
    return loss, p / n

def drop_forward(x, p=0.5):
    mask = np.random.rand(*x.shape) > p
    return x * mask, mask

def drop_backward(dout, cache):
    return dout * cache

class Linear:
    def __init__(self, n, m):
        self.W, self.b = np.random.randn(n, m), np.zeros(m)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(0)
        return dout @ self.W.T
"""
# Another way to write the same.
SAME = {
    "affine": ("x @ w + b, (x, w)", "np.einsum('nd,dm->nm', x, w) + b, (x, w)"),
    "names": ("affine_forward(x, w, b)", "affine_forward(w, x, b)"),
    "softmax_loss": ("scores - scores.max(1, keepdims=True)", "scores"),
    "Linear": ("np.random.randn(n, m)", "0.1 * np.random.uniform(size=(n, m))"),
}
# Another function, whose own gradient may be right.
OTHER = {
    "sign": ("x @ w + b, (x, w)", "x @ w - b, (x, w)", "affine"),
    "half": ("x @ w + b, (x, w)", "0.5 * (x @ w + b), (x, w)", "affine"),
    "shape": ("x @ w + b, (x, w)", "(x @ w + b).sum(1), (x, w)", "affine"),
    "sum for mean": ("[np.arange(n), y]).mean()", "[np.arange(n), y]).sum()", "softmax_loss"),
    "raises": ("x @ w + b, (x, w)", "undefined", "affine"),
    "no bias": ("x @ self.W + self.b", "x @ self.W", "Linear"),
}


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "key_of_course.py"
    path.write_text("import numpy as np\n" + KEY)
    return read_key(path, 5.0, 0)


def student(load, old="", new=""):
    assert old in KEY
    return {f.name: f for f in find(load(KEY.replace(old, new) if old else KEY))}


def test_the_key_agrees_with_itself(load, known):
    mine = student(load)
    for name in ("affine", "softmax_loss", "Linear"):
        assert compared(mine[name], known) == ()
    (remark,) = compared(mine["drop"], known)
    assert (remark.verdict, remark.message) == (
        "PASS", "forward was not compared with the key's: the key's forward draws random numbers"
    )  # fmt: skip


@pytest.mark.parametrize("how", SAME)
def test_another_way_to_write_the_same(load, known, how):
    name = "affine" if how == "names" else how
    assert compared(student(load, *SAME[how])[name], known) == ()


@pytest.mark.parametrize("how", OTHER)
def test_another_function(load, known, how):
    old, new, name = OTHER[how]
    (finding,) = compared(student(load, old, new)[name], known)
    assert (finding.code, finding.verdict) == ("GC212", "FAIL")


def test_other_parameters_are_for_the_teacher(load, known):
    text = KEY.replace("self.b", "self.bias").replace("self.db", "self.dbias")
    mine = {f.name: f for f in find(load(text))}
    assert compared(mine["Linear"], known) == ()  # by their order and shapes
    text = KEY.replace(" + self.b", "").replace("self.W, self.b = ", "self.W = ")
    text = text.replace(", np.zeros(m)", "").replace("self.dW, self.db", "self.dW")
    text = text.replace("self.x.T @ dout, dout.sum(0)", "self.x.T @ dout")
    (finding,) = compared({f.name: f for f in find(load(text))}["Linear"], known)
    assert (finding.verdict, finding.message, finding.hint) == (
        "INCONCLUSIVE", "forward could not be compared with the key's: other parameters",
        "yours are x, W; the key's x, W, b",
    )  # fmt: skip


def test_a_convention_counts_where_the_key_keeps_it(load, known):
    mine = student(load, "dout.sum(0)\n\ndef", "dout.mean(0)\n\ndef")["affine"]
    assert compared(mine, known) == ()
    (finding,) = compared(mine, known, conventional=True)
    assert (finding.code, finding.verdict) == ("GC209", "FAIL")
    other = Key()
    _sample(mine, other, 0)
    assert compared(mine, other, conventional=True) == ()


def test_a_key_leaves_numbers_only(tmp_path):
    """No function of the key is left where a student's code could find it."""
    import gc
    import sys
    import types

    path = tmp_path / "secret_key.py"
    path.write_text(
        "import numpy as np\nGRADCHECK = {'affine': lambda rng: (rng.normal(size=(2, 3)), "
        "rng.normal(size=(3, 2)), np.zeros(2))}\n" + KEY
    )
    before = dict(sys.modules), list(sys.path), list(sys.meta_path)
    key = read_key(path, 5.0, 0)
    assert (dict(sys.modules), list(sys.path), list(sys.meta_path)) == before
    assert [np.shape(a) for a in key.table["affine"]["args"]] == [(2, 3), (3, 2), (2,)]
    gc.collect()
    left = [o for o in gc.get_objects() if isinstance(o, types.FunctionType)]
    assert not [f for f in left if f.__code__.co_filename == str(path)]


numbers = st.floats(-1e3, 1e3)


@given(st.lists(numbers, min_size=1, max_size=5), st.integers(0, 4), st.floats(1e-6, 10))
def test_half_of_the_digits_decide(values, place, factor):
    true = np.array(values)
    size = np.abs(true).max()
    assert _alike([true], [true * (1 + 1e-12)]) == ""
    other = true.copy()
    other[place % len(values)] += factor * max(size, 1e-3)
    assert _alike([true], [other]) != ""


def test_what_is_not_alike():
    one, two = np.array([1.0, 2.0]), np.array([1.0, 3.0])
    assert _alike([one], [two]) == "out[1] is 3, the key's 2"
    assert _alike([one], [one, one]) == "it returns 2 outputs, the key 1"
    assert _alike([one], [one[:, None]]) == "the shape of its output is (2, 1), the key's (2,)"
    assert _alike([np.array([np.nan, np.inf])], [np.array([np.nan, np.inf])]) == ""
    assert _alike([np.array([np.nan])], [np.array([1.0])]) == "out[0] is 1, the key's nan"
