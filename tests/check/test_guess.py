"""Guessed arguments fit: those of the zoo, and of files in the styles of well-known courses."""

import numpy as np
import pytest

from microgradnn.check.files.arguments import GuessError, maker
from microgradnn.check.files.discover import Found, find
from microgradnn.check.source import all_parameters
from microgradnn.errors import ConfigError
from tests.check.zoo import BY_NAME, RIGHT, WRONG
from tests.check.zoo import found as found_in_the_zoo

# Elementwise or over the last axis: any rank will do. affine flattens, what it calls does not say.
ANY_RANK = {"relu_mask", "tanh", "log_softmax", "affine_relu"}
# Nothing says that the slopes are a row, if not a gradient of that shape.
AMBIGUOUS = {"prelu_backward_da_not_summed"}


@pytest.fixture
def load(load):
    """A function from the text of a file to what is found in it, by name."""
    return lambda text: {f.name: f for f in find(load(text))}


def draw(found, variant=0, **options):
    return maker(found, **options)(np.random.default_rng(5), variant)


def differentiated(found, made):
    """The places of the arguments whose gradients are checked, or asked for."""
    subject = found.subject(made.args, made.init, made.wrt)
    names = all_parameters(found.forward)[found.cls is not None :]
    wanted = {*subject.names, *subject.missing} - {*subject.params}
    return tuple(i for i, name in enumerate(names) if name in wanted)


def shapes(args):
    return [np.shape(a) if isinstance(a, np.ndarray) else a for a in args]


def kind(arg):
    """The rank and the kind of numbers; the same of what a dict holds; else the type."""
    if isinstance(arg, dict):
        return {key: kind(value) for key, value in arg.items()}
    if isinstance(arg, (list, np.ndarray)):
        return np.ndim(arg), "i" if np.asarray(arg).dtype.kind in "iu" else "f"
    return type(arg)


def alike(found, made, entry):
    """Whether arguments are like those written for the zoo."""
    want = entry.make_inputs(np.random.default_rng(0))
    got, kinds = [kind(a) for a in made.args], [kind(a) for a in want.args]
    if entry.of in ANY_RANK or entry.name in ANY_RANK:
        got, kinds = [len(got)], [len(kinds)]
    for g, k in zip(got, kinds, strict=False):
        if isinstance(k, dict):  # keys with defaults may be left out
            assert set(g) <= {*k, "eps"}
        elif not {"bce_logits_loss", "bce"} & {entry.name, entry.of}:
            assert g == k or k == (2, "i") and g == (2, "f"), (found.name, got, kinds)
    assert len(got) >= len(kinds)
    if found.subject(made.args, made.init).broken is None:
        assert differentiated(found, made) == (() if entry.style == "net" else want.wrt)


@pytest.mark.parametrize("entry", RIGHT, ids=lambda e: e.name)
def test_zoo(entry):
    found = found_in_the_zoo()[entry.name]
    make = maker(found)
    assert make.backward == "" and len(make.draws) >= 3
    alike(found, make(np.random.default_rng(5)), entry)


PLANTED = [e for e in WRONG if e.style in ("pair", "plain", "loss") and e.name not in AMBIGUOUS]


@pytest.mark.parametrize("entry", PLANTED, ids=lambda e: e.name)
def test_a_wrong_backward_gets_the_same_arguments(entry):
    found = Found(entry.of, entry.style, entry.forward, entry.backward, None, 1)
    alike(found, draw(found), entry)


@pytest.mark.parametrize("name", ["affine", "batchnorm", "conv_naive", "lstm_step", "attention"])
def test_variants_differ_in_their_sizes_and_repeat(name):
    make = maker(found_in_the_zoo()[name])
    first = [shapes(make(np.random.default_rng(1), v).args)[:3] for v in range(3)]
    assert first[0] != first[1] != first[2] != first[0]
    again = make(np.random.default_rng(1), 1).args
    for a, b in zip(make(np.random.default_rng(1), 1).args, again, strict=True):
        np.testing.assert_equal(a, b)


def test_sizes_are_different_and_small():
    for name in ("affine", "dense_loops", "rnn_step", "lstm_step", "bilinear", "softmax_loss"):
        made = draw(found_in_the_zoo()[name])
        x = made.args[0]
        assert len(set(x.shape)) == x.ndim and x.size <= 100
    w = draw(found_in_the_zoo()["dense_loops"]).args[1]
    assert w.shape[0] != w.shape[1]


def test_a_gradient_that_is_missing_is_asked_for():
    def forward(x, w, b):
        return x @ w + b, (x, w)

    def backward(dout, cache):
        x, w = cache
        return dout @ w.T, x.T @ dout

    found = Found("affine", "pair", forward, backward, None, 1)
    assert differentiated(found, draw(found)) == (0, 1, 2)


def test_a_backward_that_raises_does_not_change_the_guess():
    def forward(x, w, b):
        return x @ w + b, (x, w)

    def backward(dout, cache):
        raise RuntimeError("not yet")

    found = Found("affine", "pair", forward, backward, None, 1)
    make = maker(found)
    made = make(np.random.default_rng(0))
    assert make.backward == "RuntimeError: not yet"
    assert shapes(made.args) == [(4, 3), (3, 5), (5,)]
    assert differentiated(found, made) == (0, 1, 2)


def test_a_gradient_of_the_second_of_two_alike(load):
    found = load("""
    def forward_propagation(x, theta):
        return x * theta

    def backward_propagation(x, theta):
        dtheta = x
        return dtheta
    """)
    assert differentiated(found["propagation"], draw(found["propagation"])) == (1,)


# ---- what the file says itself -------------------------------------------------------------------

MYSTERY = """
def mystery_forward(thing, other):
    if thing.shape != (3, 7) or other["deep"][1] != "key":
        raise ValueError("not what it takes")
    return thing * 2, None

def mystery_backward(dout, cache):
    return dout * 2
"""


def test_nothing_found_says_what_was_raised_and_what_to_write(load):
    with pytest.raises(GuessError) as raised:
        maker(load(MYSTERY)["mystery"], tries=50)
    text = str(raised.value)
    assert isinstance(raised.value, ConfigError)
    assert "no arguments found for mystery(thing, other)" in text
    assert "ValueError: not what it takes" in text
    assert "GRADCHECK = {'mystery': lambda rng: (thing, other,)}" in text


@pytest.mark.parametrize(
    "hook",
    [
        'GRADCHECK = {"mystery": lambda rng: (rng.normal(size=(3, 7)), {"deep": [0, "key"]})}',
        'GRADCHECK = {"mystery_forward": (np.ones((3, 7)), {"deep": [0, "key"]})}',
        'GRADCHECK = {"mystery": {"args": (np.ones((3, 7)), {"deep": [0, "key"]}), "wrt": (0,)}}',
        'def gradcheck_inputs():\n    return {"mystery": (np.ones((3, 7)), {"deep": [0, "key"]})}',
    ],
)
def test_the_files_own_arguments_come_first(load, hook):
    found = load(MYSTERY + hook)["mystery"]
    make = maker(found)
    made = make(np.random.default_rng(0))
    assert make.said and made.args[0].shape == (3, 7)
    assert differentiated(found, made) == (0,)


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("GRADCHECK = [1]", "GRADCHECK is a list, need a dict"),
        ('GRADCHECK = {"mystery": {"arg": ()}}', "need 'args', and perhaps 'init' and 'wrt'"),
        ('GRADCHECK = {"mystery": (np.ones(3), 0)}', "the forward raises ValueError"),
    ],
)
def test_wrong_hooks(load, hook, message):
    with pytest.raises(GuessError, match=message):
        maker(load(MYSTERY + hook)["mystery"])


def test_the_hook_for_a_class(load):
    found = load("""
    class Scale:
        def __init__(self, table):
            self.by = table["x"]["y"]

        def forward(self, x):
            return x * self.by

        def backward(self, dout):
            return dout * self.by

    GRADCHECK = {"Scale": {"init": ({"x": {"y": 2}},), "args": lambda rng: (rng.normal(size=3),)}}
    """)
    made = draw(found["Scale"])
    assert made.init == ({"x": {"y": 2}},) and made.args[0].shape == (3,)
    assert differentiated(found["Scale"], made) == (0,)


# ---- courses and books ---------------------------------------------------------------------------


def test_constructors_that_take_arrays(load):
    found = load("""
    class Affine:
        def __init__(self, W, b):
            self.W, self.b = W, b
            self.x_shape = None

        def forward(self, x):
            self.x_shape = x.shape
            self.x = x.reshape(x.shape[0], -1)
            return np.dot(self.x, self.W) + self.b

        def backward(self, dout):
            self.dW, self.db = np.dot(self.x.T, dout), np.sum(dout, axis=0)
            return np.dot(dout, self.W.T).reshape(*self.x_shape)

    class SoftmaxWithLoss:
        def forward(self, x, t):
            self.t = t
            e = np.exp(x - x.max(axis=1, keepdims=True))
            self.y = e / e.sum(axis=1, keepdims=True)
            if t.ndim == 1:
                self.t = np.eye(x.shape[1])[t]
            return -np.sum(self.t * np.log(self.y)) / len(x)

        def backward(self, dout=1):
            return dout * (self.y - self.t) / len(self.t)

    class Dropout:
        def __init__(self, dropout_ratio=0.5):
            self.dropout_ratio = dropout_ratio

        def forward(self, x, train_flg=True):
            if not train_flg:
                return x * (1 - self.dropout_ratio)
            self.mask = np.random.rand(*x.shape) > self.dropout_ratio
            return x * self.mask

        def backward(self, dout):
            return dout * self.mask
    """)
    made = draw(found["Affine"])
    assert shapes(made.init) == [(4, 3), (3,)] and shapes(made.args) == [(5, 4)]
    x, t = draw(found["SoftmaxWithLoss"]).args
    assert x.ndim == 2 and (t.shape == x.shape or t.shape == x.shape[:1])
    if t.ndim == 2:
        np.testing.assert_equal(t.sum(axis=1), 1)
    assert differentiated(found["SoftmaxWithLoss"], draw(found["SoftmaxWithLoss"])) == (0,)
    assert draw(found["Dropout"]).args[1] is True


def test_convolution_and_pooling_objects(load):
    found = load("""
    def windows(x, fh, fw, stride, pad):
        N, C, H, W = x.shape
        x = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
        oh, ow = (H + 2 * pad - fh) // stride + 1, (W + 2 * pad - fw) // stride + 1
        for i in range(oh):
            for j in range(ow):
                yield i, j, x[:, :, i * stride : i * stride + fh, j * stride : j * stride + fw]

    class Convolution:
        def __init__(self, W, b, stride=1, pad=0):
            self.W, self.b, self.stride, self.pad = W, b, stride, pad

        def forward(self, x):
            FN, C, FH, FW = self.W.shape
            N, C, H, W = x.shape
            oh = (H + 2 * self.pad - FH) // self.stride + 1
            ow = (W + 2 * self.pad - FW) // self.stride + 1
            out = np.zeros((N, FN, oh, ow))
            for i, j, part in windows(x, FH, FW, self.stride, self.pad):
                out[:, :, i, j] = np.tensordot(part, self.W, ((1, 2, 3), (1, 2, 3))) + self.b
            self.shape = x.shape
            return out

        def backward(self, dout):
            return np.zeros(self.shape)

    class Pooling:
        def __init__(self, pool_h, pool_w, stride=2, pad=0):
            self.pool_h, self.pool_w, self.stride, self.pad = pool_h, pool_w, stride, pad

        def forward(self, x):
            N, C, H, W = x.shape
            self.shape = x.shape
            parts = windows(x, self.pool_h, self.pool_w, self.stride, self.pad)
            return np.stack([p.max(axis=(2, 3)) for _, _, p in parts])

        def backward(self, dout):
            return np.zeros(self.shape)
    """)
    W, b, stride, pad = draw(found["Convolution"]).init
    (x,) = draw(found["Convolution"]).args
    assert x.shape[1] == W.shape[1] and b.shape == W.shape[:1]
    assert (x.shape[2] + 2 * pad - W.shape[2]) % stride == 0
    assert (x.shape[3] + 2 * pad - W.shape[3]) % stride == 0
    made = draw(found["Pooling"])
    assert [type(i) for i in made.init] == [int] * 4 and made.args[0].ndim == 4


def test_a_net_of_the_book(load):
    found = load("""
    class TwoLayerNet:
        def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
            self.params = {
                "W1": weight_init_std * np.random.randn(input_size, hidden_size),
                "W2": weight_init_std * np.random.randn(hidden_size, output_size),
            }

        def predict(self, x):
            return np.tanh(x @ self.params["W1"]) @ self.params["W2"]

        def loss(self, x, t):
            y = self.predict(x)
            if t.ndim == 2:
                t = t.argmax(axis=1)
            e = np.exp(y)
            return -np.log((e / e.sum(1, keepdims=True))[np.arange(len(x)), t]).mean()

        def gradient(self, x, t):
            return {"W1": np.zeros_like(self.params["W1"]), "W2": np.zeros_like(self.params["W2"])}
    """)
    made = draw(found["TwoLayerNet"])
    size, hidden, classes, std = made.init
    x, t = made.args
    assert x.shape[1] == size and len({size, hidden, classes}) == 3 and 0.05 < std < 1
    assert t.shape in (x.shape[:1], (len(x), classes))


def test_samples_in_columns(load):
    found = load("""
    def sigmoid(Z):
        return 1 / (1 + np.exp(-Z)), Z

    def relu(Z):
        return np.maximum(0, Z), Z

    def sigmoid_backward(dA, cache):
        s = 1 / (1 + np.exp(-cache))
        return dA * s * (1 - s)

    def relu_backward(dA, cache):
        return dA * (cache > 0)

    def linear_forward(A, W, b):
        return np.dot(W, A) + b, (A, W, b)

    def linear_backward(dZ, cache):
        A, W, b = cache
        return np.dot(W.T, dZ), np.dot(dZ, A.T), np.sum(dZ, axis=1, keepdims=True)

    def linear_activation_forward(A_prev, W, b, activation):
        Z, linear_cache = linear_forward(A_prev, W, b)
        if activation == "sigmoid":
            A, activation_cache = sigmoid(Z)
        elif activation == "relu":
            A, activation_cache = relu(Z)
        return A, (linear_cache, activation_cache)

    def linear_activation_backward(dA, cache, activation):
        linear_cache, activation_cache = cache
        if activation == "sigmoid":
            dZ = sigmoid_backward(dA, activation_cache)
        elif activation == "relu":
            dZ = relu_backward(dA, activation_cache)
        return linear_backward(dZ, linear_cache)
    """)
    assert {n: f.style for n, f in found.items()} == dict.fromkeys(
        ("sigmoid", "relu", "linear", "linear_activation"), "pair"
    )
    assert shapes(draw(found["linear"]).args) == [(4, 3), (5, 4), (5, 1)]
    made = draw(found["linear_activation"])
    assert shapes(made.args) == [(4, 3), (5, 4), (5, 1), "relu"]
    assert differentiated(found["linear_activation"], made) == (0, 1, 2)


def test_images_with_channels_last(load):
    found = load("""
    def conv_forward(A_prev, W, b, hparameters):
        (m, n_H_prev, n_W_prev, n_C_prev) = A_prev.shape
        (f, f, n_C_prev, n_C) = W.shape
        stride, pad = hparameters["stride"], hparameters["pad"]
        n_H = (n_H_prev - f + 2 * pad) // stride + 1
        n_W = (n_W_prev - f + 2 * pad) // stride + 1
        Z = np.zeros((m, n_H, n_W, n_C))
        padded = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        for i in range(m):
            for h in range(n_H):
                for w in range(n_W):
                    for c in range(n_C):
                        part = padded[i, h * stride : h * stride + f, w * stride : w * stride + f]
                        Z[i, h, w, c] = np.sum(part * W[..., c]) + float(b[0, 0, 0, c])
        return Z, (A_prev, W, b, hparameters)

    def conv_backward(dZ, cache):
        A_prev, W, b, hparameters = cache
        return np.zeros_like(A_prev), np.zeros_like(W), dZ.sum((0, 1, 2), keepdims=True)

    def pool_forward(A_prev, hparameters, mode="max"):
        (m, n_H_prev, n_W_prev, n_C_prev) = A_prev.shape
        f, stride = hparameters["f"], hparameters["stride"]
        n_H, n_W = 1 + (n_H_prev - f) // stride, 1 + (n_W_prev - f) // stride
        A = np.zeros((m, n_H, n_W, n_C_prev))
        for h in range(n_H):
            for w in range(n_W):
                part = A_prev[:, h * stride : h * stride + f, w * stride : w * stride + f]
                A[:, h, w] = part.max((1, 2)) if mode == "max" else part.mean((1, 2))
        return A, (A_prev, hparameters)

    def pool_backward(dA, cache, mode="max"):
        return np.zeros_like(cache[0])
    """)
    A, W, b, more = draw(found["conv"]).args
    assert W.shape[0] == W.shape[1] < min(A.shape[1:3]) and W.shape[2] == A.shape[3]
    assert b.shape == (1, 1, 1, W.shape[3]) and set(more) == {"stride", "pad"}
    A, more, *mode = draw(found["pool"]).args
    assert A.ndim == 4 and more["f"] <= min(A.shape[1:3]) and mode in ([], ["max"])


def test_a_cell_with_its_weights_in_a_dict(load):
    found = load("""
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def lstm_cell_forward(xt, a_prev, c_prev, parameters):
        Wf, bf = parameters["Wf"], parameters["bf"]
        Wc, bc = parameters["Wc"], parameters["bc"]
        Wy, by = parameters["Wy"], parameters["by"]
        n_x, m = xt.shape
        n_y, n_a = Wy.shape
        concat = np.zeros((n_a + n_x, m))
        concat[:n_a], concat[n_a:] = a_prev, xt
        f, c = sigmoid(Wf @ concat + bf), np.tanh(Wc @ concat + bc)
        c_next = f * c_prev + (1 - f) * c
        a_next = np.tanh(c_next)
        return a_next, c_next, Wy @ a_next + by, (a_prev, c_prev, xt, parameters)

    def lstm_cell_backward(da_next, dc_next, cache):
        a_prev, c_prev, xt, parameters = cache
        return {"dxt": xt * 0, "da_prev": a_prev * 0, "dc_prev": c_prev * 0, "dWf": 0, "dbf": 0}
    """)
    made = draw(found["lstm_cell"])
    xt, a, c, weights = made.args
    (n_x, m), n_a = xt.shape, len(a)
    assert a.shape == c.shape == (n_a, m) and differentiated(found["lstm_cell"], made) == (0, 1, 2)
    assert weights["Wf"].shape == weights["Wc"].shape == (n_a, n_a + n_x)
    assert weights["bf"].shape == (n_a, 1) and weights["Wy"].shape[1] == n_a


def test_layers_that_make_their_weights_at_the_first_call(load):
    found = load("""
    class FullyConnected:
        def __init__(self, n_out, act_fn=None, init="glorot_uniform", optimizer=None):
            self.n_out, self.init, self.optimizer = n_out, init, optimizer
            self.is_initialized = False

        def forward(self, X, retain_derived=True):
            if not self.is_initialized:
                self.W = np.random.randn(X.shape[1], self.n_out)
                self.b = np.zeros((1, self.n_out))
                self.is_initialized = True
            self.X = X
            return X @ self.W + self.b

        def backward(self, dLdy, retain_grads=True):
            return dLdy @ self.W.T

    class BatchNorm1D:
        def __init__(self, momentum=0.9, epsilon=1e-5):
            self.momentum, self.epsilon = momentum, epsilon

        def forward(self, X):
            n_ex, n_in = X.shape
            self.std = np.sqrt(X.var(0) + self.epsilon)
            return (X - X.mean(0)) / self.std

        def backward(self, dLdy):
            return dLdy / self.std
    """)
    made = draw(found["FullyConnected"])
    assert made.init[0] in (2, 3, 4, 5) and made.init[1:] == (None, "glorot_uniform", None)
    assert shapes(made.args) == [(3, 5), True] or made.args[0].ndim == 2
    assert draw(found["BatchNorm1D"]).init == (0.9, 1e-3)


def test_docstrings_of_exercises(load):
    found = load('''
    def batchnorm_forward(x, gamma, beta, bn_param):
        """
        Input:
        - x: Data of shape (N, D)
        - gamma: Scale parameter of shape (D,)
        - beta: Shift paremeter of shape (D,)
        - bn_param: Dictionary with the following keys:
          - mode: 'train' or 'test'; required
          - eps: Constant for numeric stability
        """
        mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
        if mode != "train":
            raise ValueError(mode)
        xhat = (x - x.mean(0)) / np.sqrt(x.var(0) + eps)
        return gamma * xhat + beta, (xhat, gamma)

    def batchnorm_backward(dout, cache):
        xhat, gamma = cache
        return dout * gamma, (dout * xhat).sum(0), dout  # not summed

    def dropout_forward(x, dropout_param):
        p, mode = dropout_param["p"], dropout_param["mode"]
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])
        mask = np.random.rand(*x.shape) < p if mode == "train" else 1
        return x * mask, mask

    def dropout_backward(dout, cache):
        return dout * cache

    def softmax_loss_naive(W, X, y, reg):
        """
        - W: A numpy array of shape (D, C) containing weights.
        - X: A numpy array of shape (N, D) containing a minibatch of data.
        - y: A numpy array of shape (N,) containing training labels.
        """
        e = np.exp(X @ W)
        p = e / e.sum(1, keepdims=True)
        return -np.log(p[np.arange(len(X)), y]).mean() + reg * np.sum(W * W), np.zeros_like(W)
    ''')
    x, gamma, beta, more = draw(found["batchnorm"]).args
    assert gamma.shape == beta.shape == x.shape[1:]  # although the backward does not think so
    assert more == {"mode": "train", "eps": 1e-3}
    x, more = draw(found["dropout"]).args
    assert more["mode"] == "train" and 0.4 < more["p"] < 0.8 and isinstance(more["seed"], int)
    made = draw(found["softmax_loss_naive"])
    W, X, y, reg = made.args
    assert W.shape[0] == X.shape[1] and y.shape == X.shape[:1] and y.dtype.kind == "i"
    assert y.max() < W.shape[1] and 0 < reg < 1
    assert differentiated(found["softmax_loss_naive"], made) == (0,)


def test_a_recurrent_script(load):
    found = load("""
    def rnn_loss(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
        hs, loss = hprev, 0.0
        for t in range(len(inputs)):
            x = np.zeros((Wxh.shape[1], 1))
            x[inputs[t]] = 1
            hs = np.tanh(np.dot(Wxh, x) + np.dot(Whh, hs) + bh)
            y = np.dot(Why, hs) + by
            loss += -np.log((np.exp(y) / np.exp(y).sum())[targets[t], 0])
        return loss, *(np.zeros_like(w) for w in (Wxh, Whh, Why, bh, by))
    """)
    made = draw(found["rnn_loss"])
    inputs, targets, hprev, Wxh, Whh, Why, bh, by = made.args
    assert hprev.shape == bh.shape == (len(Whh), 1) and by.shape == (len(Why), 1)
    assert inputs.dtype.kind == targets.dtype.kind == "i" and len(inputs) <= len(targets)
    assert inputs.max() < Wxh.shape[1] and targets.max() < len(Why)
    assert differentiated(found["rnn_loss"], made) == (3, 4, 5, 6, 7)


def test_code_that_checks_its_arguments_itself(load):
    found = load("""
    def dense_forward(x, weights, bias):
        if x.ndim != 2 or weights.ndim != 2 or x.shape[1] != weights.shape[0]:
            raise ValueError("wrong shapes")
        assert bias.shape == (weights.shape[1],)
        return x @ weights + bias, (x, weights)

    def dense_backward(dout, cache):
        x, weights = cache
        return dout @ weights.T, x.T @ dout, dout.sum(0)
    """)
    assert shapes(draw(found["dense"]).args) == [(4, 3), (3, 5), (5,)]


def test_what_a_clipped_logarithm_is_taken_of(load):
    found = load("""
    class BCE:
        def forward(self, y_pred, y_true):
            clipped = np.clip(y_pred, 1e-7, 1 - 1e-7)
            return -np.mean(y_true * np.log(clipped) + (1 - y_true) * np.log(1 - clipped))

        def backward(self, y_pred, y_true):
            return (y_pred - y_true) / (y_pred * (1 - y_pred)) / y_pred.size
    """)
    y_pred, y_true = draw(found["BCE"]).args
    assert 0 < y_pred.min() and y_pred.max() < 1 and set(np.unique(y_true)) <= {0, 1}


def test_quiet_and_without_traces(load, capsys):
    found = load("""
    def loud_forward(x):
        print("forward")
        np.log(-np.abs(x))
        np.random.seed(1)
        return x * 2, None

    def loud_backward(dout, cache):
        print("backward")
        return dout * 2
    """)
    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    draw(found["loud"])
    assert capsys.readouterr() == ("", "")
    np.testing.assert_equal(np.random.get_state()[1], before)


def test_the_zoo_has_what_is_tested():
    assert ANY_RANK <= set(BY_NAME) and {e.name for e in WRONG} >= AMBIGUOUS
