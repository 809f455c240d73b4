"""check for courses: grades of one submission or of a class, and what graders need.

  check --class submissions/ --key key.py        all submissions: grades/grades.csv and index.html
  check student.py --key key.py                  one submission: its reports and its points
  check student.py --key key.py --format F       in the words of gradescope, autolab, prairielearn
                                                 or classroom50
  check key.py --format otter (or nbgrader)      a test file, or cells, for what runs tests itself
  check pack gradescope --key key.py             autograder.zip

What a function is worth stands in the key (GRADCHECK), in a TOML file (--points), or is 1. With a
key, forward must give the key's values too. The exit status is 0 once there are grades, whatever
they are; 2 for a wrong command or key, 130 after Ctrl-C: the same command goes on from there.
"""

import argparse
import os
import shutil
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...atomic import write_atomically
from ...errors import ConfigError
from ..codes import check_codes
from ..files.child import FileError, Settings, list_file
from ..files.cli import add_checking
from ..printable import clean
from .awards import FILES
from .course import Course, Submission, files_in, graded, keep, kept, place, submissions
from .formats import FORMATS
from .marks import Grade, grade, number
from .pack import gradescope_zip
from .sheets import page, sheet
from .worth import Points, points_of


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(
        prog="python -m microgradnn check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = top.add_argument
    add("target", metavar="FILE|FOLDER", help="a submission, a folder of them (--class), or a key")
    add("--class", action="store_true", dest="course", help="a folder with one submission of each")
    add("--key", metavar="FILE", default="", help="the teacher's own file, all of it right")
    add(
        "--points", metavar="FILE.toml", type=Path, help="[points] name = 3; [credit] VERDICT = 0.5"
    )
    add("--format", choices=(*FORMATS, *FILES), metavar="NAME", help=", ".join((*FORMATS, *FILES)))
    add("--output", metavar="FILE", type=Path, help="of --format and pack; default: stdout")
    add("--out", metavar="FOLDER", type=Path, default=Path("grades"),
        help="of --class; default: %(default)s")  # fmt: skip
    add("--jobs", type=int, default=0, metavar="N", help="submissions at once; default: all cores")
    add("--scheduler", metavar="ADDRESS", default="",
        help="of --class: a Dask scheduler, whose workers grade: tcp://HOST:8786")  # fmt: skip
    add("--submission-limit", type=float, default=600.0, metavar="SECONDS",
        help="for a whole submission; default: %(default)g, 0: none")  # fmt: skip
    add("--fresh", action="store_true", help="grade again what is in the folder --out already")
    add("--strict", action="store_true", help="a CONVENTION earns nothing")
    add_checking(top)
    return top


def main(arguments: list[str]) -> int:
    """The exit status; raises ConfigError or FileError for what makes no sense."""
    if arguments[:1] == ["pack"]:
        return _pack(arguments[1:])
    args = parser().parse_args(arguments)
    how = _settings(args)
    if args.jobs < 0 or args.submission_limit < 0:
        raise ConfigError("check: --jobs and --submission-limit are numbers from 0 on")
    if args.format in FILES:
        points = points_of(args.key or args.target, args.points, how)
        title = Path(args.key or args.target).stem
        return _out(FILES[args.format](points, title, args.hints), args.output)
    if args.course:
        return _class(args, how)
    return _one(args, how)


def _settings(args: argparse.Namespace) -> Settings:
    key = Path(args.key)
    if args.key and not key.is_file():
        raise FileError(f"{args.key}: no such file")
    return Settings(
        seed=args.seed,
        select=check_codes("--select", args.select),
        ignore=check_codes("--ignore", args.ignore),
        time_limit=args.time_limit,
        memory=args.memory_limit * 2**20,
        verbose=args.verbose,
        key_file=str(key.resolve()) if args.key else "",
    )


def _out(text: str, path: Path | None) -> int:
    if path is None:
        print(text, end="", flush=True)
    else:
        write_atomically(path, text)
    return 0


# ---- one submission ------------------------------------------------------------------------------


def _one(args: argparse.Namespace, how: Settings) -> int:
    target = Path(args.target)
    files = files_in(target, Path(args.key).name) if target.is_dir() else [args.target]
    source = "" if args.key or target.is_dir() else args.target
    points = points_of(args.key, args.points, _bare(how), args.strict, source)
    result = grade(
        args.target, files, points, how, args.hints, limit=args.submission_limit, started=_started
    )
    _started("")
    text = FORMATS[args.format](result) if args.format else result.feedback()
    return _out(text, args.output)


def _bare(how: Settings) -> Settings:
    """How the key itself is looked at: compared with no key."""
    return Settings(seed=how.seed, time_limit=how.time_limit, memory=how.memory)


def _started(name: str) -> None:
    if sys.stderr.isatty():
        text = f"checking {clean(name)} …" if name else ""
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


# ---- a class -------------------------------------------------------------------------------------


def _class(args: argparse.Namespace, how: Settings) -> int:
    folder = Path(args.target)
    if not folder.is_dir():
        raise FileError(f"{args.target}: no such folder")
    given = submissions(folder, args.key)
    points = _points(args, how, given)
    course = Course(points, how, args.hints, args.submission_limit, args.out, args.scheduler)
    if args.fresh:
        shutil.rmtree(args.out / "results", ignore_errors=True)
    if args.key:
        itself, digest = Submission(f"key {args.key}", (args.key,)), course.digest()
        if kept(args.out, itself, digest) is None:
            keep(args.out, itself, digest, _try_key(args.key, points, how))
    done: list[Grade] = []
    status = 0
    try:
        for result, before in graded(course, given, args.jobs or _cores()):
            done.append(result)
            _show(result, f"{len(done)}/{len(given)}", before, args)
    except KeyboardInterrupt:
        status = 130
    _write(args.out, folder, points, sorted(done, key=lambda g: g.submission), len(given))
    if status:
        text = f"stopped after {len(done)} of {len(given)}; the same command goes on"
        print(f"microgradnn: {text}", file=sys.stderr)
    return status


def _show(result: Grade, count: str, before: bool, args: argparse.Namespace) -> None:
    """Prints a grade that is ready, and writes it in the format that is asked for."""
    again = " (as before)" if before else ""
    print(clean(f"{count} {result.submission}: {result.told()}{again}"), flush=True)
    if args.format:
        path = place(args.out, result.submission, args.format, "json")
        write_atomically(path, FORMATS[args.format](result))


def _try_key(key: str, points: Points, how: Settings) -> Grade:
    """The key's own grade; raises ConfigError unless it gets all points."""
    result = grade(key, [key], points, how, started=_started)
    _started("")
    bad = [m for m in result.marks if not m.passed or m.score != m.worth]
    if bad:
        raise ConfigError(f"the key itself does not get all points: {bad[0].text}")
    return result


def _cores() -> int:
    with suppress(AttributeError):  # only where a process may be bound to some of them
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _points(args: argparse.Namespace, how: Settings, given: list[Submission]) -> Points:
    """The points that are given, else one for each function that most submissions have."""
    if args.key or args.points:
        return points_of(args.key, args.points, _bare(how), args.strict)
    counts, read = Counter[str](), 0
    for submission in given:
        names = set()
        for file in submission.files:
            with suppress(FileError):
                names |= {str(f["name"]) for f in list_file(file, (), how)}
        read += bool(names)
        counts.update(names)
    usual = {name: 1.0 for name, n in counts.items() if 2 * n > read}
    if not usual:
        raise ConfigError("check --class: what is to be graded? give --key or --points")
    text = f"one point for each function that most have, {', '.join(sorted(usual))}"
    text = f"no --key and no --points: {text}; forwards are not compared with a key"
    print(f"microgradnn: {text}", file=sys.stderr)
    return Points(dict(sorted(usual.items())), strict=args.strict)


def _write(out: Path, folder: Path, points: Points, grades: list[Grade], count: int) -> None:
    table = "\ufeff" + sheet(grades, points)  # so that Excel reads UTF-8
    write_atomically(out / "grades.csv", table)
    title = f"{folder.resolve().name}: {count} submissions"
    write_atomically(out / "index.html", page(grades, points, title, count - len(grades)))
    for g in grades:
        write_atomically(place(out, g.submission, "feedback", "txt"), g.feedback())
    mean = sum(g.score for g in grades) / len(grades) if grades else 0.0
    average = f"on average {number(round(mean, 2))} of {number(points.total)}"
    print(f"{len(grades)} of {count} graded, {average}", flush=True)
    print(f"see {out / 'index.html'}, {out / 'grades.csv'}, {out / 'feedback'}", flush=True)


# ---- pack ----------------------------------------------------------------------------------------


def _pack(arguments: list[str]) -> int:
    top = argparse.ArgumentParser(
        prog="python -m microgradnn check pack",
        description="The autograder.zip for Gradescope: upload it as it is.",
    )
    top.add_argument("grader", choices=["gradescope"])
    top.add_argument("--key", metavar="FILE", required=True)
    top.add_argument("--points", metavar="FILE.toml", type=Path)
    top.add_argument("--output", metavar="FILE", type=Path, default=Path("autograder.zip"))
    top.add_argument("--strict", action="store_true", help="a CONVENTION earns nothing")
    add_checking(top)
    args = top.parse_args(arguments)
    points = points_of(args.key, args.points, _bare(_settings(args)), args.strict)
    _try_key(args.key, points, _settings(args))
    write_atomically(args.output, gradescope_zip(Path(args.key), args.points, _given(args)))
    print(f"{args.output}: {len(points.worth)} functions, {number(points.total)} points")
    return 0


def _given(args: argparse.Namespace) -> list[str]:
    """The options of how files are checked, as words again."""
    names: dict[str, Any] = {
        "--hints": args.hints, "--select": args.select, "--ignore": args.ignore,
        "--seed": args.seed, "--time-limit": args.time_limit, "--memory-limit": args.memory_limit,
    }  # fmt: skip
    words = [w for name, value in names.items() if value for w in (name, f"{value}")]
    return [*words, *(["--strict"] if args.strict else [])]
