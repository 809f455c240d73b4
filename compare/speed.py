"""python -m compare speed: step times of all frameworks, measured in turn in one run, as ratios."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from microgradnn.atomic import write_atomically
from microgradnn.errors import ConfigError, MicrogradError

from . import output
from .timing.cases import CASES, GROUPS, flops
from .timing.measured import Timed, measure, missing
from .timing.speed_page import page
from .timing.timed_steps import FORMS, SLOW_TO_START

SCHEMA = 1
HOW = (
    "Each form runs in a process of its own; turns are taken A B C A B C …, and a ratio is the "
    "median of the ratios of turns that followed each other. “Matrix products alone” is the least "
    "that a step can take with NumPy's own products."
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m compare speed", description=__doc__)
    p.add_argument("--tasks", default="small,mnist,moons", help=f"of {', '.join(GROUPS)}, or all")
    p.add_argument("--forms", help="by name, with commas; default: all that start quickly")
    p.add_argument("--steps", type=int, default=7, metavar="N", help="turns of each form")
    p.add_argument("--seconds", type=float, default=0.1, help="of each turn")
    p.add_argument("--threads", type=int, default=1, help="of each process; 0: as many as it likes")
    p.add_argument("--out", type=Path, help="a folder for speed.json and speed.html")
    return p


def main(argv: Sequence[str]) -> int:
    """The exit status: 0, 1 if a form failed, 2 if it could not begin, 130 if interrupted."""
    args = parser().parse_args(argv)
    try:
        forms, cases = _asked(args)
        if args.out:
            output.try_out(args.out)
        found, started = measure(forms, cases, args.steps, args.seconds, args.threads, _tick)
    except (MicrogradError, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ncompare: interrupted; nothing was written", file=sys.stderr)
        return 130
    _tick("")
    made = report(found, started, args)
    _print(made)
    if args.out:
        text = json.dumps(made, indent=1) + "\n"
        write_atomically(args.out / "speed.json", text)
        print(f"report: {write_atomically(args.out / 'speed.html', page(made))}")
    return 1 if any(timed.error for timed in found) else 0


def _asked(args: argparse.Namespace) -> tuple[list[str], list[Any]]:
    groups = list(GROUPS) if args.tasks == "all" else args.tasks.split(",")
    for name in groups:
        if name not in GROUPS:
            raise ConfigError(f"speed: no task {name!r}; use some of {', '.join(GROUPS)}, or all")
    if args.steps < 1 or not 0 < args.seconds < 3600 or args.threads < 0:
        raise ConfigError("speed: --steps and --seconds must be positive, --threads 0 or more")
    asked = args.forms.split(",") if args.forms else None
    for form in asked or ():
        if form not in FORMS:
            raise ConfigError(f"speed: no form {form!r}; use some of {', '.join(FORMS)}")
        if missing(form):
            raise ConfigError(f"speed: {form} needs {missing(form)}, which is not installed")
    some = asked or [form for form in FORMS if form not in SLOW_TO_START and not missing(form)]
    return some, [case for name in groups for case in GROUPS[name]]


def report(
    found: Sequence[Timed], started: dict[str, dict[str, Any]], args: argparse.Namespace
) -> dict[str, Any]:
    """What speed.json holds."""
    rows = []
    for timed in found:
        alike = [other for other in found if other.case == timed.case]
        first = next((o for o in alike if o.form in ("microgradnn", "scalar.MLP")), alike[0])
        rows.append({
            "case": timed.case, "form": timed.form, "step_s": timed.step_s,
            "ratio": timed.ratio(first), "of": first.form, "first_s": timed.first_s,
            "memory": timed.memory, "flops": flops(CASES[timed.case]), "turns": timed.turns,
            "error": timed.error,
        })  # fmt: skip
    facts = {
        "machine": platform.platform(), "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(), "load at the end": round(os.getloadavg()[0], 1)
        if hasattr(os, "getloadavg") else "", "Python": platform.python_version(),
        "threads": args.threads or "not set", "turns": args.steps, "seconds a turn": args.seconds,
    }  # fmt: skip
    return {"schema": SCHEMA, "how": HOW, "facts": facts, "started": started, "rows": rows}


def _tick(text: str) -> None:
    """What runs now, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _print(made: dict[str, Any]) -> None:
    case = ""
    for row in made["rows"]:
        if row["case"] != case:
            case = row["case"]
            print(f"\n{case}: median of the turns, measured in turn")
        if row["error"]:
            print(f"  {row['form']:28s} {row['error']}")
            continue
        print(
            f"  {row['form']:28s} {1e6 * row['step_s']:12.1f} µs   {row['ratio']:6.2f} × "
            f"{row['of']}   first step {row['first_s']:.2g} s, {row['memory']:+.0f} MiB"
        )
    facts = ", ".join(f"{k} {v}" for k, v in made["facts"].items())
    print(f"\n{facts}")
