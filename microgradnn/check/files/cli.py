"""python -m microgradnn check FILE[::NAME]: are the hand-written gradients in these files right?

Finds forward and backward passes (affine_forward with affine_backward, classes with forward and
backward, losses that return gradients), makes inputs for them and checks them, each file in a
process of its own. The exit status is 0 if all are right, also where a convention makes them so
(CONVENTION; 3 with --strict), 3 FAIL, 4 INCONCLUSIVE, 5 CONTRACT,
6 NONDETERMINISTIC, 7 NOT_WRITTEN, 8 NOTHING was looked at (the largest), 2 for a wrong command or
a file that cannot be loaded, 130 after Ctrl-C. For courses: check --class --help.
"""

import argparse
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...optional import have
from ..codes import check_codes
from ..printable import clean
from ..report import HINTS, Finding, Report, junit
from .certificates import write_certificates
from .child import FileError, NothingError, Settings, check_file, list_file

WITHOUT_FLINT = (
    "microgradnn: without python-flint nothing is proved and differences decide; in a clone of "
    "microgradnn write: pip install -e '.[check]'"
)


@dataclass
class Result:
    """What came of one file."""

    file: str
    reports: list[Report] = field(default_factory=list)
    found: list[dict[str, Any]] | None = None
    error: str = ""
    interrupted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For --json: "file", "reports" or "found", and "error" if there is one."""
        out: dict[str, Any] = {"file": clean(self.file)}
        if self.found is not None:
            out["found"] = [{**f, "name": clean(f["name"])} for f in self.found]
        elif self.reports or not self.error:
            out["reports"] = [r.to_dict() for r in self.reports]
        return {**out, "error": clean(self.error)} if self.error else out

    def cases(self) -> list[Report]:
        """For --junit: the reports under the file's name, and one for the error."""
        named = [replace(r, name=f"{self.file}::{r.name}") for r in self.reports]
        if self.error:
            named.append(Report(self.file, (Finding("GC001", "CONTRACT", self.error),)))
        return named

    def status(self, strict: bool = False) -> int:
        """The exit status it stands for."""
        each = (r.strict_status() if strict else r.status for r in self.reports)
        return max([2 if self.error else 0, *each])


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(
        prog="python -m microgradnn check",
        description=__doc__.partition("\n")[2] if __doc__ else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = top.add_argument
    add("files", nargs="+", metavar="FILE[::NAME]",
        help="a Python file, a notebook or a folder; ::NAME for one part of a file")  # fmt: skip
    add("--list", action="store_true", help="only show what would be checked")
    add("--explain", action="store_true", help="say how it was checked, too")
    add("-q", "--quiet", action="store_true", help="show only what is not right")
    add("--json", action="store_true", help="one JSON document on stdout")
    add("--junit", metavar="FILE", type=Path, help="write JUnit XML for CI systems, too")
    add("--certificate", metavar="FILE", type=Path,
        help="write what others need to repeat the proofs, and a script that does")  # fmt: skip
    add("--strict", action="store_true", help="exit with 3 at a CONVENTION, too")
    add_checking(top)
    return top


def add_checking(top: argparse.ArgumentParser) -> None:
    """Adds the options of how files are checked; courses have them too."""
    add = top.add_argument
    add("-v", "--verbose", action="store_true", help="show what the files print, on stderr")
    add("--hints", choices=HINTS, default=HINTS[-1], metavar="LEVEL",
        help="for courses, what is told of a mistake: none, its class, also the line, also the fix "
        "(default)")  # fmt: skip
    add("--select", metavar="CODES", help="only these checks: GC2, or GC041,GC1")
    add("--ignore", metavar="CODES", help="all checks but these")
    add("--seed", type=int, default=0, help="of the inputs; default: %(default)s")
    add("--time-limit", type=float, default=60.0, metavar="SECONDS",
        help="for each function; default: %(default)g")  # fmt: skip
    add("--memory-limit", type=int, default=0, metavar="MB",
        help="on Linux; default: three quarters of the machine's")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """The exit status; raises ConfigError for options that make no sense."""
    args = parser().parse_args(arguments)
    how = Settings(
        seed=args.seed,
        select=check_codes("--select", args.select),
        ignore=check_codes("--ignore", args.ignore),
        time_limit=args.time_limit,
        memory=args.memory_limit * 2**20,
        verbose=args.verbose,
        certify=args.certificate is not None,
    )
    targets = [_target(text) for text in args.files]
    if not (have("flint") or args.quiet or args.list):
        print(WITHOUT_FLINT, file=sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not know "±"
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run(targets, how, args)
    except BrokenPipeError:  # | head: what is still buffered must not fail again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _target(text: str) -> tuple[str, list[str]]:
    """The file and the names of FILE::NAME::NAME."""
    words = text.split("::")
    starts = range(len(words), 1, -1)  # a path may have :: in it
    whole = next((i for i in starts if Path("::".join(words[:i])).is_file()), 1)
    file, names = "::".join(words[:whole]), words[whole:]
    if not file or not all(names):
        raise ConfigError(f"check: {text!r} is not FILE or FILE::NAME, as layers.py::affine")
    return file, names


# Folders in which nobody wants files to be checked; hidden ones are left out, too.
_NOT_OURS = {"venv", "env", "site-packages", "node_modules", "build", "dist"}


def _inside(folder: Path) -> list[str]:
    """The Python files in a folder and below it."""
    return [
        str(path)
        for path in sorted(folder.rglob("*.py"))
        if not any(p in _NOT_OURS or p.startswith(".") for p in path.relative_to(folder).parts)
    ]


def _run(targets: list[tuple[str, list[str]]], how: Settings, args: argparse.Namespace) -> int:
    results: list[Result] = []
    for target, names in targets:
        folder = Path(target).is_dir() and not names
        files = _inside(Path(target)) if folder else [target]
        found = _results(files, names, how, args, folder)
        if not found:
            found = [Result(target, error=f"{target}: nothing to check in this folder")]
            _tell(found[0].error)
        results += found
        if results[-1].interrupted:
            break
    if args.json:
        print(json.dumps([r.to_dict() for r in results], indent=2, allow_nan=False))
    sys.stdout.flush()
    status = max(r.status(args.strict) for r in results)
    if args.certificate:
        reports = [r for result in results for r in result.reports]
        print(write_certificates(args.certificate, reports), file=sys.stderr)
    if args.junit and not _written(args.junit, results, args.strict):
        status = max(status, 2)
    return 130 if results[-1].interrupted else status


def _results(
    files: list[str], names: list[str], how: Settings, args: argparse.Namespace, folder: bool
) -> list[Result]:
    """What came of each file; those of a folder that hold nothing to check are left out."""
    results = []
    for file in files:
        result = Result(file)
        try:
            _look(result, names, how, args)
        except FileError as error:
            if folder and isinstance(error, NothingError):
                continue
            result.error = clean(str(error))
            _tell(result.error)
        except KeyboardInterrupt:
            result.error, result.interrupted = "interrupted", True
            _tell("interrupted")
        results.append(result)
        if not (args.json or args.quiet or args.list):
            _sum_up(result)
        if result.interrupted:
            break
    return results


def _look(result: Result, names: list[str], how: Settings, args: argparse.Namespace) -> None:
    """Fills in the result, and shows what comes as it comes."""
    if args.list:
        result.found = list_file(result.file, names, how)
        for found in () if args.json else result.found:
            print(clean(f"{result.file}:{found['line']}: {found['name']} ({found['what']})"))
        return
    with _progress() as show, closing(check_file(result.file, names, how, show)) as reports:
        for full in reports:
            report = full.hinted(args.hints)
            show("")
            result.reports.append(report)
            if not args.json and not (args.quiet and report.ok and not report.conventional):
                print(report.explain() if args.explain else report, flush=True)


@contextmanager
def _progress() -> Iterator[Any]:
    """A function that shows on a terminal what is being checked, until something is printed."""
    alive = sys.stderr.isatty()

    def show(name: str) -> None:
        if alive:
            text = f"checking {clean(name)} …" if name else ""
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        show("")


def _tell(error: str) -> None:
    print(f"microgradnn: {clean(error)}", file=sys.stderr)


def _sum_up(result: Result) -> None:
    if result.reports:
        counts = Counter(r.verdict for r in result.reports)
        text = ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common())
        print(clean(f"{result.file}: {len(result.reports)} checked: {text}"), flush=True)
        for note in result.reports[0].notes:
            if note.startswith("went on without "):
                print(clean(f"  {note}"), flush=True)


def _written(path: Path, results: list[Result], strict: bool) -> bool:
    try:
        cases = [case for r in results for case in r.cases()]
        path.write_text(junit(cases, strict), encoding="utf-8")
    except OSError as error:
        _tell(f"--junit {path}: {error.strerror or error}")
        return False
    return True
