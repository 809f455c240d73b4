"""PyTorch's words under the name that users import: `from microgradnn.autograd import grad`."""

from .signatures.telling import tell as _tell
from .transforms.autograd import *  # noqa: F403

_tell(globals(), "microgradnn.transforms")
