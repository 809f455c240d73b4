"""What an exercise is: a stub, parts that are graded one by one, and what is said of a part."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from types import ModuleType
from typing import Protocol

from ..check.report import Finding, Report
from .catalogue import Catalogue

# What may be said of any part, whatever the exercise.
GENERAL = (
    "missing", "empty", "nothing", "raises", "misfit", "endless", "type", "count", "shape",
    "not_finite", "complex", "results_order",
    "changes", "unnamed", "checker", "hangs", "ends", "tampered",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What is said of one part.

    cause  what is wrong, as a name in the catalogues; "" if nothing
    words  what is put into the texts: numbers, names, a call
    """

    part: str
    cause: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    def to_report(self) -> Report:
        """In the form in which a child process tells its parent."""
        if not self.cause:
            return Report(self.part)
        verdict = "NOT_WRITTEN" if self.cause in ("empty", "missing") else "FAIL"
        data = {"cause": self.cause, "words": dict(self.words)}
        return Report(self.part, (Finding("GC401", verdict, self.cause, data=data),))


def told(report: Report) -> Told:
    """What a report from a child says; also one about a child that did not survive."""
    if not report.findings:
        return Told(report.name)
    finding = report.findings[0]
    if "cause" in finding.data:
        words = {str(k): str(v) for k, v in dict(finding.data.get("words", {})).items()}
        return Told(report.name, str(finding.data["cause"]), words)
    if finding.code == "GC005":
        return Told(report.name, "tampered", {"said": finding.message})
    late = re.match(r"(?:does not come back|not done) within (\S+) s", finding.message)
    if late:
        return Told(report.name, "hangs", {"seconds": late[1]})
    return Told(report.name, "ends", {"said": finding.message})


class Part(Protocol):
    """Something that is graded by itself: one function, or one property of a class."""

    @property
    def name(self) -> str:
        """Its name, which for a function is the function's."""

    @property
    def causes(self) -> Sequence[str]:
        """All that it can be told to be wrong by, beside what is GENERAL."""

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of it in a learner's file."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: its number, the name of the learner's file, the stub, and its parts.

    series  the name of the file that several exercises share, and of its texts; "" for none
    """

    number: str
    name: str
    stub: str
    parts: Sequence[Part]
    series: str = ""

    @property
    def file(self) -> str:
        """What the learner's file is called."""
        return f"{self.series}.py" if self.series else f"ex{self.number}_{self.name}.py"

    def written(self, say: Catalogue) -> str:
        """The stub, with its texts in a language."""
        words = say.under(f"exercise.{self.series or self.number}.doc")
        out = []
        for line in self.stub.lstrip("\n").splitlines():
            text = Template(line).safe_substitute(words)
            indent = line[: len(line) - len(line.lstrip())]
            if "\n" in text and text.endswith('"""'):
                text = text[:-3] + '\n"""'
            out.append(text.replace("\n", "\n" + indent))
        return re.sub(r"[ \t]+$", "", "\n".join(out), flags=re.M) + "\n"
