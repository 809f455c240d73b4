"""Module hooks: when they are called, with what, and what they may replace, as in PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import ConfigError
from tests.messages import table

torch = pytest.importorskip("torch", reason="compares with torch.nn.Module's hooks")

X = np.random.default_rng(0).normal(size=(3, 2))
W = np.random.default_rng(1).normal(size=(2, 4))


def flat(x: Any) -> Any:
    if isinstance(x, (tuple, list)):
        return [flat(v) for v in x]
    if isinstance(x, dict):
        return {k: flat(v) for k, v in x.items()}
    if x is None or isinstance(x, (str, float, int)):
        return x
    return np.asarray(
        x.detach().numpy()
        if isinstance(x, torch.Tensor)
        else getattr(x, "data", x)
        if isinstance(x, mg.Tensor)
        else x
    ).tolist()


class Recorder:
    """A net of ours or of PyTorch's, with a shortcut, two inputs, and two outputs."""

    def __init__(self, kind: Any, base: type, make: Callable[[Any], Any]) -> None:
        self.seen: list[Any] = []
        self.w = make(W)

        class Pair(base):  # type: ignore[misc]
            def forward(self, a: Any, b: Any, scale: Any = 1.0) -> Any:
                return (a * b * scale).sum(), a - b

        self.pair, self.relu = Pair(), kind.ReLU()

    def note(self, name: str, result: Any = None) -> Callable[..., Any]:
        def hook(module: Any, *given: Any) -> Any:
            assert module in (self.pair, self.relu)
            self.seen.append((name, flat(given)))
            return result(*given) if callable(result) else result

        return hook

    def run(self, x: Any) -> Any:
        h = self.relu(x @ self.w)
        total, apart = self.pair(h, x @ self.w, scale=0.5)
        loss = total + (apart * apart).sum()
        if loss.requires_grad:
            loss.backward()
        return loss


def both(install: Callable[[Recorder], Any], tracked: bool = True) -> None:
    runs = []
    for kind, base, make in (
        (nn, nn.Module, lambda a: mg.tensor(a, requires_grad=tracked)),
        (torch.nn, torch.nn.Module, lambda a: torch.tensor(a, requires_grad=tracked)),
    ):
        net = Recorder(kind, base, make)
        handles = install(net)
        x = make(X)
        loss = net.run(x)
        calls = len(net.seen)
        for handle in handles:
            handle.remove()
        net.run(make(X))
        assert len(net.seen) == calls  # removed
        grads = [
            g.numpy() if isinstance(g, torch.Tensor) else g
            for g in (x.grad, net.w.grad)
            if g is not None
        ]
        runs.append((net.seen, loss.item(), grads))
    (ours, a, g), (theirs, b, d) = runs
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    for (_, p), (_, q) in zip(ours, theirs, strict=True):
        compare(p, q)
    assert a == pytest.approx(b, rel=1e-12)
    for p, q in zip(g, d, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-12, atol=1e-14)


def compare(p: Any, q: Any) -> None:
    if isinstance(p, list) and p and all(isinstance(v, (int, float)) for v in p):
        np.testing.assert_allclose(p, q, rtol=1e-12, atol=1e-14)
    elif isinstance(p, list):
        assert len(p) == len(q)
        for a, b in zip(p, q, strict=True):
            compare(a, b)
    elif isinstance(p, float):
        assert p == pytest.approx(q, rel=1e-12)
    else:
        assert p == q


SETUPS: dict[str, Callable[[Recorder], Any]] = {
    "order and prepend": lambda n: [
        n.relu.register_forward_hook(n.note("a")), n.relu.register_forward_pre_hook(n.note("b")),
        n.relu.register_forward_hook(n.note("c"), prepend=True),
        n.relu.register_forward_pre_hook(n.note("d"), prepend=True),
    ],
    "replace the input": lambda n: [n.relu.register_forward_pre_hook(n.note("a", lambda args: args[0] * 2))],
    "replace both": lambda n: [n.pair.register_forward_pre_hook(n.note("a", lambda args: (args[1], args[0] + 1)))],
    "keywords": lambda n: [n.pair.register_forward_pre_hook(n.note("a", lambda args, kw: (args, {"scale": 3.0})), with_kwargs=True), n.pair.register_forward_hook(n.note("b"), with_kwargs=True)],
    "replace the output": lambda n: [n.relu.register_forward_hook(n.note("a", lambda args, y: y * 3)), n.relu.register_forward_hook(n.note("b"))],
    "backward": lambda n: [n.relu.register_full_backward_hook(n.note("a"))],
    "backward of two": lambda n: [n.pair.register_full_backward_hook(n.note("a"))],
    "replace grad_input": lambda n: [n.relu.register_full_backward_hook(n.note("a", lambda gi, go: (gi[0] * 10,)))],
    "replace both grad_inputs": lambda n: [n.pair.register_full_backward_hook(n.note("a", lambda gi, go: (gi[1], gi[0] * 2))), n.pair.register_full_backward_hook(n.note("b"))],
    "before backward": lambda n: [n.relu.register_full_backward_pre_hook(n.note("a", lambda go: (go[0] * 5,))), n.relu.register_full_backward_hook(n.note("b"))],
    "before backward of two": lambda n: [n.pair.register_full_backward_pre_hook(n.note("a", lambda go: (go[0] * 2, go[1] * 3))), n.pair.register_full_backward_pre_hook(n.note("b"), prepend=True)],
}  # fmt: skip


@pytest.mark.parametrize("name", SETUPS)
def test_hooks_are_called_as_pytorchs(name: str) -> None:
    both(SETUPS[name])


def test_without_gradients_backward_hooks_are_quiet() -> None:
    both(SETUPS["backward"], tracked=False)


def test_a_first_layer_whose_input_needs_no_gradient() -> None:
    seen: list[Any] = []
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    layer(X.astype(np.float32)).sum().backward()
    ((inputs, outputs),) = seen
    assert inputs == (None,) and outputs[0].shape == (3, 1) and layer.weight.grad is not None


def test_always_call_sees_what_failed() -> None:
    seen: list[Any] = []

    class Fails(nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    module = Fails()
    module.register_forward_hook(lambda m, args, y: seen.append(("never", y)))
    module.register_forward_hook(lambda m, args, y: seen.append(("always", y)), always_call=True)
    with pytest.raises(ValueError, match="no"):
        module(1)
    assert seen == [("always", None)]


def test_hooks_in_a_model_and_with_create_graph() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    shapes: list[Any] = []
    handles = [m.register_forward_hook(lambda m, args, y: shapes.append(y.shape)) for m in model]
    model(X)
    assert shapes == [(3, 3), (3, 3), (3, 1)]
    for handle in handles:
        with handle:
            pass
    model(X)
    assert len(shapes) == 3
    model[1].register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
    x = mg.tensor(X, requires_grad=True)
    model(x).sum().backward(create_graph=True)
    assert isinstance(x.grad, mg.Tensor)
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_a_tensors_hook_has_a_handle() -> None:
    x = mg.tensor([1.0], requires_grad=True)
    first, second, third = (x.register_hook(lambda g: g * 10) for _ in range(3))
    first.remove()
    second()
    with third:
        (x * 1).backward()
        assert x.grad == 10
    (x * 1).backward()
    assert x.grad == 11


def hooked(register: str, result: Any, **options: Any) -> Any:
    module = nn.Tanh()
    getattr(module, register)(lambda *given: result, **options)
    return module(mg.tensor([1.0], requires_grad=True)).sum().backward()


test_messages = table(
    (lambda: nn.ReLU().register_forward_hook(3), ConfigError, "register hook: got int, need a function"),
    (lambda: hooked("register_forward_pre_hook", 3, with_kwargs=True), ConfigError, "register_forward_pre_hook: a hook with with_kwargs=True returned int, need None or (args, kwargs)"),
    (lambda: hooked("register_full_backward_hook", (1, 2)), ConfigError, "register_full_backward_hook: a hook returned 2 gradients, need 1, one for each input"),
)  # fmt: skip
