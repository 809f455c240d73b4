"""Where files are kept for a user that can be made again: downloaded data, compiled loops."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder of this library, which may not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # to be ignored then, says the XDG specification
            base = "~/.cache"
    return Path(os.path.expanduser(base)) / "microgradnn"
