"""The command line of python -m compare ports."""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from microgradnn.errors import ConfigError, MicrogradError

from .. import output
from ..command_line import Parser
from . import port_report, two_optimizers
from .two_ports import PortsTask, compare

DESCRIPTION = "says where two ports of one model differ, and why, found by experiment"
EPILOG = """
A and B are FILE.py:NAME, a torch.nn.Module, a Keras model, a pair (apply, params) for JAX, a
microgradnn Module, or a function without arguments that makes one; or FILE.keras. Exit status: 0 if
they were compared and agree, 1 if they differ, 2 if it could not begin, 3 if nothing was compared.
"""


def parser() -> Parser:
    """The options."""
    p = Parser(prog="python -m compare ports", description=DESCRIPTION, epilog=EPILOG)
    p.add_argument("a", metavar="A", help="FILE.py:NAME, the port whose weights are used")
    p.add_argument("b", metavar="B", help="FILE.py:NAME, the other")
    p.add_argument("--optimizer", action="store_true", help="A and B are optimisers")
    p.add_argument("--shape", type=_shape, help="of one sample of A, as 3,28,28 (else guessed)")
    p.add_argument("--input", type=Path, help="FILE.npz with an array x, a batch as A takes it")
    p.add_argument("--map", type=Path, help="FILE.toml with lines: name in B = name in A")
    p.add_argument("--keep-weights", action="store_true", help="compare the weights, too")
    said = ".safetensors, .npz, .pt, or .weights.h5 of Keras"
    p.add_argument("--weights-a", type=Path, help=f"weights of A: {said}")
    p.add_argument("--weights-b", type=Path, help="weights of B; --keep-weights compares them")
    p.add_argument("--mode", choices=("eval", "train", "both"), default="both")
    p.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, default=Path("compare-report"), help="folder of the report")
    return p


def _shape(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape, need numbers as 3,28,28")
    return tuple(int(part) for part in parts)


def main(argv: Sequence[str]) -> int:
    """The exit status."""
    args = parser().parse_args(argv)
    try:
        output.try_out(args.out)
        if args.optimizer:
            told = two_optimizers.told(_source(args.a), _source(args.b), args.seed)
        else:
            told = port_report.told(compare(_asked(args)), args.a, args.b)
        print("\n".join(told.lines))
        print(f"report: {port_report.write(args.out, told)}")
        return told.status
    except (MicrogradError, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ncompare: interrupted", file=sys.stderr)
        return 130


def _asked(args: argparse.Namespace) -> PortsTask:
    modes = {"eval": (False,), "train": (True,), "both": (False, True)}
    weights = [None if w is None else str(w) for w in (args.weights_a, args.weights_b)]
    return PortsTask(
        _source(args.a), _source(args.b), (weights[0], weights[1]), _input(args.input), args.shape,
        _map(args.map), args.keep_weights, modes[args.mode], args.dtype, args.seed,
    )  # fmt: skip


def _source(text: str) -> str:
    path, colon, name = text.rpartition(":")
    if text.endswith(".keras") or (colon and path.endswith(".py") and name.isidentifier()):
        return text
    raise ConfigError(f"{text!r} is not FILE.py:NAME (or FILE.keras)")


def _input(path: Path | None) -> np.ndarray | None:
    if path is None:
        return None
    if not path.is_file():
        raise ConfigError(f"--input: there is no file {path}")
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = dict(found)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--input: {path} is no .npz file of arrays: {error}") from error
    if "x" not in arrays and len(arrays) != 1:
        raise ConfigError(f"--input: {path} has {', '.join(arrays) or 'nothing'}, need an array x")
    x = arrays.get("x", next(iter(arrays.values())))
    return np.asarray(x, float) if x.dtype.kind == "f" else x


def _map(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    if not path.is_file():
        raise ConfigError(f"--map: there is no file {path}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"--map: {path}: {error}") from error
    for key, value in table.items():
        if not isinstance(value, str):
            raise ConfigError(
                f'--map: {path}: need "name in B" = "name in A", got {key} = {value!r}'
            )
    return table
