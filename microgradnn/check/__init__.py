"""The gradient checker: is a derivative right?"""

from .grads import check_grads

__all__ = ["check_grads"]
