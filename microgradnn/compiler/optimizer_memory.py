"""What an optimiser remembers, as inputs of a program, and its rule on traced arrays.

Arrays are changed in place; numbers, such as the count of steps, come back from the program. The
learning rate is an input too, so that schedules may change it.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..errors import TraceError
from .carriers import Carried
from .trace import Tracer

NAMES = {
    "exp_avg": "m", "exp_avg_sq": "v", "max_exp_avg_sq": "vmax", "momentum_buffer": "v",
    "square_avg": "s", "sum": "s", "step": "t", "exp_inf": "u", "grad_avg": "m", "acc_delta": "d",
}  # fmt: skip


VARIABLE = ("params", "param_names", "lr", "updates", "initial_lr")


class HeldParameter:
    """Stands for a parameter in a group while the rule is traced."""

    def __init__(self, carrier: Any) -> None:
        self._data = carrier

    data = property(lambda self: self._data, lambda self, x: setattr(self, "_data", x))


class OptimizerMemory:
    """The memory of an optimiser of this library."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    def complete(self) -> bool:
        """Whether each parameter that moves has all that the rule will remember of it."""
        opt = self.optimizer
        if not (opt.always or opt.sometimes):
            return True
        wanted = [p for group in opt.param_groups for p in group["params"]]
        has = [bool(m) for p, m in zip(wanted, opt.state, strict=True) if p.requires_grad]
        if opt.always:
            return all(has)
        remembers = any(g.get("momentum") for g in opt.param_groups)
        return all(has) or not remembers

    def key(self) -> Any:
        """What a program holds for: all options but the rate, and what is remembered."""
        groups = tuple(
            tuple((k, v) for k, v in group.items() if k not in VARIABLE)
            for group in self.optimizer.param_groups
        )
        shared = tuple(m.get("step") for m in self.optimizer.state)
        return groups, tuple(map(tuple, self.optimizer.state)), len(set(shared)) <= 1

    def rates(self) -> list[float]:
        """The learning rate of this step, of each group."""
        return [
            float(g["lr"](g["updates"])) if callable(g["lr"]) else g["lr"]
            for g in self.optimizer.param_groups
        ]

    def _shares(self) -> bool:
        return len({m.get("step") for m in self.optimizer.state}) <= 1

    def slots(self) -> list[tuple[int, str, Any]]:
        """(parameter, name, array or number) of all that is remembered; a common count once."""
        found, counted = [], False
        for k, memory in enumerate(self.optimizer.state):
            for name, x in memory.items():
                if name == "step" and self._shares():
                    if counted:
                        continue
                    counted = True
                found.append((k, name, x))
        return found

    def numbers(self) -> list[tuple[dict[str, Any], str, list[dict[str, Any]]]]:
        """(memory, name, all memories that share it) of each remembered number, in order."""
        found, state = [], self.optimizer.state
        for k, name, x in self.slots():
            if not isinstance(x, np.ndarray):
                shared = name == "step" and self._shares()
                found.append((state[k], name, [m for m in state if m] if shared else [state[k]]))
        return found

    def inputs(self) -> list[Any]:
        """Rates, then what is remembered, in the order of the program's inputs."""
        return [*self.rates(), *(x for _, _, x in self.slots())]

    # ---- tracing --------------------------------------------------------------------------------

    def trace(self, trace: Tracer, traced: dict[int, Any], grads: list[Any]) -> None:
        """Writes down clipping and the update; the new values are the program's updates."""
        trace.part = "update"
        opt, shares = self.optimizer, self._shares()
        params = [p for g in opt.param_groups for p in g["params"]]
        several = len(opt.param_groups) > 1
        rates = [
            trace.argument(r, False, f"lr{k + 1}" if several else "lr")
            for k, r in enumerate(map(float, self.rates()))
        ]
        memory: list[dict[str, Any]] = [{} for _ in opt.state]
        inputs: dict[tuple[int, str], Any] = {}
        for k, name, x in self.slots():
            short = NAMES.get(name, name)
            own = "" if name == "step" and shares else f"_{traced[id(params[k])].variable.name}"
            c = inputs[k, name] = trace.argument(x, False, short + own)
            c.wanted = True
            for m, state in zip(memory, opt.state, strict=True):
                if name == "step" and shares and name in state or m is memory[k]:
                    m[name] = c
        twin = copy.copy(opt)
        slots = [HeldParameter(traced[id(p)]._bare()) for p in params]
        twin.state = memory
        self._step(twin, slots, grads, rates)
        for p, slot in zip(params, slots, strict=True):
            self._update(trace, traced[id(p)].variable, slot._data)
        for (k, name), c in inputs.items():
            self._update(trace, c.variable, memory[k][name])

    @staticmethod
    def _step(twin: Any, slots: list[HeldParameter], grads: list[Any], rates: list[Any]) -> None:
        left, groups = iter(slots), []
        for group, rate in zip(twin.param_groups, rates, strict=True):
            own = {"params": [next(left) for _ in group["params"]], "lr": rate}
            groups.append({**group, **own})
        twin.param_groups = groups
        rest = zip(twin._clipped(grads), twin.state, strict=True)
        for group in groups:
            twin._step_group(group, rest)

    @staticmethod
    def _update(trace: Tracer, old: Any, new: Any) -> None:
        if isinstance(new, Carried):
            if new.variable is not old:
                if new.variable.shape != old.shape or new.variable.dtype != old.dtype:
                    raise TraceError(
                        f"compile: the update of {old.name} has shape {new.variable.shape} and "
                        f"dtype {new.variable.dtype}, not {old.shape} and {old.dtype}"
                    )
                trace.program.updates.append((old, new.variable))
        elif old.dtype is None:
            trace.program.updates.append((old, new))
