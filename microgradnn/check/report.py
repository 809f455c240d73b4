"""What a check found: findings with stable codes, the verdict that follows, and how to read it."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

from ..errors import CheckError
from .codes import CODES, MEANING, OK, STATUS, STRICT, WEIGHT
from .finding import Entry, Finding
from .printable import clean

__all__ = ["EXACT", "Entry", "Finding", "Report", "junit", "report_from_dict"]


@dataclass(frozen=True)
class Report:
    """The result of a check; true in an `if` when ok.

    checks      the codes that were looked at
    points      the points where values were compared
    methods     how the true derivatives were obtained, by argument
    smallest    the smallest relative error of a gradient that would have been found, by argument
    coverage    entries of the gradient that were not zero at some point, and all, by argument
    reproduce   a line of Python that runs the same check again
    shapes      the shapes at which values were compared, by argument
    untried     points and configurations that forward does not take, and why
    certificate what others need to repeat the proof, where that was asked for
    """

    name: str
    findings: tuple[Finding, ...] = ()
    checks: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    methods: dict[str, str] = field(default_factory=dict)
    smallest: dict[str, float] = field(default_factory=dict)
    coverage: dict[str, tuple[int, int]] = field(default_factory=dict)
    seed: int = 0
    reproduce: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    shapes: tuple[dict[str, tuple[int, ...]], ...] = ()
    untried: tuple[str, ...] = ()
    certificate: dict[str, Any] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        return str(import_module("microgradnn.show.reprs").report_html(str(self), self.ok))

    @property
    def verdict(self) -> str:
        """One of VERDICTS: that of the finding that weighs most."""
        return max((f.verdict for f in self.findings), key=WEIGHT.__getitem__, default="PASS")

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found and all was looked at; a convention is not wrong."""
        return self.verdict in OK

    @property
    def proved(self) -> bool:
        """Whether all true gradients were proved, at the user's point, not found by differences."""
        return bool(self.methods) and set(self.methods.values()) == {EXACT}

    @property
    def status(self) -> int:
        """The exit status of a program that reports this: 0 if ok, else the verdict's own."""
        return STATUS.get(self.verdict, 0)

    @property
    def conventional(self) -> bool:
        """Whether it is ok by a convention only: the verdict is CONVENTION."""
        return self.verdict == "CONVENTION"

    def strict_status(self) -> int:
        """The exit status where no convention is allowed."""
        return STRICT if self.conventional else self.status

    @property
    def worst(self) -> Entry | None:
        """The entry with the largest error among the findings of the verdict, or None."""
        entries = [f.worst for f in self.findings if f.worst and f.verdict == self.verdict]
        entries = entries or [f.worst for f in self.findings if f.worst]
        return max(entries, key=_badness, default=None)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        told = (f for f in self.findings if f.verdict != "PASS")
        # A wrong value says more than a law that is broken.
        shown = sorted(told, key=lambda f: (-WEIGHT[f.verdict], f.code.startswith("GC1")))
        if not shown:
            named = "".join(f"{f.message}; " for f in self.findings if f.code == "GC403")
            return clean(f"{self.verdict} {self.name}: {named}{self._summary()}")
        first, *others = shown
        others.sort(key=lambda f: not f.code.startswith(("GC4", "GC5")))
        lines = [f"{self.verdict} {self.name}: {first.headline}"]
        details = first.details() or [CODES.get(first.code, "")]
        lines += ["\n      ".join([f"  {first.code} {details[0]}", *details[1:]])[:1200]]
        lines += [f"  {f}" for f in others]
        lines += [f"  {self._summary()}"]
        if not self.ok and self.reproduce:
            lines.append(f"  again: {self.reproduce}")
        return clean("\n".join(lines))

    def hinted(self, level: str) -> "Report":
        """The report with no more help than a level of HINTS allows, as a course wants it."""
        if level == HINTS[-1]:
            return self
        kept = {"none": (), "class": ("GC4",), "line": ("GC4", "GC5")}[level]
        findings = [f for f in self.findings if f.code[:3] not in ("GC4", "GC5")
                    or f.code.startswith(kept)]  # fmt: skip
        return replace(self, findings=tuple(replace(f, hint="", worst=None) for f in findings))

    def _summary(self) -> str:
        """What was looked at: "x (4, 3), b (3,) at 12 points; 31 checks, …"."""
        steps = [p for p in self.points if p.endswith(" steps")]  # of an optimiser
        points = _many(len(self.points), "point") if self.points else "no values compared"
        points = steps[0] if steps else points
        if self.shapes and self.points:
            points = f"{_listed(self.shapes[0])} at {points}"
        checks = _many(len(self.checks), "check")
        not_tried = f"{len(self.untried)} not tried, " if self.untried else ""
        return f"{points}; {not_tried}{checks}, seed {self.seed}, {self.seconds:.2f} s"

    def explain(self) -> str:
        """The whole report in words: what was looked at and how, all findings, what was not."""
        lines = [str(self), "", f"verdict    {self.verdict}: {self._meaning()}"]
        lines += [f"points     {', '.join(self.points) or 'none'}"]
        for tried in self.shapes:
            lines.append(f"shapes     {_listed(tried, len(tried))}")
        lines += [f"entry      {f.worst.explain()}" for f in self.findings if f.worst]
        for name, method in self.methods.items():
            text = f"d{name}: {method}"
            if name in self.smallest:
                text += f"; errors from {self.smallest[name]:.0e} (relative) on would be found"
            if name in self.coverage:
                text += "; {} of {} entries were nonzero at some point".format(*self.coverage[name])
            lines.append(f"oracle     {text}")
        if EXACT in self.methods.values():
            lines.append(f"           {EXACT}: {_EXACT_MEANS}")
        lines += [f"remark     {f}" for f in self.findings if f.verdict == "PASS"]
        lines += [f"not tried  {text}" for text in self.untried]
        lines += [f"note       {note}" for note in self.notes]
        lines += [f"looked at  {code} {CODES[code]}" for code in self.checks]
        return clean("\n".join([*lines, f"again      {self.reproduce}"]))

    def _meaning(self) -> str:
        if self.verdict == "PASS" and not any(c.startswith(("GC2", "GC3")) for c in self.checks):
            return "no rule is broken; whether the gradients are right was not asked"
        return MEANING[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """The report as dicts, lists, strings and numbers; numbers JSON lacks are strings."""
        out = {"verdict": self.verdict, "ok": self.ok, **asdict(self)}
        out["worst"] = asdict(self.worst) if self.worst else None
        return _plain(out)

    def to_json(self, indent: int | None = 2) -> str:
        """to_dict() as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def to_junit(self) -> str:
        """JUnit XML with one test case, for CI systems; see junit() for several reports."""
        return junit([self])

    def raise_if_failed(self, strict: bool = False) -> None:
        """Raises CheckError with the report as text, unless ok; if strict, at a convention too."""
        if self.strict_status() if strict else self.status:
            raise CheckError(str(self))


HINTS = ("none", "class", "line", "fix")  # what is told: only that, also what, where, how to mend
EXACT = "traced exactly"  # the method of the best oracle
_EXACT_MEANS = (
    "your own forward ran on numbers that remember how they were made and carry a proven error "
    "bound (balls, of python-flint)"
)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _listed(shapes: dict[str, tuple[int, ...]], most: int = 6) -> str:
    """ "x (4, 3), b (3,)": names and shapes; "and 2 more" where there are many."""
    words = [f"{name} {tuple(shape)}" for name, shape in shapes.items()]
    more = [f"and {len(words) - most} more"] if len(words) > most else []
    return ", ".join([*words[:most], *more])


def _badness(entry: Entry) -> float:
    return math.inf if math.isnan(entry.error) else entry.error / (abs(entry.true) + 1e-300)


def _plain(x: Any) -> Any:
    if isinstance(x, dict):
        return {clean(str(k)): _plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [_plain(v) for v in x]
    if hasattr(x, "tolist"):
        return _plain(x.tolist())
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    return x if x is None or isinstance(x, (bool, int, float)) else clean(str(x))


def report_from_dict(d: dict[str, Any]) -> Report:
    """The Report that to_dict() made d from; numbers may be strings ("nan", "inf")."""
    kept = {f.name: d[f.name] for f in fields(Report) if f.name in d}
    kept["findings"] = tuple(
        Finding(**{**f, "worst": _entry(f["worst"]) if f.get("worst") else None})
        for f in d.get("findings", ())
    )
    for name in ("checks", "points", "notes", "untried"):
        kept[name] = tuple(d.get(name, ()))
    kept["smallest"] = {k: float(v) for k, v in d.get("smallest", {}).items()}
    kept["coverage"] = {k: (int(a), int(b)) for k, (a, b) in d.get("coverage", {}).items()}
    kept["seconds"] = float(d.get("seconds", 0))
    tried = d.get("shapes", ())
    kept["shapes"] = tuple({n: tuple(map(int, s)) for n, s in t.items()} for t in tried)
    return Report(**kept)


def _entry(d: dict[str, Any]) -> Entry:
    yours, true, error, ulps, bound = (
        float(d[k]) for k in ("yours", "true", "error", "ulps", "bound")
    )
    low, high = d.get("interval") or (None, None)
    interval = None if low is None or high is None else (float(low), float(high))
    return Entry(d["argument"], tuple(d["index"]), yours, true, error, ulps, bound, interval)


def junit(reports: Sequence[Report], strict: bool = False) -> str:
    """JUnit XML: one test case for each report, a failure where it is not ok.

    A convention is a failure if strict; its sentence is in the case's output in any case.
    """
    failed = [r for r in reports if (r.strict_status() if strict else r.status)]
    suite = ElementTree.Element(
        "testsuite",
        name="microgradnn check",
        tests=str(len(reports)),
        failures=str(len(failed)),
        errors="0",
        time=f"{sum(r.seconds for r in reports):.3f}",
    )
    for r in reports:
        case = ElementTree.SubElement(
            suite, "testcase", classname="gradcheck", name=clean(r.name), time=f"{r.seconds:.3f}"
        )
        if any(r is f for f in failed):
            failure = ElementTree.SubElement(case, "failure", type=r.verdict, message=r.verdict)
            failure.text = clean(str(r))
        ElementTree.SubElement(case, "system-out").text = clean(r.explain())
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)
