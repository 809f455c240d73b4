"""Steps of an engine of one's own that check.engine grades: backward, and functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ...check.engines.judged import engine
from ...check.report import Finding
from ...check.subject import quiet
from ..calls import raised_words, shown
from ..exercise import Told


def instances(module: ModuleType, part: str, *numbers: float) -> Any:
    """The learner's Value, and one for each number; or why there are none."""
    cls = getattr(module, "Value", None)
    if not isinstance(cls, type):
        return Told(part, "missing", {"name": "class Value"})
    try:
        with quiet():
            return cls, [cls(x) for x in numbers]
    except NotImplementedError:
        return Told(part, "empty")
    except Exception as error:
        return Told(part, "raises", {"call": "Value(2.0)"} | raised_words(error))


# What the checker says of a slope that is wrong: the beginning of the sentence, and our cause.
SLOPES = {
    "it is 0": "zero", "the sign": "sign", "the operand itself": "own_operand",
    "1 stands": "as_add", "it is 1": "no_local", "it is the value": "value",
    "its formula holds for the output": "input_for_output",
    "its formula holds for the input": "output_for_input",
    "it is the derivative times": "times_value", "it is the square": "twice",
    "it is 2": "factor", "it is 0.5": "factor",
}  # fmt: skip
WALKS = ("overwritten", "unseeded", "one_step", "upstream", "forwards", "order", "paths")


@dataclass(frozen=True)
class Driving:
    """A part that check.engine grades: these operators and methods, and backward."""

    name: str
    ops: tuple[str, ...]
    causes: Sequence[str] = (
        *WALKS, *dict.fromkeys(SLOPES.values()), "op_value", "op_reflected", "needs", "resets",
        "engine_walk", "engine_slope",
    )  # fmt: skip

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the class in a learner's file."""
        made = instances(module, self.name, 2.0)
        if isinstance(made, Told):
            return made
        cls, (one,) = made
        for method in (*(o for o in self.ops if o not in "+*"), "backward"):
            if not callable(getattr(cls, method, None)):
                return Told(self.name, "missing", {"name": method})
        if not hasattr(one, "grad") or not hasattr(one, "data"):
            return Told(self.name, "needs", {"step": "e1"})
        try:
            findings = engine(cls).findings
        except Exception as error:
            return Told(self.name, "raises", {"call": "Value(2.0)"} | raised_words(error))
        told = [f for f in findings if f.verdict not in ("PASS",) and self._ours(f)]
        return self._told(told) if told else Told(self.name)

    def _ours(self, finding: Finding) -> bool:
        """Whether a finding is about this step, not about what comes later or is not asked for."""
        late = [f".{m}()" for m in ("tanh", "relu") if m not in self.ops]
        beside = ("__rsub__", "__rtruediv__", "a - 3", "a / 3") if finding.code == "GC006" else ()
        return not any(word in finding.message for word in (*late, *beside))

    def _told(self, findings: Sequence[Finding]) -> Told:
        named = next((f for f in findings if f.code == "GC401"), None)
        first = findings[0]
        words = {"call": first.message.partition(": ")[0], "said": first.message, "output": "grad"}
        if first.worst:
            program, _, numbers = first.message.rpartition(": ")
            words |= {"graph": program, "call": f"{first.argument}.grad",
                      "yours": shown(first.worst.yours),
                      "right": shown(first.worst.true)}  # fmt: skip
            del words["output"]
        if first.code == "GC003":
            early = any(f"a {sign} " in first.message for sign in "+*")
            return Told(self.name, "needs" if early else "empty", {"step": "e2, e3"})
        if named is not None:
            return Told(self.name, *self._named(named, words))
        if first.code == "GC061":
            return Told(self.name, "resets", words)
        if first.code == "GC006":
            return Told(self.name, "op_reflected", words)
        if first.code == "GC211":
            parts = first.message.rpartition(": the result is ")
            yours, _, right = parts[2].partition(", true is ")
            return Told(self.name, "op_value", {"call": parts[0], "output": "data",
                                                "yours": yours, "right": right})  # fmt: skip
        if first.code == "GC001":
            error = first.message.partition("raises ")[2] or first.message
            return Told(self.name, "raises", words | {"error": error, "line": "?"})
        return Told(self.name, "engine_slope" if first.code == "GC201" else "engine_walk", words)

    def _named(self, named: Finding, words: dict[str, str]) -> tuple[str, dict[str, str]]:
        key = str(named.data["mistake"])
        if key != "slope":
            return (key if key in WALKS else "engine_walk"), words
        said = str(named.data["about"])
        about = {"output": named.message.partition("the derivative of ")[2].partition(":")[0]}
        factor = {"factor": said.split()[2]} if said.startswith(("it is 2 ", "it is 0.5")) else {}
        cause = next((c for start, c in SLOPES.items() if said.startswith(start)), "engine_slope")
        return cause, words | about | factor
