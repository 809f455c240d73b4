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
from . import texts

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


def wrong(key: str, lang: str, **facts: object) -> ConfigError:
    """The error with the sentence of that key; what is in quotes is given as repr."""
    return ConfigError(texts.say(f"typed.{key}", lang, **facts))


def variables(words: list[str], who: str, lang: str = "en") -> dict[str, Any]:
    """x=2, w=[1, 2] as leaves: Values, or Tensors if one of them is a list.

    Raises ConfigError for what is no name with a number or a list of numbers.
    """
    given: dict[str, Any] = {}
    for word in words:
        name, sign, said = word.partition("=")
        if not sign or not name.isidentifier():
            raise wrong("word", lang, who=who, word=word)
        try:
            given[name] = np.array(ast.literal_eval(said), float)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise wrong("number", lang, who=who, name=name, said=said) from error
    if any(v.ndim for v in given.values()):
        return {k: Tensor(v, requires_grad=True, name=k) for k, v in given.items()}
    return {k: Value(float(v), k) for k, v in given.items()}


def computed(text: str, given: Mapping[str, Any], who: str = "explain", lang: str = "en") -> Any:
    """The node of a formula. Raises ConfigError where it cannot be read, with the place."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        y = _FormulaReader(text.strip(), given, who, lang).read(tree)
    except SyntaxError as error:
        raise wrong("syntax", lang, who=who, text=text, error=error.msg) from error
    except MicrogradError:
        raise
    except (RecursionError, MemoryError) as error:
        raise wrong("long", lang, who=who) from error
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise wrong("fails", lang, who=who, text=text, error=error) from error
    for name in given:
        if name not in used:
            raise wrong("unused", lang, who=who, name=name, text=text)
    return y


class _FormulaReader:
    def __init__(self, text: str, given: Mapping[str, Any], who: str, lang: str) -> None:
        self.text, self.given, self.who, self.lang = text, given, who, lang

    def wrong(self, key: str, **facts: object) -> ConfigError:
        return wrong(key, self.lang, who=self.who, **facts)

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
        return self.wrong("strange", said=said)

    def variable(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        if name in OPS:
            raise self.wrong("function", name=name)
        raise self.wrong("no_number", name=name)

    def function(self, name: str) -> Any:
        names = [n for n in OPS if n not in _INNER]
        if name not in names:
            near = nearest(name, names, "{}")
            hint = texts.say("typed.nearest", self.lang, near=near) if near else ""
            raise self.wrong("no_function", name=name, hint=hint)
        return OPS[name]

    def apply(self, op: Any, xs: list[Any], options: dict[str, Any]) -> Any:
        if all(isinstance(x, (int, float)) for x in xs):  # so that 9**9**9 is inf at once
            xs = [float(x) for x in xs]
        elif not op.pointwise:
            xs = [self.array(x) if isinstance(x, Value) else x for x in xs]
        return op(*xs, **options)

    def array(self, x: Any) -> Any:
        if isinstance(x, Value):
            raise self.wrong("array")
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
