"""PyTorch's Functions, modules and functions of tensors as subjects of the checker."""

import textwrap

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import check
from microgradnn.check.files.child import check_file
from microgradnn.errors import CheckError, ConfigError
from tests.check import torch_zoo as zoo


@pytest.mark.parametrize("function", zoo.RIGHT, ids=lambda f: f.__name__)
def test_right_functions_pass(function):
    for seed in (0, 1):
        report = check.layer(function, zoo.RIGHT[function], seed=seed)
        assert report.verdict in ("PASS", "PASS_SUBGRADIENT"), str(report)
        assert not report.proved


@pytest.mark.parametrize(
    "function, inputs, verdict, code", zoo.WRONG, ids=[w[0].__name__ for w in zoo.WRONG]
)
def test_mistakes_are_found(function, inputs, verdict, code):
    report = check.layer(function, inputs)
    assert report.verdict == verdict, str(report)
    assert code in [f.code for f in report.findings], str(report)


@pytest.mark.parametrize(
    "function, inputs, text", zoo.MEANT, ids=[m[0].__name__ for m in zoo.MEANT]
)
def test_what_is_meant_is_named(function, inputs, text):
    report = check.layer(function, inputs)
    assert report.verdict == "CONVENTION", str(report)
    assert text in [f.message for f in report.findings]


@settings(max_examples=12)
@given(
    st.lists(st.sampled_from(["exp", "sin", "tanh", "abs", "relu", "square"]), min_size=1, max_size=3),
    st.integers(1, 4), st.integers(1, 3), st.floats(-3, 3).filter(lambda c: abs(c - 1) > 1e-3),
)  # fmt: skip
def test_a_factor_is_never_right_and_the_truth_never_wrong(names, rows, columns, factor):
    def call(x):
        for name in names:
            x = getattr(torch, name)(0.5 * x) if name != "square" else x * x
        return x

    class Right(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return call(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return torch.autograd.grad(call(x), x, g)[0] * ctx.factor

    x = torch.linspace(-1.3, 1.7, rows * columns, dtype=torch.double).reshape(rows, columns)
    assert "FAIL" not in verdict(Right, x, 1.0)
    if names != ["relu"] or (x > 0).any():
        assert verdict(Right, x, factor) == "FAIL"


def verdict(function, x, factor):
    class Scaled(function):
        @staticmethod
        def forward(ctx, x):
            ctx.factor = factor
            return function.forward(ctx, x)

    return check.layer(Scaled, x, probes=False).verdict


def test_parameters_of_a_module_have_names():
    x = torch.as_tensor(zoo.X)
    report = check.layer(zoo.Net(), x)
    assert report.verdict == "PASS"
    assert list(report.methods) == ["x", "weight", "bias", "last.weight", "last.bias"]
    wrong = next(w[0] for w in zoo.WRONG if w[0].__name__ == "CotangentChanged")
    assert check.layer(wrong, (zoo.X,)).verdict == "CONTRACT"
    swapped = check.layer(zoo.Net(AllDoubled), x)
    assert swapped.verdict == "FAIL"
    assert {f.argument for f in swapped.findings if f.code == "GC201"} == {"x", "weight", "bias"}


class AllDoubled(zoo.Linear):
    @staticmethod
    def backward(ctx, g):
        return tuple(2 * d for d in zoo.Linear.backward(ctx, g))


def test_torchs_own_call():
    x = torch.as_tensor(zoo.X).requires_grad_()
    y = torch.as_tensor(zoo.Y)
    assert check.gradcheck(zoo.Exp.apply, (x,))
    assert check.gradgradcheck(zoo.Exp.apply, (x,), None)
    assert check.gradcheck(lambda a, b: zoo.TwoOutputs.apply(a, b)[0] * 2, (x, y))
    assert check.gradcheck(torch.sin, [x])
    assert check.gradcheck(zoo.SavedIntermediate.apply, x)
    assert not check.gradgradcheck(zoo.SavedIntermediate.apply, (x,), raise_exception=False)
    with pytest.raises(CheckError, match="the second derivative is wrong"):
        check.gradgradcheck(zoo.SavedIntermediate.apply, (x,))
    with pytest.raises(ConfigError) as error:
        check.gradcheck(zoo.Exp.apply, (y,))
    assert str(error.value) == (
        "gradcheck: no input requires grad; make one with torch.tensor(..., requires_grad=True)"
    )


def test_mistakes_have_names():
    def named(name):
        function, inputs, *_ = next(w for w in zoo.WRONG if w[0].__name__ == name)
        return [f.message for f in check.layer(function, inputs).findings if f.code == "GC401"]

    assert named("Diagonal") == ["dx: only the diagonal of the Jacobian is used"]
    assert named("CotangentIgnored") == ["dx: the gradient from above is not used"]
    assert named("Squared")[0].startswith("dx: in place of the gradient from above it uses its sq")
    assert named("NoMask") == ["dx: the derivative of the layer itself is missing"]


FILE = """
    import torch
    from torch.autograd import Function
    import a_kernel_that_nobody_has

    class MyLinear(Function):
        @staticmethod
        def forward(ctx, input, weight, bias=None):
            ctx.save_for_backward(input, weight, bias)
            output = input.mm(weight.t())
            if bias is not None:
                output += bias.unsqueeze(0).expand_as(output)
            return output

        @staticmethod
        def backward(ctx, grad_output):
            input, weight, bias = ctx.saved_tensors
            grad_weight = grad_output.t().mm(input) * 2
            grad_bias = None if bias is None else grad_output.sum(0)
            return grad_output.mm(weight), grad_weight, grad_bias

    class Scale(Function):
        @staticmethod
        def forward(tensor, constant):
            return tensor * constant

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.constant = inputs[1]

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * ctx.constant, None

    scale = Scale.apply

    class Net(torch.nn.Module):
        def __init__(self, in_features, out_features):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(out_features, in_features))

        def forward(self, x):
            return scale(x @ self.weight.t(), 0.7)

    class Dice(torch.nn.Module):
        class F(Function):  # labels are 0 or 1
            @staticmethod
            def forward(ctx, logits, labels):
                ctx.save_for_backward(logits, labels)
                return torch.where(labels == 1, logits**2, logits).sum() + 0 * labels.sum()

            @staticmethod
            def backward(ctx, g):
                logits, labels = ctx.saved_tensors
                return g * (labels * 2 * logits + 1 - labels), None

        def forward(self, logits, labels):
            return self.F.apply(logits, labels)

    class Kernel(Function):
        @staticmethod
        def forward(ctx, x):
            return a_kernel_that_nobody_has.forward(x)

        @staticmethod
        def backward(ctx, g):
            return a_kernel_that_nobody_has.backward(g)

    class OnGpu(Function):
        @staticmethod
        def forward(ctx, x):
            return x.cuda() * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class Todo(Function):
        @staticmethod
        def forward(ctx, x):
            return x**2

        @staticmethod
        def backward(ctx, g):
            raise NotImplementedError
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is not here")
def test_a_file_of_functions(tmp_path):
    path = tmp_path / "functions.py"
    path.write_text(textwrap.dedent(FILE))
    reports = {r.name: r for r in check_file(str(path))}
    assert {name: r.verdict for name, r in reports.items()} == {
        "MyLinear": "FAIL", "Scale": "PASS", "Net": "PASS", "Dice": "PASS", "Dice.F": "PASS", "Kernel": "INCONCLUSIVE",
        "OnGpu": "INCONCLUSIVE", "Todo": "NOT_WRITTEN",
    }  # fmt: skip
    line = next(f for f in reports["MyLinear"].findings if f.code == "GC501")
    assert line.message == (
        "the first wrong line is line 18 of functions.py, `grad_weight = grad_output.t().mm(input)"
        " * 2`: grad_weight is 2 × the true gradient of weight"
    )
    assert reports["OnGpu"].findings[0].message == (
        "it runs on a GPU (CUDA), which is not here: it was not run"
    )
    assert "a_kernel_that_nobody_has, which is not installed here" in str(reports["Kernel"])


def test_what_calls_itself_straight_through_is_meant():
    class ClampSTE(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clamp(-1, 1)

        @staticmethod
        def backward(ctx, g):
            return g

    class Clamp(ClampSTE):
        pass

    class ScaledSTE(ClampSTE):
        @staticmethod
        def backward(ctx, g):
            return 3 * g

    x = torch.linspace(-2, 2.3, 9, dtype=torch.double)
    said = check.layer(ClampSTE, (x,))
    assert (said.verdict, said.findings[-1].message) == (
        "CONVENTION",
        "it is called straight through, and dx is the gradient from above as it is, or 0: not the "
        "derivative, and not meant to be",
    )
    assert check.layer(Clamp, (x,)).verdict == "FAIL"
    assert check.layer(ScaledSTE, (x,)).verdict == "FAIL"
