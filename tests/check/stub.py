"""A checker that says what it is told to, for tests of everything around the checker.

STUB goes into a sitecustomize.py. It takes the place of microgradnn.check.files.found and, for speed, of
the __init__.py of the packages. A forward is called once with 2.0; the verdict it returns becomes
the report's.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]

STUB = (
    f"ROOT = {str(ROOT)!r}"
    + r"""
import importlib.util, sys, types

def bare(name):
    folder = "/".join([ROOT, *name.split(".")])
    spec = importlib.util.spec_from_file_location(
        name, folder + "/__init__.py", submodule_search_locations=[folder]
    )
    sys.modules[name] = importlib.util.module_from_spec(spec)
    return sys.modules[name]

def check_found(found, *, seed, select, ignore):
    from microgradnn.check.codes import VERDICTS
    from microgradnn.check.report import Finding, Report
    out = found.forward(2.0)[0]
    if out == "guess":
        raise guess.GuessError("check: no arguments found for f(x) in 3 tries\n  TypeError\n  write x")
    if out == "bug":
        raise KeyError("ours")
    findings = (Finding("GC201", out, "as told"),) if out in VERDICTS else ()
    return Report(found.name, findings, (*select, *ignore), seed=seed, notes=(str(out),))

bare("microgradnn").__version__ = "stub"
sys.modules["microgradnn"].check = bare("microgradnn.check")
bare("microgradnn.check.files")
found, guess = types.ModuleType("microgradnn.check.files.found"), bare("microgradnn.check.files.arguments")
found.check_found, guess.GuessError = check_found, type("GuessError", (Exception,), {})
sys.modules[found.__name__] = found
from microgradnn.check.files.discover import Found, find
guess.Found, guess.find = Found, find
guess.Made = guess.maker = None
"""
)


def pair(name, *body, result="x"):
    """The text of a forward and a backward; the forward's body, and what it returns."""
    body = "".join(f"    {line}\n" for line in body)
    return (
        f"def {name}_forward(x):\n{body}    return {result}, x\n\n"
        f"def {name}_backward(dout, cache):\n    return dout * cache\n\n"
    )


def verdict(name, said):
    """A pair on which the stub gives this verdict."""
    return pair(name, result=repr(said))
