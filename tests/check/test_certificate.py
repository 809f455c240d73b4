"""Certificates: what is proved here is proved again by a script that knows nothing of this library."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from microgradnn import check
from microgradnn.__main__ import main
from microgradnn.check.certificate import OPERATIONS
from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found
from microgradnn.check.verify_certificate import OPS, verified
from tests.check.zoo import right

ROOT = Path(__file__).parents[2]
# Runs a script where neither microgradnn nor NumPy can be imported.
ALONE = """
import runpy, sys
class No:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("microgradnn", "numpy"):
            raise ImportError(name)
sys.meta_path.insert(0, No())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def certified(forward, backward, *inputs):
    return check.layer(forward, backward, inputs, certify=True).certificate


def tanh_forward(x, w):
    z = np.tanh(x @ w)
    return z, (x, w, z)


def tanh_backward(dout, cache):
    x, w, z = cache
    dz = dout * (1 - z**2)
    return dz @ w.T, x.T @ dz


def forgot_backward(dout, cache):
    x, w, z = cache
    return dout @ w.T, x.T @ (dout * (1 - z**2))


X, W = np.random.default_rng(0).normal(size=(2, 3)), np.random.default_rng(1).normal(size=(3, 2))


def test_every_entry_of_a_right_gradient_and_the_worst_of_a_wrong_one(capsys):
    good, bad = (
        certified(tanh_forward, tanh_backward, X, W),
        certified(tanh_forward, forgot_backward, X, W),
    )
    assert [c["wrong"] for c in good["claims"]] == [False] * 12
    assert [(c["name"][:2], c["wrong"]) for c in bad["claims"]] == [("dx", True)] + [
        ("dw", False)
    ] * 6
    assert verified(good) and verified(bad)
    assert capsys.readouterr().out.count("proved: d") == 19


def test_what_has_been_changed_is_not_verified():
    good = certified(tanh_forward, tanh_backward, X, W)

    def change(**more):
        other = copy.deepcopy(good)
        other["claims"] = [dict(other["claims"][0], **more)]
        return other

    assert verified(change())
    assert not verified(change(wrong=True))
    assert not verified(change(yours=(1.5).hex()))
    assert not verified(change(input=1))
    assert not verified({**good, "claims": []})
    assert not verified({**good, "results": [(2.0).hex()] * len(good["results"])})
    assert not verified({**good, "cotangents": [(2.0).hex()] * len(good["cotangents"])})
    mistaken = [["exp" if op == "tanh" else op, *args] for op, *args in good["program"]]
    assert not verified({**good, "program": mistaken})


def test_the_script_alone_in_a_fresh_interpreter(tmp_path, capsys):
    path = tmp_path / "proofs" / "c.json"
    assert (
        main(
            [
                "check",
                str(ROOT / "examples" / "layers_to_check.py"),
                "-q",
                "--certificate",
                str(path),
            ]
        )
        == 3
    )
    script = path.with_name("verify_certificate.py")
    assert capsys.readouterr().err == (
        f"{path}: 5 of 5 certified; to verify: python {script} {path}\n"
    )
    assert len(script.read_text().splitlines()) <= 60
    command = [sys.executable, "-I", "-c", ALONE, str(script), str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) > 50 and all(line.startswith("proved: d") for line in lines)
    text = json.loads(path.read_text())
    assert text["none"] == {} and text["format"] == "microgradnn certificate 1"
    text["certificates"][0]["claims"][0]["yours"] = (7.0).hex()
    path.write_text(json.dumps(text))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout.startswith("NOT proved: dx[0, 0]: off by ")


NAMES = [
    "sigmoid",
    "batchnorm",
    "conv_loops",
    "softmax_loss",
    "gelu",
    "Linear",
    "attention",
    "layernorm",
]
FOUND = {f.name: f for f in find(right)}


@pytest.mark.parametrize("name", [n for n in NAMES if n in FOUND])
def test_layers_of_the_zoo_are_certified(name):
    made = check_found(FOUND[name], certify=True).certificate
    assert verified(made) and not any(c["wrong"] for c in made["claims"])


def test_where_there_is_no_certificate():
    relu = check.layer(
        lambda x: (np.maximum(x, 0), x),
        lambda dout, x: dout * (x > 0),
        np.array([0.0, 1]),
        certify=True,
    )
    assert relu.certificate == {
        "none": "the point lies on a kink, where there is more than one derivative"
    }
    odd = certified(lambda x: (np.sinh(x), x), lambda dout, x: dout * np.cosh(x), X)
    assert odd == {"none": "TooLarge: sinh is no operation of the verifier"}
    assert check.layer(tanh_forward, tanh_backward, (X, W)).certificate == {}


def test_what_may_be_in_a_program_is_what_the_verifier_can_do():
    assert set(OPS) == OPERATIONS
