"""PyTorch's words under the name that users import: `from microgradnn.autograd import grad`."""

from .transforms.autograd import *  # noqa: F403
