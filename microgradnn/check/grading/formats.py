"""A grade in the words of the graders that courses use.

gradescope    results.json       gradescope-autograders.readthedocs.io, "Specifications"
autolab       the end of stdout  docs.autolabproject.com: "Guide for Lab Authors", "Formatted
                                 Feedback"
prairielearn  results.json       docs.prairielearn.com, "External grading"
classroom50   result.json        github.com/foundation50/classroom50: schemas/result-v1.schema.json
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ...errors import ConfigError
from .marks import Grade, Mark, number

_LARGEST = 400_000  # characters of all texts together: PrairieLearn takes 1 MB of JSON


def gradescope(grade: Grade, environment: Mapping[str, str] = os.environ) -> str:
    """results.json of a Gradescope autograder."""
    tests = [
        {
            "name": m.name,
            "number": str(i),
            "score": m.score,
            "max_score": m.worth,
            "status": "passed" if m.passed else "failed",
            "output": _said(m, grade),
            "output_format": "text",
            "tags": [m.status],
            "visibility": "visible",
        }
        for i, m in enumerate(grade.marks, 1)
    ]
    return _json(
        {
            "score": grade.score,
            "execution_time": math.ceil(grade.seconds),
            "output": _above(grade),
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "extra_data": {"verdicts": {m.name: m.verdict for m in grade.marks}},
            "tests": tests,
        }
    )


def autolab(grade: Grade, environment: Mapping[str, str] = os.environ) -> str:
    """What an Autolab autograder prints: the feedback, and two last lines of JSON."""
    stage = {
        m.name: {"passed": True} if m.passed else {"passed": False, "hint": _said(m, grade)}
        for m in grade.marks
    }
    presented = {"_presentation": "semantic", "stages": ["Gradients"], "Gradients": stage}
    scores = {"scores": {m.name: m.score for m in grade.marks}}
    return f"{grade.feedback()}\n{json.dumps(presented)}\n{json.dumps(scores)}\n"


def prairielearn(grade: Grade, environment: Mapping[str, str] = os.environ) -> str:
    """results.json of a PrairieLearn external grader."""
    if grade.errors and all(m.status == "not readable" for m in grade.marks):
        return _json({"gradable": False, "format_errors": list(grade.errors)})
    tests = [
        {
            "name": m.name,
            "description": f"the gradients of {m.name}",
            "points": m.score,
            "max_points": m.worth,
            "message": m.status,
            "output": _said(m, grade),
        }
        for m in grade.marks
    ]
    score = min(1.0, grade.score / grade.total)
    return _json(
        {"gradable": True, "score": score, "message": _above(grade), "output": "", "tests": tests}
    )


def classroom50(grade: Grade, environment: Mapping[str, str] = os.environ) -> str:
    """result.json of a Classroom 50 autograder; what its runner knows is in the environment.

    Raises ConfigError where the runner's variables are not set, and for points that are not whole.
    """
    names = ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL")
    absent = [n for n in (*names, "USERNAME") if not environment.get(n, "").strip()]
    if absent:
        raise ConfigError(
            f"classroom50: {', '.join(absent)} not set; its runner sets them for autograder.py"
        )
    room, assignment, tag, commit, release = (environment[n] for n in names)
    about = {
        "schema": "classroom50/result/v1",
        "classroom": room,
        "assignment": assignment,
        "assignment_type": environment.get("ASSIGNMENT_TYPE") or "individual",
        "owner": environment.get("OWNER") or environment["USERNAME"],
        "submission": tag,
        "commit": commit,
        "release": release,
        "review": environment.get("REVIEW_URL", "").strip() or commit,
        "datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    score, total = _whole("the score", grade.score), _whole("all points", grade.total)
    return _json(
        {
            **about,
            "score": score,
            "max-score": total,
            "tests": [_test(m, grade) for m in grade.marks],
        }
    )


def _test(m: Mark, grade: Grade) -> dict[str, Any]:
    return {
        "test-name": m.name,
        "passed": m.passed,
        "score": _whole(m.name, m.score),
        "max-score": _whole(m.name, m.worth),
        "output": _said(m, grade),
    }


FORMATS: dict[str, Callable[[Grade], str]] = {
    f.__name__: f for f in (gradescope, autolab, prairielearn, classroom50)
}


def _whole(what: str, x: float) -> int:
    if x != int(x):
        raise ConfigError(f"classroom50: {what} is {number(x)}, its scores are whole numbers")
    return int(x)


def _said(mark: Mark, grade: Grade) -> str:
    text = f"{mark.status}: {mark.text}" if mark.status != "right" else mark.text
    return text[: _LARGEST // max(1, len(grade.marks))]


def _above(grade: Grade) -> str:
    return "\n".join([grade.told(), *grade.errors, *grade.notes])[:_LARGEST]


def _json(out: dict[str, Any]) -> str:
    return json.dumps(out, indent=2, allow_nan=False) + "\n"
