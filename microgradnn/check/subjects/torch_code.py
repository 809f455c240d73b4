"""PyTorch code as subjects: autograd.Function, modules and functions that use them."""

import copy
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..oracle.derivations import Underived
from ..oracle.draws import rewinding
from ..oracle.torch_forward import derivation, operations, torch_module, with_setup
from ..source import all_parameters
from ..subject import Arguments, Pass, Subject, called, chosen, cotangents_like, quiet
from ..words import is_constant
from .namespaces import namespaces
from .torch_call import TorchCall, plain


def torch_function(cls: Any, inputs: Any, *, wrt: Any = None, name: str = "") -> Subject:
    """An autograd.Function at its inputs, those of apply."""
    torch = torch_module()
    names = all_parameters(cls.forward)[0 if with_setup(cls, torch) else 1 :]
    args = Arguments(arrays_of(inputs), names)
    call = TorchCall(lambda *given: cls.apply(*given), args, wrt=range(len(args.arrays)), cls=cls)
    return _subject(call, args.arrays, (cls,), name or cls.__name__, wrt)


def torch_callable(f: Any, inputs: Any, *, wrt: Any = None, name: str = "") -> Subject:
    """A function of tensors that uses hand-written Functions, or autograd alone."""
    args = Arguments(arrays_of(inputs), all_parameters(f))
    call = TorchCall(f, args, wrt=range(len(args.arrays)))
    return _subject(call, args.arrays, (f,), name or called(f), wrt)


def torch_net(module: Any, inputs: Any, *, wrt: Any = None, name: str = "") -> Subject:
    """A Module at inputs of its forward: gradients of these and of its parameters, by name."""
    torch = torch_module()
    module = copy.deepcopy(module)
    args = Arguments(arrays_of(inputs), all_parameters(module.forward))
    params = {n: p.detach().double().numpy() for n, p in module.named_parameters()}
    buffers = {n: b.clone() for n, b in module.named_buffers()}

    def run(named: Any, *given: Any) -> Any:
        kinds = {n: b.to(_kind(named, torch)) if b.is_floating_point() else b.clone()
                 for n, b in buffers.items()}  # fmt: skip
        return torch.func.functional_call(module, {**named, **kinds}, given)

    call = TorchCall(
        run if params else lambda *given: run({}, *given), args, params, range(len(args.arrays))
    )
    arrays = [*args.arrays, *params.values()]
    things = (type(module), *module.modules())
    subject = _subject(call, arrays, things, name or type(module).__name__, wrt)
    subject.params = tuple(n for n in subject.names if n in params)
    return subject


def _kind(named: Any, torch: Any) -> Any:
    return next((p.dtype for p in named.values()), torch.float64)


def arrays_of(inputs: Any) -> list[Any]:
    """The arguments as a list, tensors as arrays that do not share their memory."""
    torch = torch_module()
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)

    def plainly(tree: Any) -> Any:
        if isinstance(tree, torch.Tensor):
            return np.array(plain(tree))
        if isinstance(tree, dict):
            return {k: plainly(v) for k, v in tree.items()}
        if type(tree) in (list, tuple):
            return type(tree)(plainly(v) for v in tree)
        return tree

    return [plainly(x) for x in given]


def _subject(
    call: TorchCall, arrays: Sequence[Any], things: Sequence[Any], name: str, wrt: Any
) -> Subject:
    names = [*(call.args.leaf_names[i] for i in call.wrt), *call.params]
    if not names:
        raise ConfigError(
            f"{name}: no float array among the inputs; gradients are taken of tensors of float64 "
            "or float32: write x.double()"
        )
    with quiet():
        call.arrays = _runs(call, [np.array(a) for a in arrays])
        absent, broken = _absent(call)
    keep = chosen(wrt, names, name)
    call.keep = [k for k in range(len(names)) if k not in absent] if keep is None else keep
    left = [names[k] for k in absent if wrt is None]
    subject = Subject(
        name, tuple(names[k] for k in call.keep), [call.arrays[k] for k in call.keep],
        lambda new: _started(call, new), namespaces(*things), untraced="it is PyTorch code",
        broken=broken, code=tuple(things), frame=call,
        unfound=tuple(n for n in left if not is_constant(n) and _moves(call, names.index(n))),
        notes=[f"backward gives None for {n}: no gradient of it was checked" for n in left],
    )  # fmt: skip
    call.rewind = rewinding(subject.places)
    if broken is None:
        subject.calls = operations(call.torch, lambda: call.start(call.arrays))
        subject.derivation = _derived(call, things, subject)
    return subject


def _started(call: TorchCall, new: Sequence[Any]) -> Pass:
    run = call.start(call.filled(new))

    def pull(*douts: Any) -> list[Any]:
        grads = run.pull(*douts)
        return [grads[k] for k in call.keep]

    return Pass(run.outs, pull, run.held, run.before)


def _runs(call: TorchCall, arrays: list[Any]) -> list[Any]:
    """The arrays in float64 if it runs so, else in float32; raises what it raises in both.

    Where backward raises in float64 it is tried in float32 as well, before that is told.
    """
    single = all(a.dtype == np.float32 for a in arrays)
    ways = [(d, c) for d in (True, False) for c in (False, True) if not (d and single)]
    first: Exception | None = None
    for backward, (double, cloned) in product((True, False), ways):
        call.double, call.cloned, call.outs = double, cloned, []
        given = [a.astype(np.float64 if double else np.float32) for a in arrays]
        try:
            run = call.start([a.copy() for a in given])
            if backward:
                run.pull(*cotangents_like(run.outs, np.random.default_rng(0)))
        except Exception as error:
            first = first or error
            continue
        if not double or any(o.dtype != np.float32 for o in run.outs):
            return given
    raise first or TypeError("forward gives no float32 and no float64")


def _absent(call: TorchCall) -> tuple[list[int], Exception | None]:
    """Which gradients backward gives none of, though it gives others, and what it raises."""
    run = call.start([a.copy() for a in call.arrays])
    try:
        grads = run.pull(*cotangents_like(run.outs, np.random.default_rng(0)))
    except Exception as error:
        return [], error
    none = [k for k, g in enumerate(grads) if g is None]
    return none if len(none) < len(grads) else [], None


def _moves(call: TorchCall, k: int) -> bool:
    """Whether the outputs are others when one array is another."""
    moved = [a.copy() for a in call.arrays]
    moved[k] = moved[k] * moved[k].dtype.type(1.0625) + moved[k].dtype.type(0.0625)
    with quiet():
        try:
            runs = [call.start([a.copy() for a in given]).outs for given in (call.arrays, moved)]
        except Exception:  # a value that the user's code refuses
            return False
    return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*runs, strict=True))


def _derived(call: TorchCall, things: Sequence[Any], subject: Subject) -> Any:
    """PyTorch's derivation in float64, or in float32 where it runs in that only.

    None where it has none, and then the subject says why.
    """

    def run(new: Sequence[Any], double: bool) -> Any:
        leaves = call.leaves(call.filled(new), double)
        return [leaves[k] for k in call.keep], call.picked(call.run(leaves))

    arrays = [np.asarray(a, float) for a in subject.arrays]
    with quiet():
        outs = subject.start([np.array(a) for a in subject.arrays]).outs
        for single in (False, True):
            how = derivation(run, subject.places, things, single, call.rewind)
            try:
                how.run(arrays, [np.ones(np.shape(o)) for o in outs])
                return how
            except Underived as error:
                subject.untraced = str(error)
    return None
