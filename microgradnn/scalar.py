"""Neuron, Layer, MLP of single Values, with micrograd's constructor signatures.

A neuron is one n-ary dot node, Σ wᵢxᵢ + b, where micrograd makes 2n nodes: that is its speed.
"""

import random
from collections.abc import Sequence
from typing import Any, TypeAlias

from .engine import ops
from .engine.value import Value
from .errors import ShapeError
from .signatures.expected import affordable, brief
from .signatures.telling import tell as _tell

Inputs: TypeAlias = Sequence[Value] | Sequence[float] | Sequence[Value | float]


class Module:
    """What Neuron, Layer and MLP share: their parameters and zero_grad()."""

    def parameters(self) -> list[Value]:
        """All parameters, always in the same order."""
        return []

    def zero_grad(self) -> None:
        """Sets the gradient of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0


class Neuron(Module):
    """relu(w·x + b), or w·x + b if not nonlin; w from U(-1, 1) of `random`, b = 0."""

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        affordable("Neuron", 2**32, nin=nin)
        self.w = [Value(random.uniform(-1, 1), f"w{i}") for i in range(nin)]
        self.b = Value(0.0, "b")
        self.nonlin = nonlin

    def __call__(self, x: Inputs) -> Value:
        """relu(w·x + b) of the numbers x. Raises ShapeError unless there are nin of them."""
        try:
            n = len(x)
        except TypeError as error:
            wanted = f"expected a list of {len(self.w)} numbers"
            raise ShapeError(f"Neuron: got {brief(x)}, {wanted}") from error
        if n != len(self.w):
            raise ShapeError(f"Neuron: got {n} inputs, expected {len(self.w)}")
        act: Value = ops.sumprod(*self.w, *x, self.b)
        return act.relu() if self.nonlin else act

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """nout neurons that see the same nin inputs."""

    def __init__(self, nin: int, nout: int, **kwargs: bool) -> None:
        affordable("Layer", 2**32, nout=nout)
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Inputs) -> Any:
        """The outputs of the neurons in a list; of a single neuron its output alone."""
        out = [n(x) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """The parameters of the neurons, in order."""
        return [p for n in self.neurons for p in n.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Layers of widths nouts, ReLU in all but the last."""

    def __init__(self, nin: int, nouts: Sequence[int]) -> None:
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != last) for i in range(len(nouts))]

    def __call__(self, x: Inputs | Value | float) -> Any:
        """The outputs of the last layer in a list; of a single neuron its output alone.

        x are nin numbers, of which a single one needs no list.
        """
        out: Any = x
        for layer in self.layers:
            out = layer(out if isinstance(out, Sequence) else [out])
        return out

    def parameters(self) -> list[Value]:
        """The parameters of the layers, in order."""
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


_tell(globals(), __name__)
