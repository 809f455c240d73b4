"""The verdicts and the codes of a check: what they are called, what they mean, which are wanted."""

from collections.abc import Iterable, Sequence

from ..errors import ConfigError

# From the best to the worst.
MEANING = {
    "PASS": "every gradient is right at every point, within rounding",
    "PASS_SUBGRADIENT": "right; at kinks the gradient lies between the one-sided derivatives",
    "UNSTABLE": "the formula is right, but in floating point it loses digits at the point given",
    "CONVENTION": "not the gradient of forward, but what many write and mean: see the finding",
    "FAIL": "a gradient is wrong by more than rounding and the oracle's error bound allow",
    "INCONCLUSIVE": "nothing wrong was found, but nothing could be proved either",
    "CONTRACT": "forward and backward do not keep the rules that callers rely on",
    "NONDETERMINISTIC": "two calls with the same arguments give different results",
    "NOT_WRITTEN": "forward or backward is still empty",
    "NOTHING": "nothing was looked at: no check is selected, or there are no numbers",
}
VERDICTS = tuple(MEANING)
OK = VERDICTS[: VERDICTS.index("FAIL")]
# The exit status of a program that reports a verdict; those in OK have 0.
STATUS = {verdict: 3 + i for i, verdict in enumerate(VERDICTS[len(OK) :])}
STRICT = 3  # that of a convention where none is allowed
# Which of several findings speaks for all: a wrong value is news even beside a broken contract.
_ORDER = (*OK, "NOTHING", "INCONCLUSIVE", "CONTRACT", "FAIL", "NONDETERMINISTIC", "NOT_WRITTEN")
WEIGHT = {verdict: i for i, verdict in enumerate(_ORDER)}

CODES = {
    "GC001": "forward or backward raises, or does not come back",
    "GC002": "the forward result is not finite at the point given",
    "GC003": "forward or backward is still empty",
    "GC004": "nothing was looked at",
    "GC005": "NumPy, Python or microgradnn was changed: no verdict can be believed",
    "GC006": "an operator is missing",
    "GC010": "forward gives other results at a second call",
    "GC011": "backward gives other results at a second call",
    "GC020": "forward changes its inputs",
    "GC021": "backward changes the inputs",
    "GC022": "backward changes the cotangent",
    "GC023": "module variables are changed",
    "GC030": "a gradient shares memory with an input",
    "GC031": "a gradient shares memory with the cotangent or with another gradient",
    "GC040": "wrong number of gradients, or None",
    "GC041": "a gradient has the wrong shape",
    "GC042": "a gradient has the wrong dtype",
    "GC043": "a gradient depends on which others are asked for",
    "GC050": "a cotangent that is not contiguous or not writable is not handled",
    "GC051": "an input that is not contiguous or not writable is not handled",
    "GC052": "empty or zero-dimensional arrays are not handled",
    "GC053": "an output that is not used is not handled",
    "GC054": "a gradient is another under jit or vmap",
    "GC060": "backward of an earlier call uses what a later call left behind",
    "GC061": "a second backward neither repeats nor adds up",
    "GC101": "backward(0) is not 0",
    "GC102": "backward is not linear in the cotangent",
    "GC103": "jvp and vjp are not each other's transpose",
    "GC104": "wrong when the same array is given twice",
    "GC201": "a gradient is wrong",
    "GC202": "a gradient is not finite where the derivative is",
    "GC203": "digits are lost: the formula is right, its evaluation is not",
    "GC204": "no oracle is accurate enough to decide",
    "GC205": "the oracles disagree with each other",
    "GC206": "part of the Jacobian was zero at every point: untested",
    "GC207": "a derivative of higher order is wrong",
    "GC208": "the remainder of the Taylor series does not shrink as it should",
    "GC209": "a gradient is right only by a convention",
    "GC211": "an engine computes a wrong value",
    "GC212": "forward gives other values than a key's",
    "GC301": "at a kink: a valid subgradient",
    "GC302": "at a kink: outside the interval of one-sided derivatives",
    "GC303": "digits are lost at an extreme point",
    "GC401": "the mistake has a name",
    "GC402": "a mistake that has no name here",
    "GC403": "which optimiser it is",
    "GC501": "the first line that is wrong",
}


def selected(code: str, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> bool:
    """Whether a code is wanted: select and ignore hold codes or their beginnings ("GC2")."""
    wanted = not select or any(code.startswith(s) for s in select)
    return wanted and not any(code.startswith(s) for s in ignore)


def check_codes(option: str, codes: Iterable[str] | str | None) -> tuple[str, ...]:
    """The codes as a tuple, "GC1,GC2" split; ConfigError for one that begins no known code."""
    words = codes.split(",") if isinstance(codes, str) else list(codes or ())
    words = [w.strip() for w in words if w.strip()]
    for word in words:
        if not any(code.startswith(word) for code in CODES):
            raise ConfigError(
                f"{option}: no check has the code {word!r}; codes begin with GC0 (contract), GC1 "
                "(algebra), GC2 (value), GC3 (points), GC4 (mistakes), GC5 (lines)"
            )
    return tuple(words)
