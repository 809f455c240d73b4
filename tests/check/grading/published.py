"""What graders publish of their formats, and a checker of the JSON schemas that it is written in."""

import re

# gradescope-autograders.readthedocs.io/en/latest/specs: "Output format"
_SHOWN = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
_TEXT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
GRADESCOPE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": {"type": "number"},
        "execution_time": {"type": "integer", "minimum": 0},
        "output": {"type": "string"},
        "output_format": _TEXT,
        "test_output_format": _TEXT,
        "test_name_format": _TEXT,
        "visibility": _SHOWN,
        "stdout_visibility": _SHOWN,
        "extra_data": {"type": "object"},
        "leaderboard": {"type": "array"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["score"],
                "properties": {
                    "score": {"type": "number"},
                    "max_score": {"type": "number", "minimum": 0},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "name_format": _TEXT,
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": _TEXT,
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": _SHOWN,
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
}

# docs.autolabproject.com: "Guide for Lab Authors" (the last line of stdout), "Formatted Feedback"
AUTOLAB = {
    "type": "object",
    "required": ["scores"],
    "properties": {
        "scores": {"type": "object", "values": {"type": "number"}},
        "scoreboard": {"type": "array"},
    },
    "additionalProperties": False,
}
AUTOLAB_SEMANTIC = {
    "type": "object",
    "required": ["_presentation", "stages"],
    "properties": {
        "_presentation": {"const": "semantic"},
        "stages": {"type": "array", "items": {"type": "string"}},
    },
    "values": {
        "type": "object",
        "values": {
            "type": "object",
            "required": ["passed"],
            "properties": {"passed": {"type": "boolean"}, "hint": {"type": "string"}},
            "additionalProperties": False,
        },
    },
}

# docs.prairielearn.com: "External grading", "Grading results"; what pl-external-grader-results shows
PRAIRIELEARN = {
    "type": "object",
    "properties": {
        "gradable": {"type": "boolean"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "format_errors": {"type": "array", "items": {"type": "string"}},
        "message": {"type": "string"},
        "output": {"type": "string"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "points", "max_points"],
                "properties": {
                    "name": {"type": "string"},
                    "description": {"type": "string"},
                    "points": {"type": "number"},
                    "max_points": {"type": "number"},
                    "message": {"type": "string"},
                    "output": {"type": "string"},
                },
            },
        },
    },
}

# github.com/foundation50/classroom50: schemas/result-v1.schema.json, commit 6e593c7
_SAID = {"type": "string", "minLength": 1}
CLASSROOM50 = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit",
        "release", "review", "datetime", "score", "max-score", "tests",
    ],
    "properties": {
        "schema": {"const": "classroom50/result/v1"},
        "classroom": _SAID,
        "assignment": _SAID,
        "assignment_type": {"enum": ["individual", "group"]},
        "owner": _SAID,
        "submission": {"type": "string", "pattern": "^submit/"},
        "commit": _SAID,
        "release": _SAID,
        "review": _SAID,
        "datetime": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"},
        "score": {"type": "integer", "minimum": 0},
        "max-score": {"type": "integer", "minimum": 0},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["test-name", "passed", "score", "max-score"],
                "properties": {
                    "test-name": _SAID,
                    "passed": {"type": "boolean"},
                    "score": {"type": "integer", "minimum": 0},
                    "max-score": {"type": "integer", "minimum": 0},
                },
            },
        },
    },
}  # fmt: skip

# github.com/jupyter/nbgrader: nbgrader/nbgraderformat/v3.json, commit d56f75b
NBGRADER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version", "grade", "locked", "solution"],
    "properties": {
        "schema_version": {"type": "integer", "minimum": 3, "maximum": 3},
        "grade": {"type": "boolean"},
        "locked": {"type": "boolean"},
        "solution": {"type": "boolean"},
        "task": {"type": "boolean"},
        "grade_id": {"type": "string", "pattern": r"^[a-zA-Z0-9_\-]*$"},
        "points": {"type": "number", "minimum": 0},
        "checksum": {"type": "string"},
        "cell_type": {"enum": ["raw", "code", "markdown"]},
    },
}

_TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
    "number": (int, float),
}  # fmt: skip


def fits(value, schema, where="$"):
    """Raises AssertionError, with the place, unless a value is of a schema.

    The words of JSON Schema that are used above, and "values": the schema of all other properties.
    """
    kind = schema.get("type")
    if kind is not None:
        wrong = isinstance(value, bool) and kind in ("integer", "number")
        assert isinstance(value, _TYPES[kind]) and not wrong, f"{where} is no {kind}: {value!r}"
    assert "const" not in schema or value == schema["const"], where
    assert "enum" not in schema or value in schema["enum"], f"{where}: {value!r}"
    assert "pattern" not in schema or re.search(schema["pattern"], value), f"{where}: {value!r}"
    assert len(value) >= schema.get("minLength", 0) if isinstance(value, str) else True, where
    if kind in ("integer", "number"):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), where
    if kind == "object":
        known = schema.get("properties", {})
        assert set(schema.get("required", ())) <= set(value), f"{where} lacks something"
        for name, inner in value.items():
            assert name in known or schema.get("additionalProperties", True), f"{where}.{name}"
            fits(inner, known.get(name, schema.get("values", {})), f"{where}.{name}")
    if kind == "array":
        for i, inner in enumerate(value):
            fits(inner, schema.get("items", {}), f"{where}[{i}]")
