"""Certificates in a file, and beside it the script that verifies them."""

import json
from collections.abc import Sequence
from pathlib import Path

from ...atomic import write_atomically
from ..report import Report

FORMAT = "microgradnn certificate 1"
_SCRIPT = Path(__file__).parents[1] / "verify_certificate.py"


def write_certificates(path: Path, reports: Sequence[Report]) -> str:
    """What to run then, in words, after the certificates of reports have been written."""
    given = [(r.name, r.certificate) for r in reports]
    text = {
        "format": FORMAT,
        "certificates": [c for _, c in given if "claims" in c],
        "none": {name: c.get("none", "nothing was checked") for name, c in given
                 if "claims" not in c},
    }  # fmt: skip
    write_atomically(path, json.dumps(text, indent=1, allow_nan=False) + "\n")
    script = path.with_name(_SCRIPT.name)
    write_atomically(script, _SCRIPT.read_bytes())
    count = len(text["certificates"])
    return f"{path}: {count} of {len(given)} certified; to verify: python {script} {path}"
