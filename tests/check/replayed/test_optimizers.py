"""check.optimizer: right ones by their names, mistakes by theirs, and what is neither is not named."""

import inspect
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import check
from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found
from microgradnn.check.replayed.hyper import DRAWN
from microgradnn.check.replayed.slips import slips
from microgradnn.check.replayed.variants import forms
from microgradnn.errors import ConfigError
from tests.check.replayed import written
from tests.check.replayed.written import SAID
from tests.frameworks import framework


@pytest.mark.parametrize("thing", SAID, ids=lambda thing: thing.__name__)
def test_right_ones_by_their_names(thing):
    report = check.optimizer(thing)
    assert (report.verdict, report.findings[0].message) == ("PASS", f"this is {SAID[thing]}")
    assert f"this is {SAID[thing]}; 6 steps" in str(report)
    assert (
        find(written, [thing.__name__])[0].style == "optimizer"
        or thing.__name__ == "momentum_as_mean"
    )


# What is written instead, in which of them; and what is told.
WRONG = [
    ("sgd", "w -=", "w +=", "SGD, but it goes up the gradient"),
    ("sgd", '-= config["learning_rate"] * dw', "-= dw", "SGD, but lr is missing"),
    ("sgd_momentum", 'config["velocity"] = v', "pass", "it is called sgd_momentum, and is SGD"),
    ("adam", 'm / (np.sqrt(v) +', 'config["m"] / (np.sqrt(config["v"]) +', "PyTorch's Adam, but the bias correction is missing"),
    ("adam", '(1 - config["beta1"]) * dw', "dw", "PyTorch's Adam, but the mean of the gradients lacks its factor 1 - β₁"),
    ("adam", '(1 - config["beta2"]) * dw**2', "dw**2", "PyTorch's Adam, but the mean of the squares lacks its factor 1 - β₂"),
    ("adam", 'config["t"] += 1', 'config["t"] = 1', "PyTorch's Adam, but t does not advance: the bias correction is always that of the first step"),
    ("adam", '"t", 0', '"t", 1', "PyTorch's Adam, but t is 2 at the first step"),
    ("adam", '(1 - config["beta1"] ** config["t"])', "1", "PyTorch's Adam, but the bias correction of m is missing"),
    ("adam", '(1 - config["beta2"] ** config["t"])', "1", "PyTorch's Adam, but the bias correction of v is missing"),
    ("rmsprop", "rate * config[\"cache\"] + (1 - rate) * dw**2", "(1 - rate) * config[\"cache\"] + rate * dw**2", "PyTorch's RMSprop, but ρ and 1 - ρ are exchanged"),
    ("rmsprop", 'config["cache"] = rate', 'cache = rate', None),
    ("AdaGrad", "self.h[key] +=", "self.h[key] =", "PyTorch's Adagrad, but what it remembers starts anew at each step"),
    ("Adam", "for key in params:\n            self.m", "for key in params:\n            self.iter += 1\n            self.m", None),
    ("AdamW", "self.lr * self.wd * p.data", "self.wd * p.data", "PyTorch's AdamW, but the weight decay is not multiplied by lr"),
    ("AdamW", "p.data - self.lr * self.wd", "p.data + self.lr * self.wd", "PyTorch's AdamW, but the weight decay has the wrong sign"),
    ("AdamW", "self.m[i] = b1 * self.m[i] + (1 - b1) * p.grad", "p.grad = p.grad + self.wd * p.data; self.m[i] = b1 * self.m[i] + (1 - b1) * p.grad", None),
    ("AdamW", "p.grad**2", "p.grad", None),
]  # fmt: skip


def changed(name, old, new):
    text = textwrap.dedent(inspect.getsource(getattr(written, name)))
    assert old in text
    scope = {"np": np}
    exec(text.replace(old, new, 1), scope)
    return scope[name]


@pytest.mark.parametrize(
    ("name", "old", "new", "told"), WRONG, ids=[f"{i} {w[0]}" for i, w in enumerate(WRONG)]
)
def test_mistakes_by_their_names(name, old, new, told):
    report = check.optimizer(changed(name, old, new))
    (finding,) = report.findings
    assert report.verdict in (("FAIL",) if told else ("FAIL", "INCONCLUSIVE"))
    if told:
        assert (finding.code, finding.message) == ("GC401", told) and finding.hint
    else:
        assert finding.code == "GC402"


def test_where_what_has_no_name_differs_first():
    report = check.optimizer(changed("adam", "dw**2", "np.abs(dw) ** 3"))
    (finding,) = report.findings
    assert finding.message.startswith(
        "it is called adam and is no Adam; nearest is PyTorch's Adam: eps inside the bias correction; "
        "it differs first in step 1: parameter 0[0, 0] moves by "
    )
    assert (report.verdict, finding.hint) == ("FAIL", "its m is right there, its v is wrong there")


def test_only_eps_elsewhere_is_a_convention():
    report = check.optimizer(
        changed("adam", 'np.sqrt(v) + config["epsilon"]', 'np.sqrt(v + config["epsilon"])')
    )
    assert report.verdict == "CONVENTION"
    assert (
        report.findings[0].message
        == "this is Adam but for the place of its eps, which no framework has there"
    )


def test_rules_that_are_not_here_are_not_wrong():
    def signum(w, g, m, lr=1e-4, momentum=0.9):
        m = momentum * m + (1 - momentum) * g
        return w - lr * np.sign(m), m

    def sgd_with_warmup(w, dw, t, lr=0.1, warmup=4):
        return w - lr * min(1, t / warmup) * dw

    assert [check.optimizer(f).verdict for f in (signum, sgd_with_warmup)] == ["INCONCLUSIVE"] * 2


@settings(deadline=None, max_examples=12)
@given(st.floats(0.3, 3).filter(lambda x: min(abs(x - 2), abs(x - 1)) > 0.05), st.floats(0.2, 0.9))
def test_a_rule_that_nobody_knows_is_never_named(power, mean):
    def adam(w, dw, m, v, t, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        m = beta1 * m + mean * (1 - beta1) * dw
        v = beta2 * v + (1 - beta2) * np.abs(dw) ** power
        return w - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v

    assert check.optimizer(adam).findings[0].code == "GC402"


FORMS = list(forms(DRAWN))


@pytest.mark.parametrize("form", FORMS[::3], ids=str)
def test_forms_and_their_mistakes_differ_from_all_other_forms(form):
    """What is told is never the name of another rule: no two forms take the same steps."""
    from microgradnn.check.replayed.recognised import recorded

    path, _ = form.replayed(*recorded(0))
    for other in (*FORMS, *slips(form, DRAWN)):
        if str(other) == str(form) or "weight decay" in f"{form}{other}" and form.family == "SGD":
            continue  # of plain SGD both decays are the same
        theirs, _ = other.replayed(*recorded(0))
        assert not np.allclose(path, theirs, rtol=0, atol=1e-10), str(other)


def test_what_is_not_written_or_no_optimiser():
    class Adam:
        def update(self, params, grads):
            pass

    assert check.optimizer(Adam).verdict == "NOT_WRITTEN"
    with pytest.raises(ConfigError) as error:
        check.optimizer(len)
    assert str(error.value).startswith("optimizer: len was called in ")


def test_optimisers_of_frameworks():
    torch = framework("torch")
    weights = [torch.nn.Parameter(torch.ones(3))]
    made = torch.optim.SGD(weights, lr=0.1, momentum=0.9, dampening=0.5)
    for thing, told in (
        (made, "PyTorch's SGD with momentum: lr outside the velocity"),
        (torch.optim.NAdam(weights), "PyTorch's NAdam"),
        (torch.optim.Adam(weights, weight_decay=0.1),
         "PyTorch's Adam with coupled weight decay: eps inside the bias correction; L2, g + λ·p"),
    ):  # fmt: skip
        report = check.optimizer(thing)
        assert (report.verdict, report.findings[0].message) == ("PASS", f"this is {told}")
    assert weights[0].tolist() == [1, 1, 1] and not made.state
    assert check.optimizer(torch.optim.Rprop(weights)).findings[0].message == (
        "this is PyTorch's Rprop"
    )


def test_optimisers_of_keras():
    keras = framework("keras")
    report = check.optimizer(keras.optimizers.Adam(weight_decay=0.1))
    assert report.findings[0].message == (
        "this is Keras's AdamW: eps outside the bias correction; p·(1 - lr·λ)"
    )


def test_in_files(load):
    text = inspect.getsource(written).replace("w -= config", "w += config", 1)
    module = load(
        text + "\n\nclass Optimizer:\n    def step(self):\n        raise NotImplementedError\n"
    )
    found = {f.name: f for f in find(module) if f.style == "optimizer"}
    assert set(found) == {f.__name__ for f in SAID} - {"momentum_as_mean"} | (
        {"momentum_as_mean"} & set(found)
    )
    report = check_found(found["sgd"])
    assert (report.verdict, report.findings[0].code) == ("FAIL", "GC401")


@pytest.mark.parametrize("name", ["Adamax", "Nadam", "Lion", "Ftrl", "Adafactor"])
def test_the_rules_of_keras_that_optim_has_not(name):
    keras = framework("keras")
    family = {"Nadam": "NAdam"}.get(name, name)
    report = check.optimizer(getattr(keras.optimizers, name)())
    assert report.verdict == "PASS"
    assert report.findings[0].message.startswith("this is ")
    assert family in report.findings[0].message.partition(":")[0]


@pytest.mark.parametrize("name", ["Rprop", "ASGD", "Adamax", "NAdam"])
def test_more_rules_of_pytorch(name):
    torch = framework("torch")
    report = check.optimizer(getattr(torch.optim, name))
    assert report.verdict == "PASS"
    assert f"this is PyTorch's {name}" in report.findings[0].message


def test_a_lion_by_hand_and_one_that_is_none():
    def lion(p, grad, m, lr=1e-4, beta1=0.9, beta2=0.99):
        p = p - lr * np.sign(beta1 * m + (1 - beta1) * grad)
        return p, beta2 * m + (1 - beta2) * grad

    assert check.optimizer(lion).findings[0].message == "this is Lion"

    def lion_without_sign(p, grad, m, lr=1e-4, beta1=0.9, beta2=0.99):
        p = p - lr * (beta1 * m + (1 - beta1) * grad)
        return p, beta2 * m + (1 - beta2) * grad

    assert not check.optimizer(lion_without_sign, name="lion")
