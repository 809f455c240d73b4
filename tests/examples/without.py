"""An environment for child processes in which some packages are not installed."""

import os
from pathlib import Path

# Python imports sitecustomize when it starts, in every child of a child too.
HOOK = """
import os, sys

class Without:
    absent = set(os.environ["ABSENT_PACKAGES"].split())

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.absent:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
"""


def without(packages: set[str], folder: Path, *paths: Path) -> dict[str, str]:
    """Variables of an environment where the packages cannot be imported; `paths` come first.

    Nor can anything be downloaded or found in the user's cache. The hook is written to `folder`.
    """
    hook = folder / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    nowhere = "http://127.0.0.1:9"  # the port where nobody answers
    return os.environ | {
        "ABSENT_PACKAGES": " ".join(packages),
        "PYTHONPATH": os.pathsep.join(map(str, (hook, *paths))),
        "PYTHONWARNINGS": "error",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "http_proxy": nowhere,
        "https_proxy": nowhere,
    }
