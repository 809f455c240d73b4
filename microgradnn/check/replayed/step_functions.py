"""Functions that take a step: update(w, dw, config), step(params, grads, m, v, t, lr=…)."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .hyper import Hyper, numbers, roles
from .session import Session, Start, State
from .variants import Arrays

MEMORY = ("m", "v", "s")  # roles of arguments that start as zeros and are given back


@dataclass(frozen=True)
class Holder:
    """What parameters and gradients come in."""

    name: str
    params: Callable[[Arrays], Any]
    grads: Callable[[Arrays], Any]
    back: Callable[[Any], Arrays]


KEYS = ("W1", "b1", "W2", "b2")
HOLDERS = (
    Holder("lists", list, list, list),
    Holder(
        "dicts",
        lambda arrays: dict(zip(KEYS, arrays, strict=False)),
        lambda arrays: dict(zip(KEYS, arrays, strict=False)),
        lambda held: [held[key] for key in KEYS if key in held],
    ),
    Holder(
        "dicts, with gradients under dW1",
        lambda arrays: dict(zip(KEYS, arrays, strict=False)),
        lambda arrays: {"d" + key: x for key, x in zip(KEYS, arrays, strict=False)},
        lambda held: [held[key] for key in KEYS if key in held],
    ),
)


def ways(f: Any, drawn: Hyper) -> list[tuple[str, Start]]:
    """The ways to call a function, in words, with what starts each."""
    try:
        call = _Call.of(f, drawn)
    except (TypeError, ValueError):
        return []
    return [
        ("one array at a time", partial(_apart, call)),
        *((holder.name, partial(_together, call, holder)) for holder in HOLDERS),
    ]


def _apart(call: "_Call", start: Arrays) -> Session:
    """Each parameter has a call, and a memory, of its own."""
    params = list(start)
    settings, hyper = call.settings(params[0])
    memories: list[State] = [call.fresh(p, settings) for p in params]

    def step(grads: Arrays, lr: float, k: int) -> Arrays:
        for i, g in enumerate(grads):
            params[i] = call(params[i], g, memories[i], lr, k)
        return params

    return Session(step, hyper, lambda: _told(memories[0]), "lr" in hyper)


def _together(call: "_Call", holder: Holder, start: Arrays) -> Session:
    """One call for all parameters."""
    held = holder.params(start)
    settings, hyper = call.settings(held, holder.grads([np.zeros_like(p) for p in start]))
    memory = call.fresh(held, settings, holder.grads(start))

    def step(grads: Arrays, lr: float, k: int) -> Arrays:
        nonlocal held
        held = call(held, holder.grads(grads), memory, lr, k)
        return holder.back(held)

    return Session(step, hyper, dict, "lr" in hyper)


def _told(memory: State) -> State:
    config = memory.get("config")
    return {**(config if isinstance(config, dict) else {}), **memory}


@dataclass(frozen=True)
class _Call:
    """How a function is called: the names of its arguments by what they stand for."""

    f: Any
    params: str
    grads: str
    words: dict[str, str]
    hyper: Hyper
    given: dict[str, Any]
    drawn: Hyper

    @classmethod
    def of(cls, f: Any, drawn: Hyper) -> "_Call":
        parameters = inspect.signature(f).parameters
        found = roles(parameters)
        names = list(parameters)
        grads = next((n for n in names[:3] if "grads" in found[n]), names[1] if names[1:] else "")
        params = next((n for n in names[:3] if "params" in found[n] and n != grads), names[0])
        words: dict[str, str] = {}
        for role in (*MEMORY, "t", "config"):
            own = [n for n in names if role in found[n] and n not in (params, grads)]
            if own and own[0] not in words.values():
                words[role] = own[0]
        used = {params, grads, *words.values()}
        rest = {n: p.default for n, p in parameters.items() if n not in used}
        hyper, given = numbers(rest, drawn)
        left = [n for n, d in rest.items() if d is inspect.Parameter.empty and n not in given]
        if not grads or left:
            raise TypeError(f"what {f.__name__} takes is not known: {left}")
        return cls(f, params, grads, words, hyper, given, drawn)

    def settings(self, p: Any, g: Any = None) -> tuple[State, Hyper]:
        """The numbers of its config dict, under the names by which it asks for them."""
        if "config" not in self.words:
            return {}, self.hyper
        asking = _Asked()
        memory = {"config": asking, **self._zeros(p)}
        try:
            self(_copied(p), _copied(p) if g is None else g, memory, 0.1, 1)
        except Exception:  # what it has asked for until then may do
            pass
        hyper, given = numbers(asking.names, self.drawn)
        return given, {**self.hyper, **hyper}

    def fresh(self, p: Any, settings: State, like: Any = None) -> State:
        """What is remembered before the first step."""
        config = {"config": dict(settings)} if "config" in self.words else {}
        return {**config, **self._zeros(p if like is None else like)}

    def _zeros(self, p: Any) -> State:
        return {role: _zeros_like(p) for role in MEMORY if role in self.words}

    def __call__(self, p: Any, g: Any, memory: State, lr: float, k: int) -> Any:
        """The parameters afterwards; the memory changes."""
        given = _steered(self.given, lr)
        given |= {self.words[role]: memory[role] for role in MEMORY if role in self.words}
        if "t" in self.words:
            given[self.words["t"]] = k
        if "config" in self.words:
            config = memory["config"]
            given[self.words["config"]] = config
            config |= _steered(config, lr)
        out = self.f(**{self.params: p, self.grads: g}, **given)
        return p if out is None else self._back(out, p, memory)

    def _back(self, out: Any, p: Any, memory: State) -> Any:
        """The parameters in what it returns: first, and then what is to be remembered."""
        if not isinstance(out, tuple):
            return out
        new, *rest = out
        for role in MEMORY:
            if role in self.words and rest and type(rest[0]) is type(memory[role]):
                memory[role] = rest.pop(0)
        if "config" in self.words and rest and isinstance(rest[0], dict):
            memory["config"] = rest[0]
        return new


class _Asked(dict[str, Any]):
    """A config dict that remembers by which names numbers were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, Any] = {}

    def setdefault(self, key: str, default: Any = None) -> Any:
        self.names[key] = default
        return super().setdefault(key, default)

    def get(self, key: str, default: Any = None) -> Any:
        self.names[key] = default
        return super().get(key, default)

    def __missing__(self, key: str) -> Any:
        self.names[key] = 0.1
        return 0.1


def _steered(named: dict[str, Any], lr: float) -> dict[str, Any]:
    """The same with another learning rate."""
    return {n: lr if each == ("lr",) else named[n] for n, each in roles(named).items()}


def _zeros_like(p: Any) -> Any:
    if isinstance(p, dict):
        return {key: np.zeros_like(x) for key, x in p.items()}
    return [np.zeros_like(x) for x in p] if isinstance(p, list) else np.zeros_like(p)


def _copied(p: Any) -> Any:
    if isinstance(p, dict):
        return {key: np.array(x) for key, x in p.items()}
    return [np.array(x) for x in p] if isinstance(p, list) else np.array(p)
