"""Optimizer: groups of parameters, their options and state, and the step that all rules share."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Unpack

import numpy as np
from numpy import ndarray

from ..engine.node import Node, plain
from ..engine.value import Value
from ..errors import ConfigError, ShapeError, nearest
from . import clip, saving
from .arithmetic import Data, Group, Memory
from .groups import (
    CLIPS,
    Common,
    Params,
    Rate,
    as_list,
    named_parameters,
    number_problem,
    option_problems,
    plain_number,
)


class Optimizer:
    """Base of optimisers; a subclass gives its options to __init__ and defines `update`.

    params        Tensors or Values, or (name, parameter) pairs, or groups: dicts with "params" and
                  options of their own, as in torch.optim
    param_groups  the groups as a list of dicts; "updates" counts the updates of a group
    state         what the rule remembers of each parameter: a list of dicts, by position

    Every optimiser takes by name

    maximize                climb: g = -g
    decoupled_weight_decay  p = p·(1 - lr·weight_decay) before the step (AdamW, and weight_decay of
                            every Keras optimiser) instead of g = g + weight_decay·p (torch)
    clipvalue               g moved into -clipvalue … clipvalue
    clipnorm                g·min(1, clipnorm/‖g‖), each tensor by itself
    global_clipnorm         the same with the norm of all gradients together

    and of the last three, Keras' words, at most one; `.grad` itself is left as it is. `lr` is a
    number or a schedule: a function of the number of updates so far (Keras).
    """

    always: tuple[str, ...] = ()  # what the state of a parameter holds after its first update
    sometimes: tuple[str, ...] = ()  # what it may hold besides
    numbers: tuple[str, ...] = ()  # what of it is one number, also for an array

    def __init__(self, params: Params, defaults: dict[str, Any], **common: Unpack[Common]) -> None:
        self.owner = type(self).__name__
        shared = dict(weight_decay=0.0, maximize=False, decoupled_weight_decay=False)
        self.defaults: dict[str, Any] = shared | defaults
        options: dict[str, Any] = dict(common)
        self.clips = {name: options.pop(name, None) for name in CLIPS}
        self._check_clips()
        self.defaults = self._checked(self.defaults | self._checked(options, CLIPS))
        self.param_groups: list[dict[str, Any]] = []
        self.state: list[dict[str, Any]] = []
        given = as_list(self.owner, params)
        groups = given if given and isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)
        if not self.state:
            raise ConfigError(f"{self.owner}: no parameters; pass model.parameters()")

    # ---- training -------------------------------------------------------------------------------

    def zero_grad(self) -> None:
        """Forgets the gradients of all parameters."""
        for group in self.param_groups:
            for p in group["params"]:
                p.clear_grad()

    def step(self) -> None:
        """Moves every parameter that has a gradient, and nothing if none has."""
        grads = [
            g
            if (g := p.grad) is None
            or (type(g) is ndarray and g.shape == p._data.shape)
            or (type(g) is float and type(p) is Value)
            else _fitted(p, g)
            for group in self.param_groups
            for p in group["params"]
        ]
        rest = zip(self._clipped(grads), self.state, strict=True)
        for group in self.param_groups:
            self._step_group(group, rest)

    def _step_group(self, group: dict[str, Any], rest: Iterator[tuple[Any, Any]]) -> None:
        lr, decay, maximize = group["lr"], group["weight_decay"], group["maximize"]
        if callable(lr):
            lr = float(lr(group["updates"]))
        moved, update = 0, self.update
        for p, (g, memory) in zip(group["params"], rest):  # noqa: B905  rest goes on
            if g is None:
                continue
            moved, data = 1, p._data
            if maximize:
                g = -g
            if decay:
                if group["decoupled_weight_decay"]:
                    data *= 1 - lr * decay
                else:
                    g = g + decay * data
            # An array is changed in place, as in torch: no second one.
            p.data = update(data, g, memory, group, lr)
        group["updates"] += moved

    def update(self, p: Data, g: Data, memory: Memory, group: Group, lr: float) -> Data:
        """The new data of a parameter with data p and gradient g; an array p is changed in place.

        `memory` is the parameter's state, kept from step to step; `group` has the options; `lr`
        is the rate of this step.
        """
        raise NotImplementedError(f"{self.owner} defines no update")

    def _clipped(self, grads: list[Any]) -> list[Any]:
        value, each, together = self.clips.values()
        if value is not None:
            return [g if g is None else clip.by_value(g, value) for g in grads]
        if each is not None:
            return [g if g is None else clip.by_norm(g, each) for g in grads]
        return grads if together is None else clip.by_global_norm(grads, together)

    @property
    def lr(self) -> float:
        """The learning rate of the next step, of the first group; setting it sets all groups."""
        group = self.param_groups[0]
        lr = group["lr"]
        return float(lr(group["updates"])) if callable(lr) else lr

    @lr.setter
    def lr(self, lr: Rate) -> None:
        new = self._checked({"lr": lr})
        for group in self.param_groups:
            group |= new

    # ---- groups ---------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group, {"params": [...], "lr": ...}. Options left out have the defaults.

        Raises ConfigError for options that do not exist and for parameters that are here already.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise ConfigError(f"{self.owner}: a group must be a dict with 'params'")
        options = dict(param_group)
        given = options.pop("params")
        options = self._checked(options)
        params, names = named_parameters(self.owner, [given] if isinstance(given, Node) else given)
        for group in self.param_groups:
            here = {id(p) for p in group["params"]}
            twice = [i for i, p in enumerate(params) if id(p) in here]
            self._refuse([f"parameter {i} is in another group already" for i in twice])
            if params and here and ("param_names" in group) != (names is not None):
                self._refuse(["some groups have names and some have none"])
        group = {"params": params, **self.defaults, **options, "updates": 0}
        self._refuse(self.problems(group))
        if names is not None:
            group["param_names"] = names
        self.param_groups.append(group)
        self.state += [{} for _ in params]

    def problems(self, group: Mapping[str, Any]) -> list[str]:
        """What is wrong with the options of a group taken together; for subclasses."""
        return []

    def _checked(self, options: Mapping[str, Any], besides: Iterable[str] = ()) -> dict[str, Any]:
        known = [*self.defaults, "initial_lr", *besides]
        for name in options:
            if name not in known:
                raise ConfigError(f"{self.owner}: no option {name!r}{nearest(name, known)}")
        found = {name: plain_number(x) for name, x in options.items()}
        self._refuse(option_problems(found))
        return found

    def _check_clips(self) -> None:
        given = {name: x for name, x in self.clips.items() if x is not None}
        self._refuse([f"{' and '.join(given)} given, use one"] if len(given) > 1 else [])
        for name, x in given.items():
            problem = number_problem(name, x, 0)
            self._refuse([problem] if problem else [])
            self.clips[name] = plain_number(x)

    def _refuse(self, wrong: list[str]) -> None:
        if wrong:
            raise ConfigError(f"{self.owner}: {'; '.join(wrong)}")

    # ---- saving ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """A copy of state and options in torch's form: {"state": {0: {…}}, "param_groups": […]}.

        Parameters are given by position. Inside are numbers, strings, None, bools, tuples, NumPy
        arrays, and lists of positions and names. A schedule is described by a string; clipping is
        not part of it.
        """
        return saving.pack(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues, to the last bit, where state_dict() was called.

        The saved options win over those of this optimiser, except that a schedule stays the one
        given here. Raises ConfigError that lists all that does not fit; then nothing has changed.
        """
        groups, memory = saving.unpack(self, state_dict)
        for group, saved in zip(self.param_groups, groups, strict=True):
            group.update(saved)
        self.state[:] = memory

    def __repr__(self) -> str:
        groups = f"{len(self.param_groups)} group" + "s" * (len(self.param_groups) > 1)
        return f"{self.owner}({len(self.state)} parameters in {groups}, lr={self.lr})"


def _fitted(p: Node, g: Any) -> Any:
    """The gradient g without its graph, as an array like p if p holds one."""
    g = plain(g)
    if isinstance(p._data, ndarray):
        try:
            g = np.asarray(g, p._data.dtype)
        except (TypeError, ValueError) as error:
            raise ShapeError(f"step: the gradient of {p.describe()} is no array: {error}") from None
        if g.shape != p._data.shape:
            raise ShapeError(
                f"step: the gradient of {p.describe()} has shape {g.shape}, the parameter "
                f"{p._data.shape}"
            )
    return g
