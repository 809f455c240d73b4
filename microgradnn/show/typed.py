"""A formula that was typed, read with ast and computed with the ops of the table; nothing is run.

Only numbers, names, + - * / ** @ % //, indices and calls of ops are understood.
"""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.op import OPS
from ..engine.tensor import Tensor
from ..engine.value import Value
from ..errors import ConfigError, MicrogradError, nearest

_SIGNS: dict[type[ast.operator], Any] = {
    ast.Add: ops.add,
    ast.Sub: ops.sub,
    ast.Mult: ops.mul,
    ast.Div: ops.div,
    ast.Pow: ops.pow,
    ast.MatMult: ops.matmul,
    ast.Mod: ops.remainder,
    ast.FloorDiv: ops.floor_divide,
}
_INNER = {"alias", "argument", "fold", "put", "sumprod", "windows"}  # ops that nobody types
RESULTS = ("L", "y", "f", "out", "result")  # what the result is called: the first that is free


def variables(words: list[str], who: str) -> dict[str, Any]:
    """x=2, w=[1, 2] as leaves: Values, or Tensors if one of them is a list.

    Raises ConfigError for what is no name with a number or a list of numbers.
    """
    given: dict[str, Any] = {}
    for word in words:
        name, sign, said = word.partition("=")
        if not sign or not name.isidentifier():
            raise ConfigError(f"{who}: got {word!r}, expected a name and its number, as in x=2")
        try:
            given[name] = np.array(ast.literal_eval(said), float)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise ConfigError(
                f"{who}: {name} is {said!r}, expected a number or a list of numbers, as in "
                f"{name}=2 or {name}=[1,2]"
            ) from error
    if any(v.ndim for v in given.values()):
        return {k: Tensor(v, requires_grad=True, name=k) for k, v in given.items()}
    return {k: Value(float(v), k) for k, v in given.items()}


def computed(text: str, given: Mapping[str, Any], who: str = "explain") -> Any:
    """The node of a formula. Raises ConfigError where it cannot be read, with the place."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        y = _FormulaReader(text.strip(), given, who).read(tree)
    except SyntaxError as error:
        raise ConfigError(
            f"{who}: cannot read {text!r} ({error.msg}); write it as in Python: tanh(x*w + b)"
        ) from error
    except MicrogradError:
        raise
    except (RecursionError, MemoryError) as error:
        raise ConfigError(f"{who}: the formula is too long to be read; make it shorter") from error
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ConfigError(f"{who}: {text!r} cannot be computed: {error}") from error
    for name in given:
        if name not in used:
            raise ConfigError(f"{who}: {name} is not in the formula {text!r}; leave {name}= out")
    return y


class _FormulaReader:
    def __init__(self, text: str, given: Mapping[str, Any], who: str) -> None:
        self.text, self.given, self.who = text, given, who

    def read(self, tree: ast.expr) -> Any:
        match tree:
            case ast.Constant(value=int() | float() as x) if not isinstance(x, bool):
                return x if isinstance(x, float) or abs(x) < 2**53 else float(x)
            case ast.Name(id=name):
                return self.variable(name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                x = self.read(inner)
                return -x
            case ast.UnaryOp(op=ast.UAdd(), operand=inner):
                return self.read(inner)
            case ast.BinOp(left=a, op=sign, right=b) if type(sign) in _SIGNS:
                return self.apply(_SIGNS[type(sign)], [self.read(a), self.read(b)], {})
            case ast.Subscript(value=x, slice=index):
                return ops.getitem(self.array(self.read(x)), index=self.option(index))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=options):
                named = {k.arg: self.option(k.value) for k in options if k.arg}
                return self.apply(self.function(name), [self.read(a) for a in args], named)
        raise self.strange(tree)

    def strange(self, tree: ast.AST) -> ConfigError:
        said = ast.get_source_segment(self.text, tree) or type(tree).__name__
        return ConfigError(
            f"{self.who}: {said!r} is not understood in a formula; write numbers, names, "
            "+ - * / ** @ and functions such as tanh(x)"
        )

    def variable(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        if name in OPS:
            raise ConfigError(f"{self.who}: {name} is a function; write {name}(x)")
        raise ConfigError(f"{self.who}: {name} has no number; add {name}=1 behind the formula")

    def function(self, name: str) -> Any:
        names = [n for n in OPS if n not in _INNER]
        if name not in names:
            hint = nearest(name, names, "; did you mean {}?")
            raise ConfigError(f"{self.who}: there is no function {name}{hint}")
        return OPS[name]

    def apply(self, op: Any, xs: list[Any], options: dict[str, Any]) -> Any:
        if all(isinstance(x, (int, float)) for x in xs):  # so that 9**9**9 is inf at once
            xs = [float(x) for x in xs]
        elif not op.pointwise:
            xs = [self.array(x) if isinstance(x, Value) else x for x in xs]
        return op(*xs, **options)

    def array(self, x: Any) -> Any:
        if isinstance(x, Value):
            raise ConfigError(
                f"{self.who}: a function of arrays got a single number; give lists, as in x=[1,2]"
            )
        return x

    def option(self, tree: ast.expr) -> Any:
        """A number, a tuple or a slice, as in axis=0 and x[1:, 0]."""
        if isinstance(tree, ast.Slice):
            ends = (tree.lower, tree.upper, tree.step)
            return slice(*[None if e is None else self.option(e) for e in ends])
        if isinstance(tree, ast.Tuple):
            return tuple(self.option(e) for e in tree.elts)
        try:
            return ast.literal_eval(tree)
        except ValueError as error:
            raise self.strange(tree) from error
