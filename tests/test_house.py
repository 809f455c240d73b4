"""The plan of the house, held by reading its source: who may import whom, sizes, names.

ORDER is the plan: a module imports from its own room and from rooms on earlier lines. A new folder
needs a line there. KNOWN lists what is not yet as it should be, rule by rule; what has been mended
must be taken off the list, so the list can only become shorter.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Rooms on one line do not import each other, except inside a folder.
ORDER = """
microgradnn.atomic microgradnn.interrupts microgradnn.errors microgradnn.shadows
microgradnn.notices microgradnn.user_cache
microgradnn.numerics microgradnn.signatures
microgradnn.engine
microgradnn.optional microgradnn.functions
microgradnn.workers
microgradnn.transforms
microgradnn.autograd microgradnn.scalar microgradnn.compiler microgradnn.optim microgradnn.data
microgradnn.show
microgradnn.check.codes microgradnn.check.finding microgradnn.check.printable
microgradnn.check.verbs microgradnn.check.words
microgradnn.check.source microgradnn.check.dump
microgradnn.check.report microgradnn.check.subject microgradnn.check.habits
microgradnn.check.options
microgradnn.check.oracle
microgradnn.check.subjects microgradnn.check.stages microgradnn.check.diagnosis
microgradnn.check.certificate microgradnn.check.verify_certificate
microgradnn.check.examine
microgradnn.check.directional microgradnn.check.own microgradnn.check.engines microgradnn.check.replayed
microgradnn.check.api
microgradnn.check.properties
microgradnn.check
microgradnn.check.files
microgradnn.check.grading
microgradnn.nn
microgradnn.train
microgradnn.learn microgradnn.interop
microgradnn.doctor
microgradnn
microgradnn.__main__
compare
"""
RANK = {room: rank for rank, line in enumerate(ORDER.split("\n")) for room in line.split()}
DOORS = {"microgradnn", "microgradnn.check"}  # their own __init__.py, not what lies below

# Imports inside functions, beside those of optional packages.
LAZY = {
    "microgradnn.__getattr__": "the engine and the functions alone import faster",
    "microgradnn.errors._similar": "only mistakes need difflib",
    "microgradnn._shown": "explanations and drawings load when they are asked for",
    "microgradnn.nn.module.Module._repr_html_": "notebooks ask for it",
    "microgradnn.nn.module.Module.__treescope_repr__": "Treescope asks for it",
    "microgradnn.nn.history.History._repr_html_": "notebooks ask for it",
    "microgradnn.check.report.Report._repr_html_": "notebooks ask for it",
    "microgradnn.__main__.main": "a command loads what it needs, not the other commands",
    "microgradnn.__main__._watch": "a command loads what it needs, not the other commands",
    "microgradnn.nn.training._train": "models do not load the training loop",
    "microgradnn.check.__getattr__": "the checker loads when it is used",
    "microgradnn.check.files.found._optimizer": "what checks layers does not load the optimisers",
    "microgradnn.check.files.pytest_plugin": "pytest loads the plugin in every project",
    "microgradnn.data.mnist._locate": "network code takes longer to import than this library",
    "compare.__main__.main": "only the measure of checkers needs the zoo in tests/",
    "compare.frameworks.load": "a framework that is absent is reported",
    "compare.ports.sources.prepare": "a port's process imports its own framework and no other",
    "compare.ports.sources.kind_of": "a port's process imports its own framework and no other",
}

# Two things of one name, where users know both from elsewhere.
SAME_CLASSES = {
    "Layer": "micrograd's scalar.Layer; compare's description of a layer",
    "MLP": "micrograd's scalar.MLP and nn.MLP",
    "Module": "micrograd's scalar.Module and PyTorch's nn.Module",
    "Loss": "Keras' losses.Loss in train and the base of PyTorch's in nn",
    "Result": "of a checked file; of compare.run, as its users call it",
    "ReduceLROnPlateau": "PyTorch's scheduler and Keras' callback",
    "Port": "one for each framework, with the same methods",
    "Session": "one for each framework, with the same methods",
    # compare/ describes models under the names of what it describes
    **dict.fromkeys(
        (
            "Activation",
            "Conv2d",
            "Flatten",
            "LayerNorm",
            "Linear",
            "MaxPool2d",
            "Optimizer",
            "Residual",
        ),
        "nn's or optim's, and compare's description of it",
    ),
}
SAME_MODULES = {
    "autograd": "the door microgradnn.autograd, and what it opens on",
    "losses": "functions.losses; PyTorch's nn.losses; Keras' train.losses",
}

ENGINE_LINES, FILE_LINES, FUNCTION_LINES = 2400, 300, 30
TABLES = ("microgradnn/engine/ops.py", "microgradnn/engine/ops_linalg.py")
LONG_FILES = ("microgradnn/engine/ops.py", "microgradnn/numerics/kernels.py")

KNOWN: dict[str, list[str]] = {
    # The two fast paths. Measured: the loop of record in a function of its own makes a small op 4 %
    # slower; one try for both cases of _binary, six lines less, an addition of Values 2 %.
    "functions_are_short": [
        "microgradnn/engine/tensor.py: record",
        "microgradnn/engine/value.py: _binary",
    ],
}


# ---- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Module:
    """One file of the house."""

    name: str
    path: Path

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse("\n".join(self.lines))

    @property
    def file(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def nodes(self) -> Iterator[tuple[str, ast.AST]]:
        """Each node with the dotted name of the function it stands in, or "" outside of all."""

        def walk(node: ast.AST, scope: str, function: str) -> Iterator[tuple[str, ast.AST]]:
            for child in ast.iter_child_nodes(node):
                yield function, child
                inner = f"{scope}.{child.name}" if isinstance(child, DEFINITIONS) else scope
                own = inner if isinstance(child, FUNCTIONS) and not function else function
                yield from walk(child, inner, own)

        yield from walk(self.tree, self.name, "")


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    text = node.body[0] if ast.get_docstring(node) is not None else None
    said = (text.end_lineno or 0) - text.lineno + 1 if text else 0
    return (node.end_lineno or 0) - node.lineno + 1 - said


def read(top: str) -> dict[str, Module]:
    files = {path.relative_to(ROOT): path for path in sorted((ROOT / top).rglob("*.py"))}
    names = {
        ".".join(f.with_suffix("").parts).removesuffix(".__init__"): p for f, p in files.items()
    }
    return {name: Module(name, path) for name, path in names.items()}


HOUSE = read("microgradnn") | read("compare")


def room(name: str) -> str:
    """The room of ORDER that a module is in."""
    while name and (name not in RANK or name in DOORS and HOUSE[name].package != name):
        name = name.rpartition(".")[0]
    return name


def _named(module: Module, name: ast.expr) -> list[str]:
    """What import_module(name, package) imports, if that is a module of the house."""
    if isinstance(name, ast.JoinedStr):
        name = name.values[0]
    if not isinstance(name, ast.Constant) or not name.value.startswith((".", "microgradnn")):
        return []
    return [module.package + name.value.rstrip(".") if name.value[0] == "." else name.value]


def targets(module: Module, node: ast.AST) -> list[str]:
    """What an import statement or a call of import_module imports."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=base, names=names, level=level):
            start = module.package.split(".")[: -level + 1 or None] if level else []
            whole = ".".join([*start, *([base] if base else [])])
            inner = [f"{whole}.{alias.name}" for alias in names]
            return [name if name in HOUSE else whole for name in inner]
        case ast.Call(func=ast.Name("import_module") | ast.Attribute(attr="import_module")):
            return _named(module, node.args[0])
    return []


@cache
def imports(module: Module) -> list[tuple[str, str]]:
    """(function or "", what it imports), TYPE_CHECKING included."""
    return [(inside, name) for inside, node in module.nodes() for name in targets(module, node)]


def graph() -> dict[str, set[str]]:
    """Module to modules of the house that its statements outside functions import."""
    return {
        name: {to for inside, to in imports(module) if not inside and to in HOUSE} - {name}
        for name, module in HOUSE.items()
    }


# ---- the rules: each yields what breaks it -------------------------------------------------------

RULES: dict[str, Callable[[], Iterator[str]]] = {}


def rule(check: Callable[[], Iterator[str]]) -> Callable[[], Iterator[str]]:
    RULES[check.__name__] = check
    return check


@rule
def imports_point_down() -> Iterator[str]:
    for name, found in graph().items():
        for to in sorted(found):
            here, there = room(name), room(to)
            if here != there and RANK[there] >= RANK[here]:
                yield f"{name} -> {to}"


@rule
def no_circles() -> Iterator[str]:
    left = graph()
    while True:
        try:
            TopologicalSorter(left).prepare()
            return
        except CycleError as error:
            circle = error.args[1][::-1]
            yield " -> ".join(circle)
            left[circle[0]] -= {circle[1]}


@rule
def no_imports_in_functions() -> Iterator[str]:
    ours = {"microgradnn", "compare", "numpy", *sys.stdlib_module_names}
    for module in HOUSE.values():
        for function, name in imports(module):
            lazy = {function, module.name} & set(LAZY)
            if function and not lazy and name.split(".")[0] in ours:
                yield f"{function}: {name}"


@rule
def rooms_are_in_the_plan() -> Iterator[str]:
    for name, module in HOUSE.items():
        if room(name) == "" or room(name) in DOORS and name != room(name):
            yield module.file


@rule
def files_are_short() -> Iterator[str]:
    for module in HOUSE.values():
        if len(module.lines) > FILE_LINES and module.file not in LONG_FILES:
            yield module.file


@rule
def functions_are_short() -> Iterator[str]:
    """Without their docstrings."""
    for module in HOUSE.values():
        for node in ast.walk(module.tree):
            if isinstance(node, FUNCTIONS):
                if length(node) > FUNCTION_LINES:
                    yield f"{module.file}: {node.name}"


@rule
def lines_are_short() -> Iterator[str]:
    for module in HOUSE.values():
        limit = 120 if module.file in TABLES else 100
        for line in module.lines:
            if len(line) > limit:
                yield f"{module.file}: {line.strip()[:40]}"


def classes() -> dict[str, list[str]]:
    """Where the classes of each name are."""
    named = defaultdict(list)
    for module in HOUSE.values():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                named[node.name].append(module.name)
    return named


def modules() -> dict[str, list[str]]:
    """The modules and packages of each name."""
    named = defaultdict(list)
    for name in set(HOUSE) - {"microgradnn.__main__", "compare.__main__"}:
        named[name.rpartition(".")[2]].append(name)
    return named


def twice(named: dict[str, list[str]], allowed: dict[str, str]) -> Iterator[str]:
    for name, places in named.items():
        if len(places) > 1 and name not in allowed:
            yield f"{name}: {' '.join(sorted(places))}"


@rule
def classes_have_names_of_their_own() -> Iterator[str]:
    yield from twice(classes(), SAME_CLASSES)


@rule
def modules_have_names_of_their_own() -> Iterator[str]:
    yield from twice(modules(), SAME_MODULES)


@rule
def no_room_for_odds_and_ends() -> Iterator[str]:
    for module in HOUSE.values():
        stem = module.path.stem
        if (
            stem in ("utils", "util", "helpers", "common", "misc")
            and module.name != "microgradnn.nn.utils"
        ):
            yield module.file


@rule
def the_engine_is_read_in_an_afternoon() -> Iterator[str]:
    lines = sum(len(m.lines) for name, m in HOUSE.items() if room(name) == "microgradnn.engine")
    if lines > ENGINE_LINES:
        yield "microgradnn/engine"


@rule
def exceptions_are_still_needed() -> Iterator[str]:
    lazy = {x for m in HOUSE.values() for f, _ in imports(m) if f for x in (f, m.name)}
    yield from set(LAZY) - lazy
    yield from (name for name in SAME_CLASSES if len(classes()[name]) < 2)
    yield from (name for name in SAME_MODULES if len(modules()[name]) < 2)
    yield from set(LONG_FILES) - {m.file for m in HOUSE.values() if len(m.lines) > FILE_LINES}


LOADED = """
import sys, numpy
before = set(sys.modules)
import microgradnn
print(*sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))
print(*sorted(m for m in sys.modules if m.startswith('microgradnn.')))
import microgradnn.nn
print(*sorted(m for m in sys.modules if m.startswith('microgradnn.')))
"""


@rule
def an_import_loads_no_more_than_it_needs() -> Iterator[str]:
    command = [sys.executable, "-c", LOADED]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    packages, engine, models = map(str.split, out.splitlines())
    yield from (f"microgradnn: {p}" for p in set(packages) - {"microgradnn", "numpy"})
    own = {
        "engine", "errors", "functions", "notices", "numerics", "shadows", "signatures",
    }  # fmt: skip
    yield from (f"microgradnn: {r}" for r in {n.split(".")[1] for n in engine} - own)
    yield from (f"microgradnn.nn: {r}" for r in {n.split(".")[1] for n in models} & {"train"})


@pytest.mark.parametrize("name", RULES)
def test_the_house_keeps_its_rules(name: str) -> None:
    found, known = set(RULES[name]()), set(KNOWN.get(name, []))
    assert not found - known, "new"
    assert not known - found, "mended: take them off KNOWN"
