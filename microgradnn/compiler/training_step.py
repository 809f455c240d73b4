"""mg.compile(model, loss=..., optimizer=...): a whole step of training as one program.

Forward pass, loss, penalty, backward pass, clipping and the update of the optimiser, in its own
words: the optimiser's rule runs once on traced arrays. What it remembers is an input of the program
and is written back in place, as the parameters are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..engine.node import Node
from ..errors import ConfigError, OtherwiseError, TraceError
from ..numerics.recording import recording
from ..transforms import tree
from .captures import Captures
from .carriers import TracedTensor
from .executable import Differs, Executable
from .fast_step import FastStep
from .given import data_of, is_traced, key_of, leaves_of
from .looped import LoopedStep, check_backend
from .optimizer_memory import OptimizerMemory
from .passes import improved
from .planned import Planned
from .printed import VARIANTS, Printed
from .program import StraightProgram, Variable
from .trace import Tracer
from .traced_program import name_arguments, resolve
from .twin import is_module, members, short_names, twin_of


class StepVariant:
    """One program of a step, and what it holds for."""

    def __init__(
        self, program: StraightProgram, captures: Captures, bound: list[Variable], backend: str
    ) -> None:
        self.program, self.captures = program, captures
        self.executable = Executable(program, "numpy")
        self.planned = (LoopedStep if backend == "numba" else Planned)(program, bound)


class CompiledStep(Printed):
    """A step of training, compiled: step(x, y) returns the loss after parameters were updated.

    The last argument is what `loss` compares the model's output with: loss(model(*inputs), target).
    Parameters, what the optimiser remembers, running statistics and random generators are those of
    eager training to the last bit (with backend="numba", as `.plan` says); `.grad` of the
    parameters is None afterwards. The first step makes what the optimiser remembers, and runs
    eagerly where there is anything.
    """

    def __init__(
        self,
        model: Any,
        loss: Callable[..., Any],
        optimizer: Any,
        ema: Any = None,
        backend: str = "numpy",
    ) -> None:
        check_backend(backend)
        if not is_module(model) or not callable(loss) or not hasattr(optimizer, "param_groups"):
            raise ConfigError(
                "compile: a step of training needs a model, loss= a function of (output, target) "
                "and optimizer= an optimiser of the model's parameters"
            )
        self.model, self.loss, self.optimizer, self.ema = model, loss, optimizer, ema
        self.backend = backend
        self.memory = OptimizerMemory(optimizer)
        self._fast: FastStep | None = None
        self._variants: OrderedDict[Any, StepVariant] = OrderedDict()
        self._last: StepVariant | None = None
        self._lock = threading.RLock()

    def __call__(self, *batch: Any) -> float:
        """The loss of a batch, after the step."""
        with self._lock:
            try:
                return self._attempt(batch)
            except OtherwiseError:
                return self._eagerly(batch)

    def _attempt(self, batch: Any) -> float:
        fast = self._fast
        try:
            if fast is not None and fast.holds(batch):
                return self._followed(fast(batch))
            if len(batch) < 2:
                raise ConfigError(
                    f"compile: a step takes inputs and a target, as in step(x, target), got "
                    f"{len(batch)} argument{'s' * (len(batch) != 1)}"
                )
            batch = tuple(map(_rows, batch))
            return self._compiled(batch)
        except Differs:
            return self._anew(batch)

    def _compiled(self, batch: Any) -> float:
        self._fast = None
        if not self.memory.complete() or self._hooked():
            return self._eagerly(batch)
        key = self._key(batch)
        variant = self._variants.get(key)
        if variant is None or not variant.captures.hold():
            variant = self._trace(key, batch)
        return self._run(variant, batch)

    def _anew(self, batch: Any) -> float:
        """After a guard differed: nothing has changed, and another program is needed."""
        key = self._key(batch)
        self._variants.pop(key, None)
        return self._run(self._trace(key, batch), batch)

    def _hooked(self) -> bool:
        """Whether somebody looks on: hooks, detect_anomaly, no_grad."""
        tensors = any(p.hooks for p in self.model.parameters())
        modules = any(getattr(m, "_hooks", None) is not None for m in self.model.modules())
        return tensors or modules or bool(recording.settings)

    def _followed(self, loss: float) -> float:
        if self.ema is not None:
            self.ema.update()
        return loss

    # ---- one step -------------------------------------------------------------------------------

    def _eagerly(self, batch: Any) -> float:
        loss = self._loss(self.model, self.loss, batch)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.ema is not None:
            self.ema.update()
        self._clear()
        return float(loss.item())

    def _clear(self) -> None:
        for p in self.model.parameters():
            if p.grad is not None:
                p.grad = None

    @staticmethod
    def _loss(model: Any, loss: Callable[..., Any], batch: Any) -> Any:
        *inputs, target = batch
        total = loss(model(*inputs), target)
        if any(vars(m).get("kernel_regularizer") is not None for m in model.modules()):
            total = total + model.penalty()
        return total

    def _run(self, variant: StepVariant, batch: Any) -> float:
        self._last = variant
        arrays = [data_of(x) for x in leaves_of(batch, {}) if is_traced(x)]
        fast = FastStep(
            variant.planned, arrays, self.model, self.memory, self._held(), variant.captures
        )
        loss = fast(arrays)
        self._fast = fast
        return self._followed(loss)

    def _held(self) -> list[Any]:
        return [x for *_, x in members(self.model)]

    def _key(self, batch: Any) -> Any:
        modes = tuple(m.training for m in self.model.modules())
        held = tuple(
            (x._data.shape, x._data.dtype, x.requires_grad)
            if isinstance(x, Node)
            else (x.shape, x.dtype)
            for x in self._held()
        )
        return key_of(batch), modes, held, self.memory.key()

    # ---- tracing --------------------------------------------------------------------------------

    def _trace(self, key: Any, batch: Any) -> StepVariant:
        captures = Captures(self.model)
        captures.look_into(self.loss)
        states = [(g, g.bit_generator.state) for g in captures.generators]
        try:
            first, second = self._traced(batch), self._traced(batch)
        except OtherwiseError:
            raise
        except TraceError:
            self._try(batch)  # what is wrong with the batch comes first
            raise
        finally:
            for g, state in states:
                g.bit_generator.state = state
        resolve(first, second)
        program = improved(first.program)
        program.name = "training_step"
        read = {id(x) for x in (*program.captured.values(), *self._held())}
        captures.note(read)
        given = sum(map(is_traced, leaves_of(batch, {})))
        bound = [v for v in program.inputs[given:] if v.dtype is not None]
        variant = self._variants[key] = self._last = StepVariant(
            program, captures, bound, self.backend
        )
        self._variants.move_to_end(key)
        while len(self._variants) > VARIANTS:
            self._variants.popitem(last=False)
        return variant

    def _try(self, batch: Any) -> None:
        """Runs the forward pass, for its errors, and takes back what it does to buffers."""
        before = [(x, x.copy()) for x in self._held() if isinstance(x, np.ndarray)]
        try:
            self._loss(self.model, self.loss, batch)
        finally:
            for array, old in before:
                array[...] = old

    def _traced(self, batch: Any) -> Tracer:
        trace = Tracer()
        with trace.running():
            leaves = leaves_of(batch, {})
            carriers = [self._argument(trace, x) for x in leaves]
            args = tree.rebuild(list(batch), iter(carriers))
            traced: dict[int, Any] = {}
            names = short_names(self.model)
            for *_, x in members(self.model):
                c = trace.argument(x, isinstance(x, Node) and x.requires_grad)
                c.variable.name = names[id(x)]
                c.wanted, c.buffer = True, not isinstance(x, Node)
                traced[id(x)] = c
            before = {id(c): c.variable for c in traced.values()}
            twin = twin_of(self.model, traced, {})
            loss = twin_of(self.loss, traced, {}) if is_module(self.loss) else self.loss
            total = self._loss(twin, loss, args)
            name_arguments(lambda x, y: None, args, {})
            self._backward(trace, total, traced, before)
        return trace

    @staticmethod
    def _argument(trace: Tracer, x: Any) -> Any:
        if not is_traced(x):
            return x
        data = data_of(x)
        kind = getattr(data, "dtype", np.dtype(float)).kind
        return trace.argument(data, kind == "f")

    def _backward(
        self, trace: Tracer, total: Any, traced: dict[int, Any], before: dict[int, Any]
    ) -> None:
        if not isinstance(total, TracedTensor) or not total.requires_grad or total.shape != ():
            raise TraceError(
                f"compile: the loss has shape {np.shape(total)} and must be one number that "
                "depends on the parameters"
            )
        trace.program.value = total.variable
        params = [p for g in self.optimizer.param_groups for p in g["params"]]
        for p in params:
            if id(p) not in traced:
                raise ConfigError("compile: the optimiser has a parameter that the model has not")
        wanted = [traced[id(p)] for p in params if p.requires_grad]
        found = iter(trace.backward(total, wanted, np.ones((), total.dtype)))
        grads = [next(found) if p.requires_grad else None for p in params]
        self.memory.trace(trace, traced, [None if g is None else trace.lift(g) for g in grads])
        for c in traced.values():
            if c.buffer and c.variable not in trace.program.inputs:
                trace.program.updates.append((before[id(c)], c.variable))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TraceError(
            "pickle: a compiled step belongs to its process; save its .source, and the model's "
            "state_dict() and the optimiser's"
        )

    def __repr__(self) -> str:
        return f"<compiled step of {type(self.model).__name__}>"


def _rows(x: Any) -> Any:
    """The array of a list of numbers; anything else as it is."""
    plain = isinstance(x, list) and not any(isinstance(v, (np.ndarray, Node)) for v in x)
    return np.asarray(x) if plain else x
