"""check.engine: engines as people write them, right and with one mistake each."""

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import check
from microgradnn.check.engines.judged import is_engine
from microgradnn.errors import ConfigError

ENGINE = """
import math


class Value:
    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(children)

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, n):
        out = Value(self.data**n, (self,))

        def _backward():
            self.grad += n * self.data ** (n - 1) * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))

        def _backward():
            self.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out

    def backward(self):
        topo, visited = [], set()

        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)

        build(self)
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()

    def __neg__(self): return self * -1
    def __radd__(self, other): return self + other
    def __sub__(self, other): return self + (-other)
    def __rsub__(self, other): return (-self) + other
    def __rmul__(self, other): return self * other
    def __truediv__(self, other): return self * other**-1
    def __rtruediv__(self, other): return self**-1 * other
"""


def made(*changes):
    """The engine with texts of its source replaced."""
    text = ENGINE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    space = {}
    exec(text, space)
    return space["Value"]


def test_a_right_engine_passes_with_two_remarks():
    found = check.engine(made())
    assert found.verdict == "PASS"
    assert [f.message for f in found.findings] == [
        "a second backward() of one graph gives 8, where the first gave 3: numbers in between keep "
        "their old gradient",
        "RecursionError in a chain of 3000 operations: backward calls itself",
    ]


def test_ours_passes():
    found = check.engine(mg.Value)
    assert found.verdict == "PASS"
    assert found.findings == ()
    assert "a.softplus()" in found.notes[0]


BUILD = "                for child in v._prev:\n                    build(child)\n"
OUTGRAD = "            other.grad += out.grad\n"
# (texts to replace, the key of the mistake, a part of what is said)
MISTAKES = {
    "all overwritten": ([(".grad +=", ".grad =")], "overwritten", "not accumulated"),
    "one overwritten": (
        [("other.grad += out.grad", "other.grad = out.grad")],
        "overwritten",
        "not accumulated",
    ),
    "no seed": ([("        self.grad = 1.0\n", "")], "unseeded", "never set to 1"),
    "no seed, zero": ([("self.grad = 1.0", "self.grad = 0.0")], "unseeded", "never set to 1"),
    "not reversed": ([("reversed(topo)", "topo")], "one_step", "stop at its operands"),
    "only the last": (
        [("        for v in reversed(topo):\n            v._backward()", "        self._backward()")],
        "one_step",
        "stop at its operands",
    ),
    "before its operands": (
        [(BUILD + "                topo.append(v)", "                topo.append(v)\n" + BUILD),
         ("reversed(topo)", "topo")],
        "order",
        "visited before",
    ),
    "not marked": ([("                visited.add(v)\n", "")], "paths", "several times"),
    "chain rule": (
        [("other.data * out.grad", "other.data"), ("self.data * out.grad", "self.data")],
        "upstream",
        "not multiplied in, in mul",
    ),
    "one side": ([(OUTGRAD, "")], "slope", "the derivative of a + b by b: it is 0"),
    "own operand": (
        [("other.data * out.grad", "self.data * out.grad")],
        "slope",
        "the derivative of a * b by a: the operand itself stands where the other one belongs",
    ),
    "exponent": ([("(n - 1)", "n")], "slope", "the exponent is not reduced"),
    "no n": ([("n * self.data **", "self.data **")], "slope", "the factor n is missing"),
    "tanh of x": (
        [("(1 - t**2)", "(1 - self.data**2)")],
        "slope",
        "a.tanh() by a: its formula holds for the output and is given the input",
    ),
    "tanh's sign": ([("(1 - t**2)", "(t**2 - 1)")], "slope", "the sign is flipped"),
    "tanh's one": ([("(1 - t**2) * out", "out")], "slope", "own derivative is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_its_name(name):
    changes, key, part = MISTAKES[name]
    found = check.engine(made(*changes))
    named = [f for f in found.findings if f.code == "GC401"]
    assert found.verdict == "FAIL"
    assert [f.data["mistake"] for f in named] == [key]
    assert part in named[0].message
    assert any(f.code == "GC201" for f in found.findings)


def test_the_smallest_program_is_shown():
    found = check.engine(made((".grad +=", ".grad =")))
    assert found.findings[0].message == "a = Value(3); t1 = a + a: a.grad is 1, true is 2"


def test_operators_that_work_on_one_side_only():
    found = check.engine(made(("    def __rsub__(self, other): return (-self) + other\n", "")))
    assert [(f.code, f.verdict, f.message) for f in found.findings if f.verdict != "PASS"] == [
        ("GC006", "CONTRACT", "`__rsub__` is missing: 3 - a raises TypeError")
    ]


def test_plain_numbers_are_not_taken():
    """An engine may take none at all, if all of its own operators do without."""
    wrap = "        other = other if isinstance(other, Value) else Value(other)\n"
    alone = ("def __neg__(self): return self * -1", "def __neg__(self): return self * Value(-1)")
    power = ("return self * other**-1", "return self * other**-1")
    found = check.engine(made((wrap, ""), alone, power))
    assert found.verdict == "PASS"
    said = "plain numbers are not taken: a + 3 raises AttributeError"
    assert ("GC006", said) in {(f.code, f.message) for f in found.findings}
    half = "        other = other if isinstance(other, Value) else Value(other)\n        out = Value(self.data * "
    found = check.engine(made((half, "        out = Value(self.data * ")))
    assert ("GC006", "CONTRACT") in {(f.code, f.verdict) for f in found.findings}


def test_gradients_of_numpy_and_operators_of_a_base_class():
    """As public engines have them: np.float64 has a `.data` of its own."""
    space = {}
    exec(ENGINE.replace("self.grad = 0.0", "self.grad = np.float64(0)").replace(
        "import math", "import math\nimport numpy as np").replace(
        "def backward(self)", "def backward(self, order=None)"), space)  # fmt: skip
    child = type("Number", (space["Value"],), {})
    assert check.engine(space["Value"]).verdict == "PASS"
    assert is_engine(child)
    assert not is_engine(float)
    assert not is_engine(np.float64)


def test_one_method_that_overwrites_in_an_engine_whose_operands_are_a_set():
    tanh = "            self.grad += (1 - t**2) * out.grad"
    found = check.engine(made((tanh, tanh.replace("+=", "="))))
    (named,) = [f.message for f in found.findings if f.code == "GC401"]
    assert named == "`grad` is overwritten, not accumulated, in tanh"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("self.data + other.data, (self", "self.dat + other.data, (self"),
         "a + b raises AttributeError: 'Value' object has no attribute 'dat'"),
        (("t = math.tanh", "t = maths.tanh"),
         "a.tanh() raises NameError: name 'maths' is not defined"),
        (("        out = Value(t, (self,))", "        return t\n        out = Value(t, (self,))"),
         "a.tanh() gives a float, not an object with .data"),
        (("Value(self.data**n, (self,))", "Value(self.data**n, self)"),
         "a ** 3 raises TypeError: 'Value' object is not iterable"),
        (("return self * -1", "return self * minus_one"),
         "-a raises NameError: name 'minus_one' is not defined"),
    ],
)  # fmt: skip
def test_what_is_there_and_does_not_work_is_told(change, said):
    """It may not be left out in silence because the rest is right."""
    found = check.engine(made(change))
    assert not found
    assert ("GC001", "CONTRACT", said) in {(f.code, f.verdict, f.message) for f in found.findings}


def test_a_value_that_is_not_finite_is_wrong():
    found = check.engine(made(("t = math.tanh(self.data)", "t = math.nan")))
    assert [f.code for f in found.findings] == ["GC211"]


def test_a_wrong_value():
    found = check.engine(made(("math.tanh(self.data)", "math.sinh(self.data)")))
    assert [f.code for f in found.findings] == ["GC211"]
    assert found.findings[0].message == (
        "a = Value(-1.25); t1 = a.tanh(): the result is -1.60192, true is -0.848284"
    )


def test_what_is_empty_is_not_written():
    stub = "        topo, visited = [], set()\n"
    found = check.engine(made((stub, "        raise NotImplementedError\n" + stub)))
    assert (found.verdict, len(found.findings)) == ("NOT_WRITTEN", 1)
    empty = type("Value", (), {"__init__": lambda s, x: None, "backward": lambda s: None})
    with pytest.raises(ConfigError, match="holds its number in none of data, value, val"):
        check.engine(empty)


def test_what_is_no_engine_is_refused():
    for thing, text in (
        (3, "engine: got int, need a class such as Value"),
        (dict, r"engine: dict\(2.5\) raises TypeError"),
        (float, "engine: float has no backward\\(\\)|holds its number in none"),
    ):
        with pytest.raises(ConfigError, match=text):
            check.engine(thing)


def test_a_file_with_an_engine(tmp_path, capsys):
    from microgradnn.check.files.cli import main

    (tmp_path / "engine.py").write_text(ENGINE.replace("(n - 1)", "n"))
    assert main([str(tmp_path / "engine.py")]) == 3
    said = capsys.readouterr().out
    assert "the exponent is not reduced" in said
    (tmp_path / "engine.py").write_text(ENGINE)
    assert main([f"{tmp_path / 'engine.py'}::Value"]) == 0


def test_an_engine_that_works_in_float32_is_right():
    single = (
        ("import math", "import math\nimport numpy as np"),
        ("= data", "= np.float32(data)"),
        ("self.grad = 0.0", "self.grad = np.float32(0)"),
        ("math.tanh", "np.tanh"),
    )
    assert check.engine(made(*single)).verdict == "PASS"
    wrong = check.engine(made(*single, ("n * self.data ** (n - 1)", "n * self.data ** n")))
    assert wrong.verdict == "FAIL"
