"""autograd.Functions as people write them, RIGHT and WRONG, with inputs to try them at."""

import numpy as np
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.normal(size=shape)


X, W, B, Y = normal(4, 3), normal(3, 5), normal(5), normal(4, 3)


class Exp(Function):
    @staticmethod
    def forward(ctx, i):
        result = i.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        (result,) = ctx.saved_tensors
        return grad_output * result


class Linear(Function):  # with setup_context, needs_input_grad, None for a bias that is not there
    @staticmethod
    def forward(x, weight, bias):
        return x @ weight + bias

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        dx = dw = db = None
        if ctx.needs_input_grad[0]:
            dx = g @ weight.T
        if ctx.needs_input_grad[1]:
            dw = x.T @ g
        if ctx.needs_input_grad[2]:
            db = g.sum(0)
        return dx, dw, db


class ReLU(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        grad = g.clone()
        grad[x <= 0] = 0
        return grad


class Softmax(Function):
    @staticmethod
    def forward(ctx, x):
        e = torch.exp(x - x.max(1, keepdim=True)[0])
        y = e / e.sum(1, keepdim=True)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return y * (g - (g * y).sum(1, keepdim=True))


class MaxOfRows(Function):  # an output without a derivative
    @staticmethod
    def forward(ctx, x):
        values, places = x.max(1)
        ctx.save_for_backward(places)
        ctx.mark_non_differentiable(places)
        ctx.shape = x.shape
        return values, places

    @staticmethod
    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        return g.new_zeros(ctx.shape).scatter(1, places[:, None], g[:, None])


class TwoOutputs(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, y)
        return x * y, x.exp()

    @staticmethod
    def backward(ctx, a, b):
        x, y = ctx.saved_tensors
        dx = dy = None
        if a is not None:
            dx, dy = a * y, a * x
        if b is not None:
            dx = b * x.exp() if dx is None else dx + b * x.exp()
        return dx, dy


class BatchNorm(Function):
    @staticmethod
    def forward(ctx, x, weight, bias):  # the gradient of this bias is 0 by cancellation
        z = x @ weight + bias
        std = torch.sqrt(z.var(0, unbiased=False) + 1e-5)
        h = (z - z.mean(0)) / std
        ctx.save_for_backward(x, weight, h, std)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        x, weight, h, std = ctx.saved_tensors
        dz = (g - g.mean(0) - h * (g * h).mean(0)) / std
        return dz @ weight.T, x.T @ dz, dz.sum(0)


class ByNumpy(Function):  # leaves the graph
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.as_tensor(np.sin(x.detach().numpy()))

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.cos()


class Single(Function):  # works in float32 only
    @staticmethod
    def forward(ctx, x):
        y = torch.zeros(x.shape)
        y += x.float() ** 2
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


class InPlace(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return 2 * g


class WithJvp(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.cos()

    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return t * x.cos()


class Dropout(Function):
    @staticmethod
    def forward(ctx, x, p):
        mask = (torch.rand_like(x) > p) / (1 - p)
        ctx.save_for_backward(mask.to(x.dtype))
        return x * mask

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0], None


class Mse(Function):
    @staticmethod
    def forward(ctx, x, target):
        ctx.save_for_backward(x, target)
        return ((x - target) ** 2).mean()

    @staticmethod
    def backward(ctx, g):
        x, target = ctx.saved_tensors
        return g * 2 * (x - target) / x.numel(), None


RIGHT = {
    Exp: (X,), Linear: (X, W, B), ReLU: (X,), Softmax: (X,), MaxOfRows: (X,), TwoOutputs: (X, Y),
    BatchNorm: (X, W, B), ByNumpy: (X,), Single: (X,), InPlace: (X,), WithJvp: (X,), Mse: (X, Y),
}  # fmt: skip

WRONG = []


def plant(base, verdict, code, *inputs):
    """Enters a Function that is `base` but for the methods of the class below."""

    def enter(cls):
        methods = {k: v for k, v in vars(cls).items() if isinstance(v, staticmethod)}
        made = type(cls.__name__, (base,), {**methods, "__module__": __name__})
        WRONG.append((made, inputs or RIGHT[base], verdict, code))
        return made

    return enter


@plant(ByNumpy, "FAIL", "GC201")
class Absolute:
    @staticmethod
    def backward(ctx, g):
        return g.abs() * ctx.saved_tensors[0].cos()


@plant(WithJvp, "FAIL", "GC102")
class Squared:
    @staticmethod
    def backward(ctx, g):
        return g**2 * ctx.saved_tensors[0].cos()


@plant(WithJvp, "FAIL", "GC102")
class Clamped:
    @staticmethod
    def backward(ctx, g):
        return g.clamp(-1, 1) * ctx.saved_tensors[0].cos()


@plant(Exp, "CONTRACT", "GC022")
class CotangentChanged:
    @staticmethod
    def backward(ctx, g):
        return g.mul_(ctx.saved_tensors[0])


@plant(Exp, "FAIL", "GC201", normal(600))
class Flipped:
    @staticmethod
    def backward(ctx, g):
        return (g * ctx.saved_tensors[0]).flip(0)


@plant(Linear, "FAIL", "GC201", X, normal(3, 3), normal(3))
class Transposed:
    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return g @ weight, x.T @ g, g.sum(0)


@plant(Linear, "CONTRACT", "GC001")
class WrongShape:
    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return g @ weight.T, g.T @ x, g.sum(0)


@plant(Linear, "CONTRACT", "GC043")
class AskedForAnother:
    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return g @ weight.T, x.T @ g if ctx.needs_input_grad[0] else None, g.sum(0)


@plant(TwoOutputs, "CONTRACT", "GC053")
class NeedsBoth:
    @staticmethod
    def backward(ctx, a, b):
        x, y = ctx.saved_tensors
        return a * y + b * x.exp(), a * x


@plant(ReLU, "FAIL", "GC201")
class NoMask:
    @staticmethod
    def backward(ctx, g):
        return g


@plant(Softmax, "FAIL", "GC201")
class Diagonal:
    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y * (1 - y)


@plant(BatchNorm, "FAIL", "GC201")
class NoMean:
    @staticmethod
    def backward(ctx, g):
        x, weight, h, std = ctx.saved_tensors
        dz = (g - h * (g * h).mean(0)) / std
        return dz @ weight.T, x.T @ dz, dz.sum(0)


@plant(ByNumpy, "FAIL", "GC201")
class SilentZero:
    @staticmethod
    def backward(ctx, g):
        return 0 * g


@plant(Single, "FAIL", "GC201")
class RoundedConstant:
    @staticmethod
    def backward(ctx, g):
        return 2.0003 * ctx.saved_tensors[0] * g


@plant(WithJvp, "FAIL", "GC103")
class WrongJvp:
    @staticmethod
    def jvp(ctx, t):
        return -t * ctx.saved_tensors[0].cos()


@plant(Mse, "FAIL", "GC101")
class CotangentIgnored:
    @staticmethod
    def backward(ctx, g):
        x, target = ctx.saved_tensors
        return 2 * (x - target) / x.numel(), None


@plant(Exp, "CONTRACT", "GC060")
class Stale:
    kept = None

    @staticmethod
    def forward(ctx, i):
        Stale.kept = i.exp()
        return Stale.kept.clone()

    @staticmethod
    def backward(ctx, g):
        return g * Stale.kept


@plant(Exp, "CONTRACT", "GC050")
class NeedsContiguous:
    @staticmethod
    def backward(ctx, g):
        return (g.view(-1) * ctx.saved_tensors[0].reshape(-1)).view(4, 3)


class Reverse(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return -ctx.alpha * g, None


class Sign(Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, g):
        return g


class Spike(Function):  # gives float32, and its gradient is cut off
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).float()

    @staticmethod
    def backward(ctx, g):
        return torch.nn.functional.hardtanh(g / (1 + ctx.saved_tensors[0].abs()))


class Quantised(Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x, scale)
        return (x / scale).round() * scale

    @staticmethod
    def backward(ctx, g):
        x, scale = ctx.saved_tensors
        return g, (g * ((x / scale).round() - x / scale)).sum()


class SavedIntermediate(Function):
    @staticmethod
    def forward(ctx, x):
        s = 1 / (1 + torch.exp(-x))
        ctx.save_for_backward(x, s)
        return x * s

    @staticmethod
    def backward(ctx, g):
        x, s = ctx.saved_tensors
        return g * (s + x * s * (1 - s))


MEANT = [
    (Reverse, (X, 0.5), "forward gives x unchanged, so it is there for its backward, which gives "
     "-0.5 × its cotangent: not the derivative, and not meant to be"),
    (Sign, (X,), "forward moves with x by steps only, so its derivative is 0: dx is that of "
     "something smooth in its place, a surrogate"),
    (Spike, (X,), "forward moves with x by steps only, so its derivative is 0: dx is that of "
     "something smooth in its place, a surrogate"),
    (Quantised, (X, np.array(0.3)), "dscale is right if the steps in forward (round, sign) are "
     "given the derivative of the identity: straight through"),
    (SavedIntermediate, (X,), "the second derivative is wrong: autograd differentiates backward as "
     "if some of what it uses were constant"),
]  # fmt: skip


class Net(torch.nn.Module):
    def __init__(self, function=Linear):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.as_tensor(W))
        self.bias = torch.nn.Parameter(torch.as_tensor(B))
        self.apply_linear = function.apply
        self.last = torch.nn.Linear(5, 2)

    def forward(self, x):
        return self.last(Exp.apply(0.3 * self.apply_linear(x, self.weight, self.bias)))
