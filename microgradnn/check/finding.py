"""One thing that a check has to say, and the number of a gradient that it is about."""

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One number of a gradient: where it is, what it is, what it should be.

    error     |yours - true|
    ulps      the error in units in the last place of the true value, in the gradient's dtype
    bound     what the true value itself may be wrong by
    interval  the smallest and the largest one-sided derivative, at a kink
    """

    argument: str
    index: tuple[int, ...]
    yours: float
    true: float
    error: float
    ulps: float
    bound: float
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        if self.interval is not None:
            low, high = self.interval
            return f"{self.place}: yours {self.yours:.6g}, allowed [{low:.6g}, {high:.6g}]"
        digits = 6 if self.error > 1e-5 * abs(self.true) else 17
        # A bound is of interest where it says more than that the number is exact as a float.
        bound = f" ±{self.bound:.0e}" if self.bound > 1e-15 * abs(self.true) else ""
        return (
            f"{self.place}: yours {self.yours:.{digits}g}, true {self.true:.{digits}g}{bound}"
            f"{self._off()}"
        )

    @property
    def place(self) -> str:
        """The name of the entry: dW[2, 1]."""
        return f"d{self.argument}" + (f"[{', '.join(map(str, self.index))}]" if self.index else "")

    def _off(self) -> str:
        if not math.isfinite(self.error):
            return ""
        if self.true:
            return f", relative error {self.error / abs(self.true):.2g}"
        return f", absolute error {self.error:.2g}"

    def explain(self) -> str:
        """The entry with what an expert may want to know: ulps, and how well the truth is known."""
        off = f"{self.ulps:.3g} ulps off" if math.isfinite(self.ulps) else ""
        sure = f"the true value is known to ±{self.bound:.0e}" if self.bound else ""
        return f"{self.place}: " + ("; ".join(filter(None, (off, sure))) or "known exactly")


@dataclass(frozen=True)
class Finding:
    """One thing a check has to say.

    verdict   what it makes of the report: PASS for a remark
    argument  the input whose gradient it is about, where it is about one
    point     where it was seen: "your point", "zeros", …
    method    how the true value was obtained
    data      what a diagnosis may build on: arrays as nested lists, counts, names
    """

    code: str
    verdict: str
    message: str
    argument: str | None = None
    point: str = ""
    method: str = ""
    worst: Entry | None = None
    hint: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """The finding in one line: of a gradient that is wrong also how, where that is plain."""
        plain = self.hint and self.argument and self.code.startswith("GC2")
        return f"{self.message}; {self.hint}" if plain else self.message

    def details(self) -> list[str]:
        """What the headline leaves out: the worst entry, the point, the oracle, the hint."""
        lines = [f"worst {self.worst}" if self.worst is not None else ""]
        oracle = f"true value: {self.method}" if self.method else ""
        lines += ["; ".join(filter(None, (self.point and f"at {self.point}", oracle)))]
        lines += [self.hint if self.hint not in self.headline else ""]
        return [line for line in lines if line]

    def __str__(self) -> str:
        return "\n      ".join([f"{self.code} {self.headline}", *self.details()])[:1200]
