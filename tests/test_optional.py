"""Optional packages: what is missing is said in one sentence, before anything is computed."""

import sys
import tomllib
from pathlib import Path

import pytest

from microgradnn.errors import MicrogradError, MissingPackageError
from microgradnn.optional import PACKAGES, have, need

SAFETENSORS = (
    "a checkpoint needs safetensors, which is not installed; in a clone of microgradnn write: "
    "pip install -e '.[checkpoints]'"
)


def test_need_returns_the_module():
    assert need("json.decoder", "a test") is sys.modules["json.decoder"]


@pytest.mark.parametrize("module", ["safetensors", "safetensors.numpy"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, module):
    for name in [n for n in sys.modules if n.partition(".")[0] == "safetensors"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Without("safetensors"), *sys.meta_path])
    with pytest.raises(MissingPackageError) as error:
        need(module, "a checkpoint")
    assert str(error.value) == SAFETENSORS
    assert isinstance(error.value, MicrogradError) and isinstance(error.value, ImportError)


def test_a_package_that_is_there_but_broken_is_not_called_missing(monkeypatch, tmp_path):
    (tmp_path / "flint.py").write_text("raise ImportError('no libflint.so')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "flint", raising=False)
    with pytest.raises(MissingPackageError) as error:
        need("flint", "a proof")
    assert str(error.value) == (
        "a proof needs python-flint, which cannot be imported (no libflint.so); in a clone of "
        "microgradnn write: pip install -e '.[check]'"
    )


def test_have_asks_without_importing():
    assert have("json") and not have("no_such_package_at_all")


@pytest.mark.parametrize("package", PACKAGES)
def test_each_extra_installs_what_it_is_named_for(package):
    with open(Path(__file__).parents[1] / "pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    name, extra = PACKAGES[package]
    assert any(line.startswith(f"{name}>") for line in extras[extra])


class _Without:
    """A finder that finds nothing of one package, and lets all others pass."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=self.package)
