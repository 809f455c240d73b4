"""What JAX asks of a rule beside right gradients: that it is the same in jit and in vmap.

A custom_jvp is differentiated in both modes, and both have to be each other's transpose.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..report import Finding
from ..subject import Subject, cotangents_like, quiet
from .algebra import not_transposed
from .results import close, size_of


def laws(call: Any, subject: Subject, rng: Any) -> list[Finding]:
    """Findings about them, for a call (see subjects.jax_code)."""
    with quiet():
        run = subject.start([np.array(a) for a in subject.arrays])
        douts = [np.asarray(d) for d in cotangents_like(run.outs, rng)]
        grads = run.pull(*douts)
        found = _transformed(call, subject, douts, grads)
        return found + (_transposed(call, subject, douts, grads, rng) if call.jvp else [])


def _transformed(call: Any, subject: Subject, douts: Any, grads: Any) -> list[Finding]:
    """The gradients under jit, and under vmap over two copies, beside the plain ones."""
    jax = call.jax

    def gradients(arrays: Sequence[Any], v: Sequence[Any]) -> Any:
        return jax.vjp(call.of(call.f), *arrays)[1](tuple(v))

    arrays = [np.asarray(a) for a in subject.arrays]
    twice = [[np.stack([a, a]) for a in some] for some in (arrays, douts)]
    for word, made, given in (
        ("jit", jax.jit(gradients), (arrays, douts)), ("vmap", jax.vmap(gradients), twice)
    ):  # fmt: skip
        try:
            with jax.enable_x64(True):
                got = [np.asarray(g) for g in made(*given)]
        except Exception as error:
            text = f"under {word} it raises {type(error).__name__}: {str(error)[:120]}"
            return [Finding("GC054", "PASS", text, point="your point")]
        got = [g[1] if word == "vmap" else g for g in got]
        for name, g, h in zip(subject.names, grads, got, strict=True):
            if not close(g, h, size=size_of(grads, douts)):
                text = f"d{name} is another under {word}"
                return [Finding("GC054", "CONTRACT", text, name, "your point")]
    return []


def _transposed(call: Any, subject: Subject, douts: Any, grads: Any, rng: Any) -> list[Finding]:
    """⟨v, J u⟩ = ⟨Jᵀ v, u⟩."""
    u = [np.asarray(t) for t in cotangents_like(subject.arrays, rng)]
    with call.jax.enable_x64(True):
        moved = call.jax.jvp(call.of(call.f), tuple(map(np.asarray, subject.arrays)), tuple(u))[1]
    pushed = douts, [np.asarray(t, float) for t in moved]
    pulled = [np.asarray(g, float) for g in grads], u
    unit = 2.0**-52 if call.double else 2.0**-23
    return not_transposed(pushed, pulled, unit, 2.0**10, "the two modes")
