"""check.engine on engines of arrays: right ones pass, and each mistake has its name."""

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import check
from microgradnn.check.engines.notations import FORMS, drawn_for
from microgradnn.check.engines.programs import Program, Step, evaluated, frozen
from microgradnn.check.engines.pulled import ours
from microgradnn.errors import ConfigError
from tests.check.array_engine import TENSOR

OPTIONAL = ("mean", "max", "relu", "exp", "tanh", "softmax", "reshape", "transpose", "T",
            "__getitem__")  # fmt: skip


def small(*changes):
    """The engine with texts replaced, and without the methods that they are not about."""
    cls, keep = made(*changes), "".join(old for old, _ in changes)
    methods = {"1 - y**2": "tanh", "np.tanh": "tanh", "g.transpose": "transpose",
               "def exp": "exp", "(self.data > 0)": "relu", "g * y": "exp", "/ n": "mean",
               "np.add.at": "__getitem__", "p * (g": "softmax", "expand_dims": "mean"}  # fmt: skip
    wanted = {name for sign, name in methods.items() if sign in keep}
    for name in set(OPTIONAL) - wanted:
        delattr(cls, name)
    return cls


def made(*changes):
    """The engine with texts of its source replaced."""
    text = TENSOR
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    space = {}
    exec(text, space)
    return space["Tensor"]


def test_a_right_engine_passes():
    found = check.engine(made())
    assert found.verdict == "PASS"
    assert [f.message for f in found.findings] == [
        "forward takes shapes that backward does not (a @ b): (2, 3) and (3,) in a @ b raises "
        "AxisError",
        "a second backward() of one graph gives [[11, 11], [11, 11]], where the first gave "
        "[[3, 3], [3, 3]]: numbers in between keep their old gradient",
        "RecursionError in a chain of 3000 operations: backward calls itself",
    ]
    assert "a.transpose(1, 2, 0), a[0]" in found.notes[0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_ours_passes(dtype):
    found = check.engine(lambda x: mg.tensor(x, dtype=dtype, requires_grad=True))
    assert (found.verdict, found.findings) == ("PASS", ())
    assert "a.log_softmax(axis=0)" in found.notes[0]


OWN = "out = np.zeros_like(self.data)\n            np.add.at(out, i, g)"
SEED = "        self.grad = np.ones_like(self.data)\n"
# (texts to replace, what is said)
MISTAKES = {
    "overwritten": ([("x.grad +=", "x.grad =")], "`grad` is overwritten, not accumulated"),
    "not seeded": ([(SEED, "")], "the gradient of the output is never set to 1"),
    "order": ([("reversed(topo)", "topo")], "only the last operation is differentiated"),
    "paths": ([("                visited.add(v)\n", "")], "paths are counted several times"),
    "one array": (
        [("np.zeros_like(self.data)\n        self.parents", "None\n        self.parents"),
         ("x.grad += unbroadcast(pull(out.grad), x.data.shape)",
          "g = unbroadcast(pull(out.grad), x.data.shape)\n"
          "                if x.grad is None:\n                    x.grad = g\n"
          "                else:\n                    x.grad += g")],
        "two gradients are one array",
    ),
    "no unbroadcast": (
        [("x.grad += unbroadcast(pull(out.grad), x.data.shape)", "x.grad = x.grad + pull(out.grad)")],
        "it is not summed over the axes that were broadcast",
    ),
    "own operand": (
        [("(self, lambda g: g * other.data)", "(self, lambda g: g * self.data)")],
        "the derivative of a * b by a: the operand itself stands where the other one belongs",
    ),
    "matmul": (
        [("self.data.swapaxes(-1, -2) @ g", "2 * self.data.swapaxes(-1, -2) @ g")],
        "in a @ b: db: it is 2 times the true gradient everywhere",
    ),
    "axis": (
        [("np.expand_dims(g, axis) if axis is not None and not keepdims else g", "np.sum(g)")],
        "in place of the gradient from above it uses its sum in all places",
    ),
    "mean": (
        [("self.spread(g, axis, keepdims) / n", "self.spread(g, axis, keepdims)")],
        "in a.mean(): da is right up to the constant factor N",
    ),
    "indices": (
        [("np.add.at(out, i, g)", "out[i] += g")],
        "in a[[0, 0, 1]]: da: of an entry that is used several times only the last use counts",
    ),
    "mask": ([("(self.data > 0)", "(g > 0)")], "the mask is taken of the gradient from above"),
    "tanh": ([("1 - y**2", "1 - self.data**2")], "the input is used where the output belongs"),
    "softmax": (
        [("p * (g - (g * p).sum(axis=axis, keepdims=True))", "p * (1 - p) * g")],
        "only the diagonal of the Jacobian is used",
    ),
    "cotangent": (
        [("(self, lambda g: g * y))\n\n    def tanh", "(self, lambda g: y))\n\n    def tanh")],
        "the gradient of the result is not multiplied in, in np.exp(a)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_its_name(name):
    changes, said = MISTAKES[name]
    found = check.engine(small(*changes))
    assert found.verdict == "FAIL"
    assert any(said in f.message for f in found.findings if f.code == "GC401"), str(found)
    assert {"GC201", "GC041"} & {f.code for f in found.findings}


def test_the_smallest_program_is_shown():
    found = check.engine(made(("x.grad +=", "x.grad =")))
    assert found.findings[0].message == (
        "a = Tensor([[1, 2], [3, 4]]); t1 = a + a: a.grad is [[1, 1], [1, 1]], true is "
        "[[2, 2], [2, 2]]"
    )


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("np.tanh(self.data)", "np.sinh(self.data)"), "GC211", "t1 = a.tanh()"),
        (("np.tanh(self.data)", "np.tanj(self.data)"), "GC001", "a.tanh() raises AttributeError"),
        (("g.transpose(back)", "g.transpose(axes)"), "GC001", "a.transpose(1, 2, 0) raises"),
        (("    def exp(self):\n", "    def exp(self):\n        return None\n"), "GC003",
         "a.exp() is still empty"),
        (("grad = grad.sum(axis=0)", "break"), "GC001", "backward raises after broadcasting"),
    ],
)  # fmt: skip
def test_values_exceptions_and_what_is_empty(change, code, said):
    found = check.engine(small(change))
    assert not found
    assert any(f.code == code and said in f.message for f in found.findings)


def test_backward_that_changes_a_result():
    found = check.engine(made(("y = np.exp(self.data)\n        return self.result(y, (self, lambda g: g * y))",
                               "out = self.result(np.exp(self.data), (self, lambda g: out.data * g))\n"
                               "        old = out.back\n"
                               "        out.back = lambda: (old(), out.data.fill(0))\n"
                               "        return out")))  # fmt: skip
    assert [f.code for f in found.findings if f.verdict != "PASS"] == ["GC021"]
    assert found.findings[0].message.endswith("t3 = t2.sum(): backward changes the data of t1")


def test_a_gradient_that_is_a_tensor_and_backward_that_wants_one():
    cls = made(
        ("        self.grad = np.zeros_like(self.data)\n        self.parents",
         "        self.grad = None\n        self.parents"),
        ("x.grad += unbroadcast(pull(out.grad), x.data.shape)",
         "g = unbroadcast(pull(out.grad.data), x.data.shape)\n"
         "                x.grad = Tensor(g if x.grad is None else x.grad.data + g)"),
        ("def backward(self):", "def backward(self, grad):"),
        ("self.grad = np.ones_like(self.data)", "self.grad = Tensor(grad)"),
    )  # fmt: skip
    assert check.engine(cls).verdict == "PASS"


def test_an_engine_without_sums():
    """Its backward is called on arrays, and what it lacks is no mistake."""
    lacks = (("def sum(", "def _sum("), ("def mean(", "def _mean("))
    cls = made(*lacks)
    for name in set(OPTIONAL) - {"mean", "tanh"}:
        delattr(cls, name)
    found = check.engine(cls)
    assert found.verdict == "PASS"
    assert "sum" not in found.notes[0]
    wrong = made(*lacks, ("1 - y**2", "1 + y**2"))
    assert check.engine(wrong).verdict == "FAIL"


def test_what_is_no_engine_of_arrays_is_refused():
    lacks = type("Tensor", (), {"__init__": lambda s, x: setattr(s, "data", x), "sum": None})
    with pytest.raises(ConfigError, match=r"Tensor has no backward\(\)"):
        check.engine(lacks)


def test_a_file_with_a_tensor(tmp_path, capsys):
    from microgradnn.check.files.cli import main

    (tmp_path / "engine.py").write_text(TENSOR.replace("(self.data > 0)", "(self.data < 0)"))
    assert main([f"{tmp_path / 'engine.py'}::Tensor"]) == 3
    assert "a.relu()" in capsys.readouterr().out


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.spellings[0])
def test_what_numpy_calls_a_form_is_differentiated_by_our_engine(form):
    """Each meaning of each form runs at the form's shapes, values are NumPy's, and it has a vjp."""
    rng = np.random.default_rng(0)
    xs = drawn_for(form, form.shapes[0], rng)
    for op in form.ours:
        step = Step(op, tuple(range(len(xs))), op)
        result = ours(Program(tuple(map(frozen, xs)), (step,)))[-1]
        np.testing.assert_allclose(result.data, evaluated(op, xs), rtol=1e-12)
        for pull, x in zip(result.pulls, xs, strict=True):
            assert np.shape(pull(result.ones())) == x.shape
