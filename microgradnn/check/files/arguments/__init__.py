"""What a file holds that can be checked, and arguments for it that nobody wrote down."""

from ..discover import Found, find
from .drawn import Made, single
from .maker import GuessError, Maker, maker

__all__ = ["Found", "GuessError", "Made", "Maker", "find", "maker", "single"]
