"""The one vocabulary: every way to write the gradient of something is seen as that, nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import check
from microgradnn.check import words

PARAMETERS = (
    "W w b bias weight weights kernel gamma beta scale shift W1 b1 W_1 w2 weights_2 Wxh W_xh U theta "
    "conv_w out_b x X x1 input inputs prev_h h scores A table running_mean"
).split()
MARKS = "d grad g delta dL dE dJ dLoss ∂ nabla gradient".split()
ORDINARY = (
    "data dim dims depth dropout dilation dtype decay gamma gain gate groups scale beta bias weight "
    "W b x y out cache ctx momentum eps stride pad learning_rate lr name training state hidden"
).split()


def _capital(word):
    return word[:1].upper() + word[1:]


FORMS = (
    lambda mark, name: f"{mark}_{name}",
    lambda mark, name: f"{name}_{mark}",
    lambda mark, name: f"{mark}{name}",
    lambda mark, name: f"{mark}{_capital(name)}",
    lambda mark, name: f"{name}{_capital(mark)}",
    lambda mark, name: f"_{mark}_{name}",
    lambda mark, name: f"_{mark}{name}",
    lambda mark, name: f"_{name}_{mark}",
)
CASES = (str, str.lower, str.upper)


@given(st.sampled_from(MARKS), st.sampled_from(PARAMETERS), st.sampled_from(FORMS),
       st.sampled_from(CASES))  # fmt: skip
def test_every_mark_in_every_form_names_the_gradient(mark, name, form, case):
    word = case(form(mark, name))
    assert words.names_gradient(word, name)
    assert words.gradients_among([word, "unrelated"], [name, "other"]) == {name: word}


@given(st.sampled_from(ORDINARY), st.sampled_from(PARAMETERS))
def test_ordinary_names_are_no_gradients(word, name):
    assert not words.names_gradient(word, name)
    assert words.gradient_of(word) is None
    assert not words.is_cotangent(word)


@given(st.sampled_from(PARAMETERS), st.sampled_from(PARAMETERS))
def test_the_gradient_of_one_parameter_is_not_that_of_another(name, other):
    related = words.same_parameter(name, other)
    assert words.names_gradient(f"grad_{name}", other) == related
    assert related == words.same_parameter(other, name)


@pytest.mark.parametrize("word", ["dL_dW", "dLdW", "grad_W", "W_grad", "gradW", "_dw", "dE_dW", "d_W",
                                  "nabla_w", "delta_w", "∂W", "∂L/∂W", "dL/dW", "grad_wrt_W"])  # fmt: skip
def test_what_a_gradient_is_of_can_be_read_from_its_name(word):
    assert words.gradient_of(word) in ("W", "w")


@pytest.mark.parametrize("word", "dout grad_output upstream delta g dA d_out dY grad error top_diff "
                                 "dloss dscores dh_next gradOutput out_grad v ct".split())  # fmt: skip
def test_cotangents(word):
    assert words.is_cotangent(word)
    assert not words.is_cache(word)


@pytest.mark.parametrize("word", "cache ctx tape saved memory conv_cache caches store stash cache1 "
                                 "saved_context res Cache".split())  # fmt: skip
def test_caches(word):
    assert words.is_cache(word)
    assert not words.is_cotangent(word)


@pytest.mark.parametrize(("a", "b", "same"), [
    ("weight", "w", True), ("W", "kernel", True), ("weights_1", "W1", True), ("b", "bias", True),
    ("gamma", "scale", True), ("beta", "shift", True), ("W1", "W2", False), ("beta", "b", False),
    ("gamma", "beta", False), ("Wx", "W", False), ("x", "input", True),
])  # fmt: skip
def test_aliases(a, b, same):
    assert words.same_parameter(a, b) == words.same_parameter(b, a) == same


def test_the_nearest_spelling_wins_and_no_word_counts_twice():
    pair = words.gradients_among(["dW", "dw"], ["w", "W"])
    assert pair == {"W": "dW", "w": "dw"}
    assert words.gradients_among(["dw"], ["W", "w"]) == {"w": "dw"}
    assert words.gradients_among(["dweight", "db"], ["W", "bias"]) == {"W": "dweight", "bias": "db"}


def test_a_weight_of_a_gate_is_not_the_gradient_of_the_weight():
    assert words.gradients_among(["Wg", "dWg"], ["W", "Wg"]) == {"Wg": "dWg"}
    assert words.gradients_among(["Wg"], ["W"]) == {"W": "Wg"}


def test_bare_names_count_only_among_gradients():
    assert words.gradients_among(["W", "b"], ["W", "bias"], bare=True) == {"W": "W", "bias": "b"}
    assert words.gradients_among(["W", "b"], ["W", "bias"]) == {}
    assert words.gradients_among(["W", "dW"], ["W"], bare=True) == {"W": "dW"}


@pytest.mark.parametrize(("word", "of", "holds"), [
    ("grads", "", True), ("_grads", "_params", True), ("dparams", "params", True), ("g", "p", True),
    ("param_grads", "params", True), ("params", "", False), ("weights", "params", False),
    ("dweights", "weights", True), ("cache", "params", False),
])  # fmt: skip
def test_containers_of_gradients(word, of, holds):
    assert words.holds_gradients(word, of) is holds


@pytest.mark.parametrize("word", "lr learning_rate eta learn_rate alpha LR".split())
def test_learning_rates(word):
    assert words.is_rate(word)


# ---- what the checker makes of names -------------------------------------------------------------


class Scaled:
    """y = W x + b, whose gradients of W and b are kept where the test says."""

    names = ("dW", "db")
    home = "attributes"

    def __init__(self):
        self.W, self.b = np.array([2.0, -1.5]), np.array([0.5, 0.25])
        self.grads = {}

    def forward(self, x):
        self.x = x
        return self.W * x + self.b

    def backward(self, dout):
        kept = dict(zip(self.names, (dout * self.x, dout * 1.0), strict=True))
        if self.home == "returned":
            return {"dx": dout * self.W, **kept}
        if self.home == "grads":
            self.grads = kept
        else:
            vars(self).update(kept)
        return dout * self.W


@settings(max_examples=60)
@given(st.sampled_from(MARKS), st.sampled_from(FORMS), st.sampled_from(CASES),
       st.sampled_from(("attributes", "grads", "returned")))  # fmt: skip
def test_the_gradients_of_a_layer_are_found_however_they_are_called(mark, form, case, home):
    names = tuple(case(form(mark, name)) for name in ("W", "b"))
    layer = type("Scaled", (Scaled,), {"names": names, "home": home})()
    report = check.layer(layer, np.array([1.0, 3.0]), probes=False)
    assert report.verdict == "PASS", report.explain()
    assert {"x", "W", "b"} <= set(report.coverage)


@settings(max_examples=60)
@given(st.sampled_from(MARKS), st.sampled_from(FORMS), st.sampled_from(CASES))
def test_a_dict_of_gradients_may_use_any_keys(mark, form, case):
    keys = [case(form(mark, name)) for name in ("x", "W")]

    def forward(x, W):
        return x * W, (x, W)

    def backward(dout, cache):
        x, W = cache
        return dict(zip(keys, (dout * W, dout * x * factor), strict=True))

    arrays = (np.array([1.0, 3.0]), np.array([2.0, -1.5]))
    factor = 1.0
    assert check.layer(forward, backward, arrays, probes=False).verdict == "PASS"
    factor = 2.0
    assert check.layer(forward, backward, arrays, probes=False).verdict == "FAIL"


@pytest.mark.parametrize(
    "cache", ["cache", "ctx", "tape", "saved", "memory", "stash", "store", "res"]
)
@pytest.mark.parametrize("dout", ["dout", "g", "grad_output", "delta", "upstream"])
@pytest.mark.parametrize("first", [True, False])
def test_a_layer_that_hands_its_cache_to_the_caller(cache, dout, first):
    takes = f"{dout}, {cache}" if first else f"{cache}, {dout}"
    text = f"""
class Square:
    def forward(self, x):
        return x**2, x
    def backward(self, {takes}):
        return 2 * {cache} * {dout}
def forward(x):
    return x**2, x
def backward({takes}):
    return 2 * {cache} * {dout}
"""
    scope = {}
    exec(text, scope)
    x = np.array([1.0, 3.0])
    assert check.layer(scope["Square"](), x).verdict == "PASS"
    assert check.layer(scope["forward"], scope["backward"], x).verdict == "PASS"
