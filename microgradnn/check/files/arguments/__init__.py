"""What a file holds that can be checked, and arguments for it that nobody wrote down."""

from ..discover import Found, find
from .maker import GuessError, Made, Maker, maker

__all__ = ["Found", "GuessError", "Made", "Maker", "find", "maker"]
