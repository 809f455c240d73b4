"""What is said of a graded exercise, in the learner's language."""

from collections.abc import Mapping, Sequence

from .catalogue import Catalogue
from .exercise import Exercise, Told

WIDTH = 60


def marks(encoding: str | None) -> tuple[str, str, str]:
    """The signs for right, wrong and empty, as far as a terminal has them."""
    try:
        "✓✗·".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "+", "x", "-"
    return "✓", "✗", "·"


def cause_of(said: Told, say: Catalogue) -> str:
    """What is wrong with a part, in one sentence; "" if it is right."""
    return say(f"cause.{said.cause}.says", **said.words) if said.cause else ""


def example_of(said: Told, say: Catalogue) -> str:
    """The numbers that show it, in one line, or ""."""
    words = {"place": "", **said.words}
    if "right" in words and "output" in words:
        return say("ui.example", **words)
    if "right" in words and "graph" in words:
        return say("ui.example_graph", **words)
    return ""


def hints_for(e: Exercise, said: Told, say: Catalogue) -> list[str]:
    """The hints on what is wrong with a part, from the vaguest to the plainest."""
    own = f"exercise.{e.number}.hints.{said.part}"
    if said.cause in ("empty", "missing", "nothing") and own in say.texts:
        return say.hints(own, **said.words)
    hints = say.hints(f"cause.{said.cause}.hints", **said.words)
    if said.words.get("at"):
        hints.insert(1, say("ui.first_line", **said.words))
    return hints


def summary(e: Exercise, found: Sequence[Told], say: Catalogue) -> str:
    """The headline: number, title, how many parts are right."""
    right = sum(not f.cause for f in found)
    title = f"{e.number} {say(f'exercise.{e.number}.title')}"
    return say("ui.headline", title=title, right=right, count=len(e.parts))


def lines_of(e: Exercise, found: Sequence[Told], say: Catalogue, signs: Sequence[str]) -> list[str]:
    """All that is said after a check: the headline, each part, where to go on."""
    lines = [summary(e, found, say)]
    for said in found:
        sign = signs[0] if not said.cause else signs[2] if said.cause == "empty" else signs[1]
        text = cause_of(said, say)
        told = say("ui.told", part=said.part, text=text) if text else said.part
        lines.append(f"  {sign} {told}")
        example = example_of(said, say)
        lines += [f"      {example}"] if example else []
    return lines


def following(e: Exercise, found: Sequence[Told], say: Catalogue, after: Mapping[str, str]) -> str:
    """The command to give next."""
    key = "ui.next_hint" if any(f.cause for f in found) else "ui.next_exercise"
    if key == "ui.next_exercise" and not after["next"]:
        return say("ui.all_done")
    return say(key, number=e.number, **after)
