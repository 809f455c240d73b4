"""One training in several frameworks, judged layer by layer: python -m compare, or run()."""

from .from_python import Result, run

__all__ = ["Result", "run"]
