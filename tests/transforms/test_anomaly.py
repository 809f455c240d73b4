"""detect_anomaly: the first gradient that is not finite, its op, and the line of the user's code."""

import gc
import inspect
import linecache
import os
import re
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import autograd, detect_anomaly
from microgradnn.errors import GradientError
from microgradnn.numerics.changes import changes
from microgradnn.numerics.recording import special

HERE = __file__


def leaf(x: Any, dtype: Any = None) -> mg.Tensor:
    return mg.tensor(x, dtype, requires_grad=True)


def line() -> int:
    """The number of the line that calls this."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno


def text_of(number: int) -> str:
    return linecache.getline(HERE, number).strip()


# ---- the message --------------------------------------------------------------------------------


def test_the_first_gradient_that_is_not_finite_is_named_with_its_line() -> None:
    x = leaf(0.0)
    with detect_anomaly():
        at = line() + 1
        h = mg.sqrt(x)
        y = h * 3
        with pytest.raises(GradientError) as caught:
            y.backward()
    assert str(caught.value) == (
        "detect_anomaly: the gradient of sqrt is not finite (inf); it was called in "
        f"{HERE}:{at}: {text_of(at)}; the slope of sqrt at 0 is infinite; write np.sqrt(x + 1e-12)"
    )
    assert text_of(at) == "h = mg.sqrt(x)"
    assert x.grad is None


def test_of_an_array_the_first_bad_element_is_named() -> None:
    x = leaf([[4.0, 1.0], [9.0, 0.0]])
    with detect_anomaly():
        at = line() + 1
        y = np.sum(np.sqrt(x))
        with pytest.raises(GradientError) as caught:
            y.backward()
    assert str(caught.value) == (
        "detect_anomaly: the gradient of sqrt is not finite (inf at index (1, 1)); it was called "
        f"in {HERE}:{at}: {text_of(at)}; the slope of sqrt at 0 is infinite; write np.sqrt(x + 1e-12)"
    )


def user_function(x: Any) -> Any:
    z = x - 1.0
    return mg.log(z)


USER_LINE = inspect.getsourcelines(user_function)[1] + 2


@pytest.mark.parametrize("make", [leaf, mg.Value], ids=["Tensor", "Value"])
def test_the_line_is_the_innermost_of_the_users_code(make: Any) -> None:
    with detect_anomaly(), pytest.raises(GradientError) as caught, np.errstate(divide="ignore"):
        user_function(make(1.0)).backward()
    assert str(caught.value) == (
        "detect_anomaly: the result of log is not finite (log(0) = -inf); it was called in "
        f"{HERE}:{USER_LINE}: return mg.log(z); log is defined for numbers > 0; "
        "write np.log(np.maximum(x, 1e-12)), or keep x > 0"
    )


# What each path into the library looks like from the user's line. (call, op, x)
PATHS: dict[str, tuple[Callable[[Any], Any], str, Any]] = {
    "operator": (lambda x: 1.0 / x, "div", 0.0),
    "power": (lambda x: x**0.5, "pow", 0.0),
    "method": (lambda x: x.sqrt(), "sqrt", 0.0),
    "function": (lambda x: mg.sqrt(x), "sqrt", 0.0),
    "NumPy's function": (lambda x: np.sqrt(x), "sqrt", 0.0),
    "list of results": (lambda x: [np.sqrt(v) for v in x][0], "sqrt", [0.0, 1.0]),
}


@pytest.mark.parametrize("path", PATHS)
def test_every_way_to_call_an_op_is_found(path: str) -> None:
    f, op, x = PATHS[path]
    at = f.__code__.co_firstlineno
    with detect_anomaly(), np.errstate(all="ignore"), pytest.raises(GradientError) as caught:
        f(leaf(x)).backward()
    what = "result" if op == "div" else "gradient"
    assert str(caught.value).startswith(f"detect_anomaly: the {what} of {op} is not finite (")
    assert f"it was called in {HERE}:{at}: {text_of(at)}" in str(caught.value)


def test_inside_functions_of_several_ops_the_users_line_is_named_not_ours() -> None:
    x = leaf([[1.0, 2.0], [2.0, 4.0]])
    with detect_anomaly(), np.errstate(all="ignore"):
        at = line() + 1
        y = np.average(x * 0.0, weights=x * 0.0)
        with pytest.raises(GradientError) as caught:
            y.backward()
    assert f" it was called in {HERE}:{at}: {text_of(at)}" in str(caught.value)


# A folder whose name only begins like that of the package, or of NumPy, is a user's.
PACKAGE, NUMPY = os.path.dirname(mg.__file__), os.path.dirname(np.__file__)


@pytest.mark.parametrize(
    "name",
    ["/anywhere/model.py", f"{PACKAGE}_models/model.py", f"{NUMPY}ro/model.py", "<stdin>"],
    ids=["elsewhere", "begins like the package", "begins like numpy", "typed in"],
)
def test_a_users_file_is_known_by_its_folder(name: str) -> None:
    source = "import microgradnn as mg\n\ndef f(x):\n    return mg.sqrt(x)\n"
    space: dict[str, Any] = {}
    exec(compile(source, name, "exec"), space)
    with detect_anomaly(), pytest.raises(GradientError, match=re.escape(f" in {name}:4: ")):
        space["f"](leaf(0.0)).backward()


def test_custom_functions_are_watched_by_name() -> None:
    @mg.custom_vjp
    def wild(x: Any) -> Any:
        return x * 1

    wild.defvjp(lambda x: (x, None), lambda _, g: (g * np.nan,))
    x = leaf(1.0)
    with detect_anomaly():
        at = line() + 1
        y = wild(x)
        with pytest.raises(GradientError) as caught:
            y.backward()
    assert str(caught.value) == (
        "detect_anomaly: the gradient of wild is not finite (nan); it was called in "
        f"{HERE}:{at}: {text_of(at)}; its rule made nan of finite numbers; look at the rule, or "
        "report it"
    )


@pytest.mark.parametrize(
    ("f", "x", "bad"),
    [
        (lambda x: mg.sqrt(x) * 0, 0.0, "nan"),  # 0·inf
        (lambda x: 1 / x, 0.0, "div(1, 0) = inf"),
        (lambda x: x * 1e300 * 1e300, 1.0, "mul(1e+300, 1e+300) = inf"),
        (lambda x: mg.arcsin(x), 1.0, "inf"),
    ],
)
@pytest.mark.parametrize("make", [leaf, mg.Value], ids=["Tensor", "Value"])
def test_what_it_became_is_said(make: Any, f: Any, x: float, bad: str) -> None:
    with detect_anomaly(), np.errstate(all="ignore"):
        with pytest.raises(GradientError, match=re.escape(f" is not finite ({bad}); ")):
            f(make(x)).backward()


# ---- where it looks -----------------------------------------------------------------------------


def test_the_context_holds_for_the_forward_pass_backward_may_come_later() -> None:
    x = leaf(0.0)
    with detect_anomaly():
        watched = mg.sqrt(x)
    with pytest.raises(GradientError, match="^detect_anomaly: the gradient of sqrt"):
        watched.backward()


def test_results_made_before_or_after_are_not_watched() -> None:
    x = leaf(0.0)
    before = mg.sqrt(x)
    with detect_anomaly():
        before.backward()
    after = mg.sqrt(x)
    after.backward()
    assert x.grad == np.inf


def test_only_what_becomes_bad_is_blamed_not_what_was_given_something_bad() -> None:
    x = leaf(4.0)
    with detect_anomaly():
        y = mg.sqrt(x) * 3
        y.backward(np.nan)  # the user's own nan: no op made it
    assert np.isnan(x.grad)


def test_a_bad_value_that_nobody_uses_is_not_an_anomaly() -> None:
    x = leaf([1.0, -1.0])
    with detect_anomaly(), np.errstate(all="ignore"):
        np.sum(np.where(x.data > 0, x, np.nan)[:1]).backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_a_bad_result_is_one_although_its_gradients_are_fine() -> None:
    x = leaf([1.0, -1.0])
    with detect_anomaly(), np.errstate(all="ignore"):
        at = line() + 1
        y = np.sum(np.log(x))  # log(-1) is nan, its slope 1/x is -1
        with pytest.raises(GradientError) as caught:
            y.backward()
    assert str(caught.value).startswith(
        "detect_anomaly: the result of log is not finite (log(-1) = nan at index (1,)); it was "
        f"called in {HERE}:{at}: "
    )


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=4), st.booleans())
def test_gradients_are_the_same_bits_as_without(xs: list[float], create_graph: bool) -> None:
    def gradient() -> Any:
        x = leaf(xs)
        h = np.tanh(x) * x + mg.softmax(x)
        y = np.sum(np.concatenate([h, x[:1]]) ** 2) + np.linalg.norm(x) + np.prod(x)
        y.backward(create_graph=create_graph)
        return mg.engine.node.plain(x.grad)

    plain = gradient()
    with detect_anomaly():
        watched = gradient()
    np.testing.assert_array_equal(watched, plain)


def test_other_numbers_are_let_through() -> None:
    x = mg.Value(Fraction(1, 3))
    with detect_anomaly():
        (x**3 / (1 + x)).backward()
    assert x.grad == Fraction(11, 48)


def test_all_of_autograd_and_the_transforms_raise() -> None:
    with detect_anomaly():
        x = leaf(0.0)
        for call in (
            lambda: autograd.grad(mg.sqrt(x), x),
            lambda: autograd.backward(mg.sqrt(x)),
            lambda: mg.sqrt(x).backward(create_graph=True),
            lambda: mg.grad(mg.sqrt)(0.0),
            lambda: mg.vjp(mg.sqrt, 0.0)[1](1.0),
            lambda: mg.jacrev(mg.sqrt)(np.zeros(2)),
        ):
            with pytest.raises(GradientError, match="^detect_anomaly: the gradient of sqrt is not"):
                call()
    assert mg.grad(mg.sqrt)(0.0) == np.inf


def test_a_second_derivative_that_is_not_finite_is_found_where_the_first_is() -> None:
    f = lambda x: x**1.5  # noqa: E731
    with detect_anomaly():
        assert mg.grad(f)(0.0) == 0.0
        with pytest.raises(
            GradientError, match="^detect_anomaly: the gradient of pow is not finite"
        ):
            mg.grad(mg.grad(f))(0.0)


# Gradients that become infinite between two rules: by adding, by summing what was broadcast, by a
# cast. Each is a place "where a gradient becomes nan or inf"; and PyTorch, which looks for nan only,
# raises in the last: inf·0 is nan, whoever made the inf.
BETWEEN: dict[str, Callable[[], Any]] = {
    "two paths add up": lambda: _then_one(_twice),
    "two paths add up on a leaf": lambda: _of_leaf(0.0, _twice),
    "a broadcast is summed": lambda: _then_one(lambda h: np.sum(h * np.array([1e308, 1e308]))),
    "a cast to float32": lambda: _of_leaf([0.0], lambda x: np.sum(x * np.array([1e300])), np.float32),
    "two paths add up and the next op makes nan of it": lambda: _of_leaf(1.0, lambda x: _twice(x * 0.0)),
}  # fmt: skip


def _of_leaf(x: Any, f: Any, dtype: Any = None) -> None:
    f(leaf(x, dtype)).backward()


def _twice(h: Any) -> Any:
    return h * 1e308 + h * 1e308


def _then_one(f: Any) -> None:
    f(leaf(0.0) * 1.0).backward()


@pytest.mark.parametrize("case", BETWEEN)
def test_gradients_that_become_infinite_between_two_rules_are_found(case: str) -> None:
    with detect_anomaly(), np.errstate(all="ignore"):
        with pytest.raises(GradientError, match="^detect_anomaly: "):
            BETWEEN[case]()


# ---- the context --------------------------------------------------------------------------------


def watching() -> bool:
    try:
        mg.sqrt(leaf(0.0)).backward()
    except GradientError:
        return True
    return False


def test_it_is_off_again_after_the_context_also_after_an_error() -> None:
    assert not watching()
    with detect_anomaly():
        assert watching()
    assert not watching()
    with pytest.raises(ZeroDivisionError), detect_anomaly():
        raise ZeroDivisionError
    assert not watching()


def test_it_nests_and_is_on_until_the_outermost_ends() -> None:
    with detect_anomaly():
        with detect_anomaly():
            assert watching()
        assert watching()
    assert not watching()


def test_it_decorates() -> None:
    decorated = detect_anomaly()(watching)
    assert decorated()
    assert decorated()
    assert not watching()


def test_it_is_the_same_under_both_names() -> None:
    assert autograd.detect_anomaly is detect_anomaly


def test_a_graph_is_recorded_once_and_has_the_ops_names_and_parents() -> None:
    x = leaf([1.0, 2.0])
    with detect_anomaly():
        y = x * x
        z = mg.softmax(y)
    assert (y.op.name, y.parents, z.op.name) == ("mul", (x, x), "softmax")
    assert y.op is not mg.engine.ops.mul  # a copy: the table itself stays as it is
    assert (x * x).op is mg.engine.ops.mul


def test_no_grad_inside_records_nothing() -> None:
    with detect_anomaly():
        with mg.no_grad():
            assert not mg.sqrt(leaf(0.0)).requires_grad
        assert watching()


def test_no_grad_outside_still_records_nothing() -> None:
    # A switch for debugging must not turn recording on where it was turned off.
    with mg.no_grad(), detect_anomaly():
        assert not mg.sqrt(leaf(4.0)).requires_grad


def test_it_is_a_threads_own() -> None:
    results: dict[str, bool] = {}
    inside, outside = threading.Event(), threading.Event()

    def other() -> None:
        results["before"] = watching()
        with detect_anomaly():
            results["in"] = watching()
            inside.set()
            outside.wait(10)
            results["still in"] = watching()
        results["after"] = watching()

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    results["here"] = watching()
    with detect_anomaly():
        results["here too"] = watching()
        outside.set()
        thread.join(10)
    assert results == {
        "before": False, "in": True, "here": False, "here too": True, "still in": True,
        "after": False,
    }  # fmt: skip


def test_a_graph_watched_in_one_thread_raises_in_another() -> None:
    with detect_anomaly():
        at = line() + 1
        y = mg.sqrt(leaf(0.0))
    errors: list[str] = []

    def walk() -> None:
        try:
            y.backward()
        except GradientError as error:
            errors.append(str(error))

    thread = threading.Thread(target=walk)
    thread.start()
    thread.join(10)
    assert len(errors) == 1 and f"{HERE}:{at}: " in errors[0]


# ---- what is left behind ------------------------------------------------------------------------


def watched() -> int:
    gc.collect()  # the tracebacks of earlier tests hold graphs
    return len(changes.watchers)


def test_nothing_is_left_behind_when_the_watched_graph_is_gone() -> None:
    x = mg.Value(2.0)
    with detect_anomaly():
        y = x * x + 1
    assert watched() == 2
    y.backward()
    del y
    assert watched() == 0 and not special


def test_a_watched_graph_that_lives_on_is_no_burden_to_others() -> None:
    with detect_anomaly():
        kept = mg.Value(2.0).tanh()
    calls = []
    x = mg.Value(2.0)
    y = (x * x).tanh()
    original = mg.engine.walk.pull
    mg.engine.walk.pull = lambda *a: calls.append(a) or original(*a)
    try:
        y.backward()  # by the fast path of numbers, which does not ask
        assert not calls
        kept.backward()
        assert len(calls) == 1
    finally:
        mg.engine.walk.pull = original


def test_a_removed_hook_and_one_whose_node_is_gone_leave_nothing_behind() -> None:
    x = leaf(1.0)
    remove, also = x.register_hook(lambda g: None), x.register_hook(lambda g: None)
    remove()
    assert watched() == 1
    also()
    remove()  # twice does nothing
    del remove, also
    assert watched() == 0
    x.register_hook(lambda g: g * 2)
    assert watched() == 1
    del x
    assert watched() == 0
