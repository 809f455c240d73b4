"""What several tests of found code share."""

import sys
import textwrap
from importlib import util

import pytest


@pytest.fixture
def load(tmp_path):
    """A function from the text of a file to its module."""
    modules = []

    def load(text):
        path = tmp_path / f"student{len(modules)}.py"
        path.write_text("import numpy as np\n" + textwrap.dedent(text))
        spec = util.spec_from_file_location(f"loaded_{path.stem}", path)
        sys.modules[spec.name] = module = util.module_from_spec(spec)
        modules.append(module)
        spec.loader.exec_module(module)
        return module

    yield load
    for module in modules:
        del sys.modules[module.__name__]
