"""What a file holds is judged by what it computes, however its parts are called and ordered."""

import pytest

from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found

# Right code in the spellings of many hands; %s is where one factor too many makes it wrong.
SPELLINGS = {
    "a tape": """
        def product_forward(x, w):
            return x @ w, (x, w)

        def product_backward(dout, tape):
            x, w = tape
            return dout @ w.T%s, x.T @ dout
        """,
    "the cache first, as in JAX": """
        def product_fwd(x, w):
            return x @ w, (x, w)

        def product_bwd(res, g):
            x, w = res
            return g @ w.T%s, x.T @ g
        """,
    "an object with a tape": """
        class Scale:
            def __init__(self, size):
                self.weight = np.ones(size)

            def forward(self, x):
                return x * self.weight, (x,)

            def backward(self, dout, tape):
                (x,) = tape
                self.dweight = (dout * x).sum(0)%s
                return dout * self.weight
        """,
    "dL_dW in a returned dict": """
        def linear_forward(X, W, b):
            return X @ W + b, (X, W)

        def linear_backward(dout, cache):
            X, W = cache
            return {"dL_dX": dout @ W.T, "dL_dW": X.T @ dout%s, "dL_db": dout.sum(0)}
        """,
    "db beside bias, dw beside weight": """
        class Linear:
            def __init__(self, n_in, n_out):
                self.weight, self.bias = np.random.randn(n_in, n_out), np.zeros(n_out)

            def forward(self, x):
                self.x = x
                return x @ self.weight + self.bias

            def backward(self, dout):
                self.dw, self.db = self.x.T @ dout, dout.sum(0)%s
                return dout @ self.weight.T
        """,
    "a decorated backward": """
        import functools

        def logged(function):
            @functools.wraps(function)
            def call(*args):
                return function(*args)
            return call

        def affine_forward(x, w, b):
            return x @ w + b, (x, w)

        @logged
        def affine_backward(dout, cache):
            x, w = cache
            return dout @ w.T, x.T @ dout%s, dout.sum(0)
        """,
    "the derivative in terms of the output": """
        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

        def sigmoid_derivative(y):
            return y * (1 - y)%s
        """,
    "the cotangent last": """
        def product(x, w):
            return x @ w

        def product_backward(x, w, up):
            return up @ w.T%s, x.T @ up
        """,
    "weights beside the cotangent, a tuple from forward": """
        def linear_forward(x, w):
            return x @ w, x

        def linear_backward(dout, w, x):
            return dout @ w.T%s, x.T @ dout
        """,
    "a slope that both get": """
        def leaky_forward(x, alpha=0.01):
            return np.where(x > 0, x, alpha * x), x

        def leaky_backward(dout, cache, alpha=0.01):
            return dout * np.where(cache > 0, 1, alpha)%s
        """,
}  # fmt: skip


@pytest.fixture
def verdict(load):
    """A function from the text of a file with one thing in it to the verdict on it."""

    def verdict(text):
        (found,) = find(load(text))
        return check_found(found).verdict

    return verdict


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_right_code_passes_and_wrong_code_fails_in_every_spelling(verdict, spelling):
    text = SPELLINGS[spelling]
    assert verdict(text % "") == "PASS"
    assert verdict(text % " * 1.5") == "FAIL"


def test_other_arguments_do_not_help_where_a_package_is_missing(load):
    (found,) = find(load("""
    def mul_forward(x, w):
        import no_such_package
        return no_such_package.mul(x, w), (x, w)

    def mul_backward(dout, cache):
        return dout * cache[1], dout * cache[0]
    """))  # fmt: skip
    with pytest.raises(ModuleNotFoundError):
        check_found(found)
