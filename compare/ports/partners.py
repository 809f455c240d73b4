"""Which parameter of one port is which of the other: by a map, by name, by order and shape."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from microgradnn.errors import ConfigError

from .seen_calls import Array, PortParameter, PortProgram

WORDS = {
    "kernel": "weight", "gamma": "weight", "scale": "weight", "beta": "bias", "w": "weight",
    "b": "bias", "moving_mean": "mean", "running_mean": "mean", "moving_variance": "var",
    "running_var": "var", "embeddings": "weight", "gain": "weight", "shift": "bias",
    "recurrent_kernel": "recurrent", "weight_ih_l0": "weight", "weight_hh_l0": "recurrent",
    "bias_ih_l0": "bias", "bias_hh_l0": "recurrent_bias",
}  # fmt: skip
ROLES = {"add": "bias", "sub": "bias", "mul": "weight", "div": "weight", "matmul": "weight",
         "identity": "weight", "transpose": "weight"}  # fmt: skip


@dataclass
class Matched:
    """Pairs of names; what has no partner; what could also have been otherwise, in words."""

    pairs: dict[str, str] = field(default_factory=dict)  # of A, by name in B
    turned: set[str] = field(default_factory=set)  # in B: held the other way round than was known
    alone: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Used:
    """A parameter with its role and its place in the order of use."""

    param: PortParameter
    role: str
    place: int

    @property
    def sign(self) -> tuple[str, tuple[int, ...]]:
        return self.role, self.param.value.shape


def match(a: PortProgram, b: PortProgram, given: Mapping[str, str], kin: bool = False) -> Matched:
    """The pairs. `given` are names of A by names of B; `kin`: both are of one framework, whose
    square weights go over as they lie, whatever is done with them. Raises ConfigError for a name
    that there is not.
    """
    found = Matched()
    one, two = _used(a), _used(b)
    _by_map(found, one, two, given)
    named = _by_name(found, one, two)
    _by_order(found, one, two)
    _across(found, one, two, named)
    if kin:
        held = {u.param.name: u.param for u in [*one, *two]}
        for theirs, ours in found.pairs.items():
            pair = {u.param.held for u in one if u.param.name == ours}
            pair |= {u.param.held for u in two if u.param.name == theirs}
            if pair == {"", "transposed"} and len(set(held[ours].value.shape)) == 1:
                found.turned.add(theirs)
    found.alone = (
        [u.param.name for u in one if u.param.name not in found.pairs.values()],
        [u.param.name for u in two if u.param.name not in found.pairs],
    )
    return found


def _used(program: PortProgram) -> list[_Used]:
    """All parameters in the order in which calls use them, those that none uses last."""
    roles: dict[str, tuple[str, int]] = {}
    for i, call in enumerate(program.calls):
        for part, name in call.params.items():
            role = ROLES.get(call.kind, part)
            roles.setdefault(name, ("" if role.isdecimal() else role, i))
    n = len(program.calls)
    every = [_Used(p, *roles.get(p.name, (p.part, n))) for p in program.params]
    return sorted(every, key=lambda u: u.place)


def _by_map(
    found: Matched, one: Sequence[_Used], two: Sequence[_Used], given: Mapping[str, str]
) -> None:
    own = {u.param.name for u in one}, {u.param.name for u in two}
    shapes = [{u.param.name: u.param.value.shape for u in side} for side in (one, two)]
    for theirs, ours in given.items():
        for name, names, port in ((ours, own[0], "A"), (theirs, own[1], "B")):
            if name not in names:
                known = ", ".join(sorted(names))
                raise ConfigError(f"--map: {port} has no parameter {name!r}; it has {known}")
        if shapes[0][ours] == shapes[1][theirs]:
            found.pairs[theirs] = ours
        elif shapes[0][ours] == shapes[1][theirs][::-1]:
            found.pairs[theirs] = ours
            found.turned.add(theirs)
        else:
            raise ConfigError(
                f"--map: {ours!r} of A has shape {shapes[0][ours]}, {theirs!r} of B "
                f"{shapes[1][theirs]}, both as (in, out) or (out, in, height, width)"
            )


def key(name: str) -> tuple[str, str]:
    """The layer and the part that a name speaks of: ("conv1", "weight") of net/conv1/kernel."""
    parts = [p for p in re.split(r"[./:]|(?<=\w)\[", name) if p]
    part = WORDS.get(parts[-1].lower(), parts[-1].lower())
    layer = parts[-2] if len(parts) > 1 else ""
    if layer.endswith("_cell") and len(parts) > 2:
        layer = parts[-3]
    return re.sub(r"[^a-z0-9]", "", layer.lower()), part


def _by_name(found: Matched, one: Sequence[_Used], two: Sequence[_Used]) -> set[str]:
    """Pairs whose names say the same, where all names of A's are found so in B, or the reverse."""
    free = _free(found, one, two)
    named = []
    for side in free:
        keys: dict[tuple[str, str], list[_Used]] = {}
        for u in side:
            keys.setdefault(key(u.param.name), []).append(u)
        named.append({k: us[0] for k, us in keys.items() if len(us) == 1 and k[0]})
    layers = [{k[0] for k in side} for side in named]
    if not layers[0] & layers[1] or not (layers[0] <= layers[1] or layers[1] <= layers[0]):
        return set()
    made = set()
    for k, u in named[0].items():
        if k not in named[1]:
            continue
        v = named[1][k]
        a, b = u.param.value.shape, v.param.value.shape
        if a == b or a == b[::-1]:
            found.pairs[v.param.name] = u.param.name
            made.add(v.param.name)
            if a != b:
                found.turned.add(v.param.name)
    return made


def _free(
    found: Matched, one: Sequence[_Used], two: Sequence[_Used]
) -> tuple[list[_Used], list[_Used]]:
    taken = set(found.pairs.values())
    return (
        [u for u in one if u.param.name not in taken],
        [u for u in two if u.param.name not in found.pairs],
    )


def _by_order(found: Matched, one: Sequence[_Used], two: Sequence[_Used]) -> None:
    """The longest series of pairs, in both orders of use, whose roles and shapes fit."""
    left, right = _free(found, one, two)
    best = np.zeros((len(left) + 1, len(right) + 1))
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            fit = _fit(left[i], right[j])
            both = fit + best[i + 1, j + 1] if fit else 0.0
            best[i, j] = max(both, best[i + 1, j], best[i, j + 1])
    i = j = 0
    while i < len(left) and j < len(right):
        fit = _fit(left[i], right[j])
        if fit and best[i, j] == fit + best[i + 1, j + 1]:
            found.pairs[right[j].param.name] = left[i].param.name
            if left[i].param.value.shape != right[j].param.value.shape:
                found.turned.add(right[j].param.name)
            i, j = i + 1, j + 1
        elif best[i, j] == best[i + 1, j]:
            i += 1
        else:
            j += 1


def _fit(u: _Used, v: _Used) -> float:
    """How well two parameters fit; 0 if they cannot be one."""
    a, b = u.param.value.shape, v.param.value.shape
    kept = not u.param.trained and u.param.part in ("mean", "var")
    if kept != (not v.param.trained and v.param.part in ("mean", "var")):
        return 0.0
    same = u.role == v.role
    if a == b:
        return 2.0 if same else 1.0 if "" in (u.role, v.role) or len(a) > 1 else 0.0
    vague = len(a) == 2 and a == b[::-1]
    return 0.5 if vague and (same or "" in (u.role, v.role)) else 0.0


def _across(found: Matched, one: Sequence[_Used], two: Sequence[_Used], named: set[str]) -> None:
    """Says where names and the order of use speak for different pairs, or shapes for several."""
    place = {u.param.name: u for u in one}
    rows = [(place[found.pairs[v.param.name]], v) for v in two if v.param.name in found.pairs]
    for n, (u, v) in enumerate(rows):
        for u2, v2 in rows[n + 1 :]:
            crossed = (u.place - u2.place) * (v.place - v2.place) < 0
            if crossed and u.sign == u2.sign and v.param.name in named:
                found.notes.append(
                    f"matched by name: {v.param.name} and {v2.param.name} of B; by the order of "
                    "use they would be the other way round (--map FILE decides)"
                )
    square = [v.param.name for u, v in rows if _either_way(u, v)]
    if square:
        found.notes.append(f"square, and taken as (in, out): {', '.join(square)}")


def _either_way(u: _Used, v: _Used) -> bool:
    """Whether a matrix of B may be held the other way round, and its shape does not say so."""
    held, shape = {u.param.held, v.param.held}, v.param.value.shape
    raw = v.param.part in ("", "right", "left")
    return len(shape) == 2 and shape[0] == shape[1] and len(held) == 2 and "" in held and raw


def drawn(params: Sequence[PortParameter], rng: np.random.Generator) -> dict[str, Array]:
    """Values for parameters that are constant, such as biases of 0, which hide differences."""
    new = {}
    for p in params:
        if p.value.size and np.ptp(p.value) == 0 and abs(p.value.flat[0]) in (0.0, 1.0):
            spread = rng.uniform(0.25, 0.5, p.value.shape) * rng.choice([-1, 1], p.value.shape)
            start = 1.0 if p.value.flat[0] == 1 or p.part == "var" else 0.0
            new[p.name] = start + spread
    return new
