"""microgradnn's own derivatives, and custom rules in it, as subjects: grads, gradcheck."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import ConfigError
from ..notices import notice
from ..transforms.derivatives import vjp
from .examine import examine
from .options import Codes, Options, options_of
from .oracle.differences import Disagreement, check_grads
from .report import Entry, Finding, Report
from .source import all_parameters
from .subject import (
    Arguments,
    Function,
    Inputs,
    Pass,
    Subject,
    Wrt,
    alone,
    called,
    chosen,
    with_axes,
)
from .subjects.framed import of_tensors
from .subjects.namespaces import namespaces


def _own(f: Callable[..., Any], args: Sequence[Any], wanted: Sequence[int] | None) -> Subject:
    """A function of Tensors as a subject: its backward is microgradnn's, its trace is not."""
    arguments = Arguments([plain(a) for a in args], all_parameters(f))
    wrt = list(range(len(arguments.arrays))) if wanted is None else list(wanted)

    def start(arrays: list[Any]) -> Pass:
        if any(np.asarray(a).dtype.kind == "c" for a in arrays):
            raise TypeError("microgradnn has no complex numbers")

        def call(*xs: Any) -> Any:
            return f(*arguments.filled(wrt, xs))

        def back(*douts: Any) -> list[Any]:
            pull = vjp(call, *arrays)[1]
            return [plain(g) for g in pull(tuple(douts) if many else douts[0])]

        out = call(*arrays)
        many = isinstance(out, (tuple, list))
        return Pass([np.asarray(plain(o)) for o in (out if many else [out])], back)

    names = tuple(arguments.leaf_names[i] for i in wrt)
    arrays = [arguments.arrays[i] for i in wrt]
    return Subject(called(f), names, arrays, start, namespaces(f), opaque=True)


@alone
def grads(
    f: Function, args: Inputs, order: int = 1, modes: Sequence[str] = ("rev",), *,
    wrt: Wrt = None, seed: int = 0, select: Codes = (), ignore: Codes = (), probes: bool = False,
    name: str = "",
) -> Report:  # fmt: skip
    """The report on microgradnn's derivatives of f at args, to any order, in modes "fwd", "rev".

    For functions of Tensors, with custom rules above all. The first order in reverse mode is
    checked entry by entry as a layer is; higher orders and forward mode along random directions,
    against extrapolated differences, as check_grads does.
    """
    options = options_of(seed, select, ignore, None, probes)
    given = list(args) if isinstance(args, (tuple, list)) else [args]
    given = with_axes([plain(a) for a in given])
    subject = _own(f, given, None)
    if wrt is not None:
        subject = _own(f, given, chosen(wrt, subject.names, "grads"))
    subject.name = name or subject.name
    subject.reproduce = (
        f"check.grads({called(f)}, args, order={order}, modes={tuple(modes)!r}, seed={seed})"
    )
    if "rev" in modes:
        report = examine(subject, options)
    else:
        report = Report(
            subject.name, (), ("GC201", "GC207"), ("your point",), seed=seed,
            reproduce=subject.reproduce,
        )  # fmt: skip
    if "fwd" in modes or (report.ok and order > 1):
        more = _along_directions(f, tuple(given), order, modes, seed)
        report = replace(report, findings=(*report.findings, *more))
    return report


def _along_directions(
    f: Function, args: tuple[Any, ...], order: int, modes: Sequence[str], seed: int
) -> list[Finding]:
    """The first derivative that check_grads finds wrong, or none."""
    try:
        check_grads(f, args, order, modes, seed=seed)
    except Disagreement as error:
        what, at, yours, true, allowed = error.parts
        worst = Entry(what, at, yours, true, abs(yours - true), float("nan"), allowed)
        return [Finding(
            "GC201" if what in ("jvp of f", "vjp of f") else "GC207", "FAIL", f"{what} is wrong",
            worst=worst, point="your point",
            method="extrapolated differences along a random direction",
        )]  # fmt: skip
    return []


_OF_TORCH = {
    "check_batched_forward_grad", "check_batched_grad", "check_grad_dtypes",
    "check_undefined_grad", "fast_mode", "masked",
}  # fmt: skip


def gradcheck(
    fn: Function, inputs: Inputs, *, eps: float | None = None, atol: float | None = None,
    rtol: float | None = None, raise_exception: bool = True, nondet_tol: float | None = None,
    check_forward_ad: bool = False, check_backward_ad: bool = True, order: int = 1, seed: int = 0,
    **ignored: object,
) -> bool:  # fmt: skip
    """Whether microgradnn's gradients of fn at inputs are right: torch.autograd.gradcheck's call.

    Inputs are Tensors, checked if they require grad, or arrays, checked if they are floats. Raises
    CheckError with the report unless raise_exception=False. eps, atol and rtol are accepted and not
    needed: the tolerance is what rounding explains.
    """
    torch = of_tensors(fn, inputs)
    unknown = set(ignored) - _OF_TORCH
    if unknown:
        raise TypeError(f"gradcheck: got an unexpected keyword argument {sorted(unknown)[0]!r}")
    unneeded = {"eps": eps, "atol": atol, "rtol": rtol, "nondet_tol": nondet_tol, **ignored}
    said = [k for k, v in unneeded.items() if v is not None]
    if said:
        notice(
            f"gradcheck: {', '.join(said)} not needed: errors are judged by what rounding explains",
            once=False,
        )
    if torch is not None:
        return _of_torch(torch, inputs, order, seed, raise_exception)
    f, free = _of_free(fn, list(inputs) if isinstance(inputs, (tuple, list)) else [inputs])
    modes = (["rev"] if check_backward_ad else []) + (["fwd"] if check_forward_ad else [])
    report = grads(f, free, order, modes, seed=seed)
    if raise_exception:
        report.raise_if_failed()
    return report.ok


def _of_torch(make: Any, inputs: Any, order: int, seed: int, raise_exception: bool) -> bool:
    """gradcheck of a function of PyTorch's tensors, in those that require grad."""
    given = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    free = [i for i, x in enumerate(given) if getattr(x, "requires_grad", False)]
    if not free:
        raise ConfigError(
            "gradcheck: no input requires grad; make one with torch.tensor(..., requires_grad=True)"
        )
    subject = make(given, wrt=[i for i, k in enumerate(_floats(given)) if k in free])
    subject.second = "FAIL" if order > 1 else "PASS"
    subject.reproduce = f"check.gradcheck({subject.name}, inputs, order={order}, seed={seed})"
    report = examine(subject, Options(seed, probes=False))
    if raise_exception:
        report.raise_if_failed()
    return report.ok


def _floats(given: Sequence[Any]) -> list[int]:
    """Which of the inputs are tensors or arrays of floats."""
    return [
        i for i, x in enumerate(given)
        if isinstance(x, np.ndarray) and x.dtype.kind == "f"
        or getattr(getattr(x, "dtype", None), "is_floating_point", False) is True
    ]  # fmt: skip


def _of_free(fn: Function, given: list[Any]) -> tuple[Function, list[Any]]:
    """fn as a function of those inputs that gradients are taken of, and these inputs."""
    tensors = [x for x in given if isinstance(x, Tensor)]
    if tensors and not any(x.requires_grad for x in tensors):
        raise ConfigError(
            "gradcheck: no input requires grad; make one with mg.tensor(..., requires_grad=True)"
        )
    fixed = {i: x for i, x in enumerate(given) if isinstance(x, Tensor) and not x.requires_grad}

    def of_free(*xs: Any) -> Any:
        rest = iter(xs)
        return fn(*[fixed[i] if i in fixed else next(rest) for i in range(len(given))])

    of_free.__name__ = called(fn)
    return of_free, [x for i, x in enumerate(given) if i not in fixed]


def gradgradcheck(
    fn: Function, inputs: Inputs, grad_outputs: object = None, **options: Any
) -> bool:
    """gradcheck of the first and second derivatives; cotangents are drawn, none are needed."""
    options.pop("gen_non_contig_grad_outputs", None)  # all layouts are tried
    return gradcheck(fn, inputs, order=2, **options)
