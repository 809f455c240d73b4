"""What a framework asks of a hand-written rule beside right gradients: each has its own laws."""

from typing import Any

from ..report import Finding
from ..subject import Subject
from . import jax_laws, torch_laws

LAWS = {"TorchCall": torch_laws.laws, "JaxCall": jax_laws.laws}


def of_framework(subject: Subject, rng: Any, found: list[Finding]) -> list[Finding]:
    """Findings about the laws of the subject's framework.

    Second derivatives are told of right first ones only: those of others are wrong, too.
    """
    laws = LAWS.get(type(subject.frame).__name__)
    if laws is None:
        return []
    wrong = any(f.verdict == "FAIL" for f in found)
    return [f for f in laws(subject.frame, subject, rng) if not (wrong and f.code == "GC207")]
