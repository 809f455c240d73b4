"""The zoo is what it says: right entries agree with PyTorch and differences, wrong ones do not."""

import inspect
from functools import partial

import numpy as np
import pytest

from tests.check.zoo import BY_NAME, KINDS, RIGHT, WRONG, Entry, Inputs
from tests.check.zoo.entry import assign
from tests.check.zoo.in_torch import from_torch

SEEDS = range(3)


def each(entries):
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def cotangents(outs, rng):
    """One of each output's shape; a loss's is a number."""
    return [rng.standard_normal(out.shape) if np.ndim(out) else rng.normal() for out in outs]


def drawn(entry: Entry, seed: int):
    """Inputs and cotangents."""
    rng = np.random.default_rng(seed)
    inputs = entry.make_inputs(rng)
    return inputs, cotangents(entry.run(fresh(inputs)).outs, rng)


def fresh(inputs: Inputs) -> Inputs:
    return inputs.replaced([a.copy() for a in inputs.arrays()])


def grads(entry: Entry, inputs: Inputs, douts):
    douts = [d.copy() if np.ndim(d) else d for d in douts]
    return entry.run(fresh(inputs)).pull(*douts)


def assert_close(got, true, rtol=1e-9):
    assert len(got) == len(true)
    for g, t in zip(got, true, strict=True):
        assert np.shape(g) == np.shape(t)
        np.testing.assert_allclose(g, t, rtol=rtol, atol=rtol * max(1, np.abs(t).max()))


# ---- other sources of right gradients ------------------------------------------------------------


def differences(entry: Entry, inputs: Inputs, douts):
    """Ridders: central differences at two steps, extrapolated."""

    def value(arrays):
        outs = entry.run(inputs.replaced(arrays)).outs
        return sum(np.sum(d * out) for d, out in zip(douts, outs, strict=True))

    def slope(k, index):
        table = []
        for h in (4e-4, 2e-4):
            ends = []
            for sign in (1, -1):
                arrays = [a.copy() for a in inputs.arrays()]
                arrays[k][index] += sign * h
                ends.append(value(arrays))
            row = [(ends[0] - ends[1]) / (2 * h)]
            for i, left in enumerate(table):
                row.append(row[-1] + (row[-1] - left) / (4 ** (i + 1) - 1))
            table = row
        return table[-1]

    return [
        np.array([slope(k, i) for i in np.ndindex(a.shape)]).reshape(a.shape)
        for k, a in enumerate(inputs.arrays())
    ]


# ---- right entries -------------------------------------------------------------------------------


@each(RIGHT)
def test_right_entries_agree_with_torch(entry):
    for seed in SEEDS:
        inputs, douts = drawn(entry, seed)
        outs, true = from_torch(entry, inputs, douts)
        assert_close(entry.run(fresh(inputs)).outs, outs, 1e-12)
        assert_close(grads(entry, inputs, douts), true, 1e-11)


@each(RIGHT)
def test_right_entries_agree_with_differences(entry):
    inputs, douts = drawn(entry, 1)
    assert_close(grads(entry, inputs, douts), differences(entry, inputs, douts), 1e-7)


@each(RIGHT)
def test_right_entries_keep_the_contract(entry):
    inputs, douts = drawn(entry, 2)
    true = grads(entry, inputs, douts)
    assert not mutates_cotangent(entry, inputs, douts, true)
    assert not mutates_input(entry, inputs, douts, true)
    assert not aliases(entry, inputs, douts, true)
    assert not random_forward(entry, inputs, douts, true)
    assert not random_backward(entry, inputs, douts, true)
    assert not stale(entry, inputs, douts, true)
    assert not strided(entry, inputs, douts, true)
    if entry.style == "layer":
        assert not second_forward(entry, inputs, douts, true)
    if entry.name != "Accumulating":
        assert not not_idempotent(entry, inputs, douts, true)


# ---- wrong entries -------------------------------------------------------------------------------
# What an entry's `shows` says must hold of it; true are the right entry's gradients.


def differ(got, true, rtol=1e-7):
    """Finite values of the right shapes, and not those of true."""
    same_shapes = all(np.shape(g) == np.shape(t) for g, t in zip(got, true, strict=True))
    finite = all(np.isfinite(g).all() for g in got)
    return same_shapes and finite and far(got, true, rtol)


def far(got, true, rtol=1e-7):
    pairs = zip(got, true, strict=True)
    return any(np.abs(g - t).max() > rtol * max(1e-3, np.abs(t).max()) for g, t in pairs)


def right_at_first(check):
    """Of entries whose gradients are right: only the contract is broken."""

    def both(entry, inputs, douts, true):
        assert_close(grads(entry, inputs, douts), true)
        return check(entry, inputs, douts, true)

    return both


def value(entry, inputs, douts, true):
    return differ(grads(entry, inputs, douts), true)


def shape(entry, inputs, douts, true):
    got = grads(entry, inputs, douts)
    return len(got) == len(true) and [np.shape(g) for g in got] != [t.shape for t in true]


def count(entry, inputs, douts, true):
    got = grads(entry, inputs, douts)
    return len(got) != len(true) or any(g is None for g in got)


def float32(entry, inputs, douts, true):
    got = grads(entry, inputs, douts)
    return differ(got, true, 1e-10) and not differ(got, true, 1e-5)


def nan(entry, inputs, douts, true):
    with np.errstate(all="ignore"):
        got = grads(entry, inputs, douts)
    return not all(np.isfinite(g).all() for g in got)


def large(entry, inputs, douts, true):
    """Right for small cotangents, wrong for large ones."""
    small, big = ([factor * d for d in douts] for factor in (1e-3, 1e3))
    assert not far(grads(entry, inputs, small), [1e-3 * t for t in true])
    return differ(grads(entry, inputs, big), [1e3 * t for t in true])


def raises(entry, inputs, douts, true):
    try:
        grads(entry, inputs, douts)
    except (ValueError, IndexError):
        return True
    return False


def forward(entry, inputs, douts, true):
    """Another function than the right entry's, and the gradients are not of this one."""
    outs, base = (e.run(fresh(inputs)).outs for e in (entry, BY_NAME[entry.of]))
    own = differences(entry, inputs, douts)
    return far(outs, base) and differ(grads(entry, inputs, douts), own, 1e-5)


@right_at_first
def mutates_cotangent(entry, inputs, douts, true):
    given = [np.array(d) for d in douts]
    entry.run(fresh(inputs)).pull(*given)
    return far(given, douts, 0)


@right_at_first
def mutates_input(entry, inputs, douts, true):
    given = fresh(inputs)
    entry.run(given).pull(*douts)
    return far(given.arrays(), inputs.arrays(), 0)


@right_at_first
def aliases(entry, inputs, douts, true):
    given = fresh(inputs)
    held = [*given.arrays(), *douts]
    got = entry.run(given).pull(*douts)
    if entry.style == "net":
        return False
    return any(np.shares_memory(g, h) for g in got for h in held)


def random_forward(entry, inputs, douts, true):
    return far(*(entry.run(fresh(inputs)).outs for _ in range(2)))


def random_backward(entry, inputs, douts, true):
    same = not random_forward(entry, inputs, douts, true)
    return same and far(*(grads(entry, inputs, douts) for _ in range(2)))


@right_at_first
def not_idempotent(entry, inputs, douts, true):
    run = entry.run(fresh(inputs))
    first = [np.array(g) for g in run.pull(*douts)]
    try:
        return far(run.pull(*douts), first)
    except IndexError:  # what the first one needed is gone
        return True


@right_at_first
def overwrites(entry, inputs, douts, true):
    """The gradients of parameters are to add up; the right entry's do."""
    twice = []
    for e in (entry, BY_NAME[entry.of]):
        run = e.run(fresh(inputs))
        run.pull(*douts)
        twice.append(run.pull(*douts))
    return far(*twice)


@right_at_first
def stale(entry, inputs, douts, true):
    """The backward of a call after another call."""
    run = entry.run(fresh(inputs))
    entry.run(inputs.replaced([1 - a for a in inputs.arrays()]))
    return far(run.pull(*douts), true)


@right_at_first
def second_forward(entry, inputs, douts, true):
    """An object's second forward and backward."""
    run = entry.run(inputs.replaced([-a for a in inputs.arrays()]))
    for path, array in fresh(inputs).params.items():
        assign(run.thing, path, array)
    run.thing.forward(*fresh(inputs).args)
    return far(run.pull(*douts), true)


@right_at_first
def strided(entry, inputs, douts, true):
    """The same cotangent in another order of memory."""
    given = [np.array(d, order="F") for d in douts]
    try:
        return far(entry.run(fresh(inputs)).pull(*given), true)
    except ValueError:
        return True


SHOWS = {
    "value": value,
    "shape": shape,
    "count": count,
    "float32": float32,
    "nan": nan,
    "large": large,
    "raises": raises,
    "forward": forward,
    "mutates cotangent": mutates_cotangent,
    "mutates input": mutates_input,
    "aliases": aliases,
    "random forward": random_forward,
    "random backward": random_backward,
    "not idempotent": not_idempotent,
    "overwrites": overwrites,
    "stale": stale,
    "second forward": second_forward,
    "strided": strided,
}


@each(WRONG)
def test_wrong_entries_are_wrong_as_they_say(entry):
    base = BY_NAME[entry.of]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        inputs = entry.make_inputs(rng)
        outs = base.run(fresh(inputs)).outs
        douts = cotangents(outs, rng)
        true = grads(base, inputs, douts)
        assert all(np.isfinite(t).all() for t in true)
        if entry.shows not in ("forward", "random forward"):
            assert_close(entry.run(fresh(inputs)).outs, outs, 1e-12)
        assert SHOWS[entry.shows](entry, inputs, douts, true)


@each(WRONG)
def test_wrong_entries_say_what_is_wrong(entry):
    base = BY_NAME[entry.of]
    assert entry.kind in KINDS and entry.what.endswith(".")
    if entry.build is base.build:
        parts = [(entry.forward, base.forward), (entry.backward, base.backward)]
        changed = [ours for ours, theirs in parts if ours is not theirs]
    else:
        changed = [entry.build.func if isinstance(entry.build, partial) else entry.build]
    lines = [line.strip() for part in changed for line in inspect.getsource(part).split("\n")]
    assert lines.count(entry.line) == 1


def test_the_zoo_is_large_and_names_are_its_own():
    names = [entry.name for entry in RIGHT + WRONG]
    assert len(set(names)) == len(names)
    assert len(RIGHT) >= 45 and len(WRONG) >= 60
