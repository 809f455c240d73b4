"""What was found as a subject: in the shapes and the dtype that its code works in."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from ..stages.results import same
from ..subject import Pass, Subject, cotangents_like, quiet
from ..subjects.labelled import agrees
from .arguments import Found, Made, single


def subject_of(found: Found, made: Made, said: bool) -> Subject:
    """What was found at these arguments; in float32 if that is what the code works in."""
    subject = found.subject(made.args, made.init, made.wrt)
    if subject.broken is None and subject.names and not said:
        with quiet():
            run = subject.start([np.array(a) for a in subject.arrays])
        if any(np.asarray(o).dtype == np.float32 for o in run.outs) or _rounds(subject, run):
            return found.subject(tuple(single(a) for a in made.args), made.init, made.wrt)
        if found.style == "layer" and len(made.args) == 1:
            return _as_built(found, made, subject, run)
    return subject


def _rounds(subject: Subject, run: Pass) -> bool:
    """Whether forward rounds what it is given to float32 before anything else."""
    with quiet(), suppress(Exception):  # whatever the user's code raises
        again = subject.start([single(a).astype(a.dtype) for a in subject.arrays])
        other = subject.start([a * (1 + 2.0**-20) for a in subject.arrays])
        pairs = zip(run.outs, again.outs, strict=True)
        return all(map(same, *zip(*pairs, strict=True))) and not all(
            map(same, run.outs, other.outs)
        )
    return False


def _as_built(found: Found, made: Made, subject: Subject, run: Pass) -> Subject:
    """The subject with its one input in the shape of its gradient.

    That is one that the constructor was told, or a column where many samples are taken for one.
    """
    with quiet(), suppress(Exception):  # whatever the user's code raises
        grads = run.pull(*cotangents_like(run.outs, np.random.default_rng(0)))
        there = [np.shape(g) for n, g in zip(subject.names, grads, strict=True)
                 if n not in subject.params]  # fmt: skip
        x = np.asarray(made.args[0])
        fits = len(there) == 1 and (there[0] in (*made.init, x.shape) or there[0] == (x.size, 1))
        if fits and there[0] != x.shape:
            return found.subject((made.args[0].reshape(there[0]),), made.init, made.wrt)
    return subject


def columns_as(found: Found, subject: Subject, made: Made) -> Made:
    """The arguments, in a column where those of the subject were laid so."""
    x = made.args[0] if found.style == "layer" and len(made.args) == 1 else None
    column = bool(subject.arrays) and np.shape(subject.arrays[0])[1:] == (1,)
    if not isinstance(x, np.ndarray) or not column or x.shape[-1:] == (1,):
        return made
    return replace(made, args=(x.reshape(-1, 1),))


def laid_otherwise(subject: Subject) -> str:
    """The shape of a cotangent that backward runs with where it raises for the output's; or ""."""
    with quiet():
        for change in (_row_each, np.transpose, _column_each):
            with suppress(Exception):  # whatever the user's code raises
                run = subject.start([np.array(a) for a in subject.arrays])
                douts = cotangents_like(run.outs, np.random.default_rng(0))
                if len(douts) == 1 and np.ndim(douts[0]) == 2:
                    other = change(douts[0])
                    run.pull(other)
                    return str(other.shape)
    return ""


def _row_each(dout: Any) -> Any:
    return dout.T[:, None, :]


def _column_each(dout: Any) -> Any:
    return dout[:, :, None]


def one_of_many(found: Found, made: Made, subject: Subject) -> Subject | None:
    """The same of one sample, where forward takes many for one: each row changes what others give.

    So a softmax that sums over all there is, written for one sample and given a batch.
    """
    alone = len(subject.arrays) == len(made.args) == 1 and np.ndim(subject.arrays[0]) == 2
    if not alone or not _mixes(subject):
        return None
    with quiet(), suppress(Exception):  # whatever the user's code raises
        one = found.subject((made.args[0][0],), made.init, made.wrt)
        return one if one.broken is None and one.names == subject.names else None
    return None


def _mixes(subject: Subject) -> bool:
    """Whether the first row of the output is another when the last row of the input is."""
    with quiet(), suppress(Exception):  # whatever the user's code raises
        before = subject.start([np.array(a) for a in subject.arrays]).outs
        moved = np.array(subject.arrays[0])
        moved[-1] += np.linspace(0.5, 1, moved.shape[1])
        after = subject.start([moved]).outs
        same_shape = np.shape(before[0]) == moved.shape and len(before) == 1
        return same_shape and not same(before[0][0], after[0][0])
    return False


def runs_for_one(found: Found, made: Made) -> bool:
    """Whether backward, which raises for many samples, gives gradients of a single row."""
    x = made.args[0] if len(made.args) == 1 else None
    if not isinstance(x, np.ndarray) or x.ndim < 2:
        return False
    row = x.reshape(-1, x.shape[-1])[:1]
    with quiet(), suppress(Exception):  # whatever the user's code raises
        one = found.subject((row,), made.init, made.wrt)
        return one.broken is None and agrees(one)
    return False
