"""The functions behind the modules, with PyTorch's names and arguments.

One thing differs: `linear` takes its weight as (in, out), as Keras and this library store it.
"""

from ...functions.losses import *  # noqa: F403
from ...signatures.telling import tell as _tell
from .activation import *  # noqa: F403
from .bags import *  # noqa: F403
from .convolution import *  # noqa: F403
from .images import *  # noqa: F403
from .interpolation import *  # noqa: F403
from .layer import *  # noqa: F403
from .normalization import *  # noqa: F403
from .pools import *  # noqa: F403

_tell(globals(), "microgradnn.nn.functional")
