"""python -m microgradnn exercise list|start|check|hint|progress|reset|pack: learn backpropagation.

start writes a file to fill in, check says what is right and what is wrong, hint helps, one step at
a time. The exit status of check is 0 if all parts are right, 3 if one is wrong, 7 if what is left
is still empty, 2 for a wrong command or a file that cannot be loaded.
"""

import argparse
import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..check.files.settings import FileError
from ..check.grading.formats import FORMATS
from ..check.grading.marks import Grade, Mark
from ..check.grading.pack import autograder_zip
from ..errors import ConfigError, DataError
from .assignment import otter_zip
from .catalogue import LANGUAGES, Catalogue, chosen
from .exercise import Exercise, Told
from .graded import SECONDS, grade
from .kept import Kept, keep, kept, learnt, next_hint
from .shelf import EXERCISES, exercise
from .wording import cause_of, example_of, following, hints_for, lines_of, marks, summary

WRONG, EMPTY = 3, 7


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="python -m microgradnn exercise",
        description=__doc__.partition("\n")[2] if __doc__ else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="action", required=True, metavar="ACTION")

    def command(name: str, text: str) -> Any:
        made = commands.add_parser(name, help=text, description=text)
        words = ", ".join(LANGUAGES)
        made.add_argument("--lang", metavar="LANGUAGE", help=f"of the texts: {words}")
        return made.add_argument

    command("list", "the exercises, and what you have done of them")
    command("progress", "what you have done: parts that are right, tries, hints")
    add = command("start", "write the file of an exercise, to be filled in")
    add("exercise", help="its number or its name: 01, add_mul")
    add("--folder", type=Path, default=Path(), help="where the file goes; default: here")
    add = command("check", "grade an exercise")
    _check_options(add)
    add = command("hint", "the next hint on what the last check found")
    add("exercise", help="its number or its name")
    add = command("pack", "write an exercise as a ready assignment for a grader: a zip")
    add("grader", choices=("gradescope", "otter"), help="which grader")
    add("exercise", help="its number or its name")
    add("--zip", type=Path, help="the file to write; default: GRADER-NUMBER.zip, here")
    add = command("reset", "begin anew: the file is renamed, a new one is written")
    add("exercise", help="its number or its name")
    return top


def _check_options(add: Any) -> None:
    add("exercise", help="its number, its name, or its file")
    add("file", nargs="?", type=Path, help="where it is, if not where it was started, or here")
    add("--json", action="store_true", help="one JSON document on stdout")
    add("--format", choices=tuple(FORMATS), help="for a grader: what it reads, nothing remembered")
    add("--output", type=Path, metavar="FILE", help="where --format writes; default: stdout")
    add("--time-limit", type=float, default=SECONDS, metavar="SECONDS",
        help="for each part; default: %(default)g")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """The exit status. Raises MicrogradError for what cannot be done."""
    args = parser().parse_args(arguments)
    say = chosen(args.lang)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    action = {"list": _list, "progress": _progress, "start": _start, "check": _check,
              "hint": _hint, "reset": _reset, "pack": _pack}[args.action]  # fmt: skip
    return action(args, say)


# ---- list, progress ------------------------------------------------------------------------------


def _list(args: argparse.Namespace, say: Catalogue) -> int:
    signs = marks(sys.stdout.encoding)
    for e in EXERCISES:
        right = len(kept(e.number).right)
        sign = signs[0] if right == len(e.parts) else " "
        print(f"{sign} {e.number} {e.name:<12} {say(f'exercise.{e.number}.title')}")
    print(say("ui.how_to_start", number=_first_open().number))
    return 0


def _progress(args: argparse.Namespace, say: Catalogue) -> int:
    done = parts = 0
    for e in EXERCISES:
        what = kept(e.number)
        parts += len(e.parts)
        done += len(what.right)
        if what.tries or what.file:
            words = {"right": len(what.right), "count": len(e.parts), "tries": what.tries,
                     "hints": sum(what.hints.values())}  # fmt: skip
            print(f"{e.number} {e.name:<12} {say('ui.progress', **words)}")
    print(say("ui.progress_all", right=done, count=parts))
    return 0


def _first_open() -> Exercise:
    """The first exercise that is not done."""
    return next((e for e in EXERCISES if len(kept(e.number).right) < len(e.parts)), EXERCISES[0])


# ---- start, reset --------------------------------------------------------------------------------


def _start(args: argparse.Namespace, say: Catalogue) -> int:
    e = exercise(args.exercise, say)
    path = args.folder / e.file
    if path.is_file() and e.series:
        print(say("ui.going_on", file=path, number=e.number))
        return 0
    if path.exists():
        raise ConfigError(say("error.there", file=path, number=e.number))
    _put(path, e.written(say))
    what = kept(e.number)
    what.file = str(path.resolve())
    keep(e.number, what)
    print(say("ui.started", file=path, number=e.number))
    return 0


def _put(path: Path, content: str | bytes) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise DataError(f"exercise: {path}: {error.strerror or error}") from None


def _reset(args: argparse.Namespace, say: Catalogue) -> int:
    e = exercise(args.exercise, say)
    path = _file(e, None, kept(e.number), say)
    old = next(p for i in range(1, 10_000) if not (p := path.with_suffix(f".old{i}")).exists())
    try:
        path.rename(old)
    except OSError as error:
        raise DataError(f"exercise: {path}: {error.strerror or error}") from None
    _put(path, e.written(say))
    for other in EXERCISES:
        if other is e or other.series == e.series != "":
            keep(other.number, Kept(file=str(path.resolve())))
    print(say("ui.reset", file=path, old=old))
    return 0


# ---- check, hint ---------------------------------------------------------------------------------


def _file(e: Exercise, given: Path | None, what: Kept, say: Catalogue) -> Path:
    """The learner's file: the one given, the one here, or the one that was started."""
    if given is not None:
        if not given.is_dir():
            return given
        alone = list(given.glob("*.py"))
        return alone[0] if len(alone) == 1 else given / e.file
    for path in (Path(e.file), Path(what.file or e.file)):
        if path.is_file():
            return path
    raise DataError(say("error.not_here", file=e.file, number=e.number))


def _check(args: argparse.Namespace, say: Catalogue) -> int:
    named = Path(args.exercise)
    given = args.file or (named if named.suffix and named.is_file() else None)
    e = exercise(args.exercise, say)
    path = _file(e, given, kept(e.number), say)
    try:
        found = list(grade(str(path), e, args.time_limit))
    except FileError as error:
        raise _translated(error, path, say) from None
    if args.format:
        return _handed_in(args, e, path, found, say)
    learnt(e.number, found, str(path.resolve()))
    if args.json:
        print(json.dumps(_as_dict(e, path, found, say), ensure_ascii=False, indent=2))
    else:
        print(*lines_of(e, found, say, marks(sys.stdout.encoding)), sep="\n")
        after = EXERCISES[EXERCISES.index(e) + 1 :]
        print(following(e, found, say, {"next": after[0].number if after else ""}))
    return status(found)


def _translated(error: FileError, path: Path, say: Catalogue) -> FileError:
    """What every beginner meets, in the learner's language: no such file, an error of syntax."""
    wrong = re.match(r"(.*):(\d+): SyntaxError: (.*)", str(error))
    if wrong:
        file, line, text = wrong.groups()
        return FileError(say("error.syntax", file=file, line=line, error=text))
    return error if path.exists() else FileError(say("error.no_file", file=path))


def status(found: Sequence[Told]) -> int:
    """The exit status: 0 right, 3 wrong, 7 empty."""
    causes = {f.cause for f in found} - {""}
    return 0 if not causes else EMPTY if causes == {"empty"} else WRONG


def _handed_in(
    args: argparse.Namespace, e: Exercise, path: Path, found: Sequence[Told], say: Catalogue
) -> int:
    """Writes what a grader reads; the status says whether that was done."""
    marks = tuple(
        Mark(f.part, 1.0, float(not f.cause), _STATUS.get(f.cause, "wrong" if f.cause else "right"),
             f.cause, "\n".join(filter(None, (cause_of(f, say), example_of(f, say)))))
        for f in found
    )  # fmt: skip
    text = FORMATS[args.format](Grade(path.name, marks))
    if args.output is None:
        print(text)
    else:
        _put(args.output, text)
    return 0


_STATUS = {"empty": "not written", "missing": "missing"}


def _pack(args: argparse.Namespace, say: Catalogue) -> int:
    e = exercise(args.exercise, say)
    path = args.zip or Path(f"{args.grader}-{e.number}.zip")
    words = f"--format gradescope --lang {say.language}"
    command = f'exercise check {e.number} "$home/submission" {words}'
    otter = args.grader == "otter"
    _put(path, otter_zip(e, say) if otter else autograder_zip(command, {}))
    print(say("ui.packed_otter" if otter else "ui.packed", file=path))
    return 0


def _as_dict(e: Exercise, path: Path, found: Sequence[Told], say: Catalogue) -> dict[str, Any]:
    parts = [{"name": f.part, "right": not f.cause, "cause": f.cause, "says": cause_of(f, say),
              "words": dict(f.words)} for f in found]  # fmt: skip
    right = sum(not f.cause for f in found)
    return {"exercise": e.number, "file": str(path), "score": right, "of": len(e.parts),
            "parts": parts}  # fmt: skip


def _hint(args: argparse.Namespace, say: Catalogue) -> int:
    e = exercise(args.exercise, say)
    what = kept(e.number)
    if what.tries and not what.causes:
        print(summary(e, [Told(part) for part in what.right], say))
        return 0
    part = next((p.name for p in e.parts if p.name in what.causes), e.parts[0].name)
    said = Told(part, what.causes.get(part, "empty"), what.words.get(part, {}))
    hints = hints_for(e, said, say)
    shown = next_hint(e.number, part, said.cause, len(hints))
    print(say("ui.told", part=part, text=cause_of(said, say)))
    print(say("ui.hint", number=shown, count=len(hints), text=hints[shown - 1]))
    return 0
