"""Every layer against PyTorch's with the same weights: outputs, all gradients, buffers; mistakes.

Linear's weights are transposed, ours being (in, out). Everything is in float64.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn

torch = pytest.importorskip("torch", reason="compares with torch.nn")
Draw = Callable[[Any], Any]
F64 = {"dtype": np.float64}
T64 = {"dtype": torch.float64}
sides = st.integers(1, 4)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def turned(ours: nn.Module) -> set[int]:
    """The parameters whose transposes PyTorch has."""
    found = set()
    for module in ours.modules():
        if isinstance(module, nn.Linear):
            found.add(id(module.weight))
        if isinstance(module, nn.MultiheadAttention):
            own = module.q_proj_weight, module.k_proj_weight, module.v_proj_weight
            found |= {id(p) for p in (module.in_proj_weight, *own) if p is not None}
    return found


def copy_into(theirs: Any, ours: nn.Module) -> None:
    transposed = turned(ours)
    with torch.no_grad():
        own = dict(ours.named_parameters())
        assert list(own) == [name for name, _ in theirs.named_parameters()]
        for name, p in theirs.named_parameters():
            array = own[name].data.T if id(own[name]) in transposed else own[name].data
            p.copy_(torch.from_numpy(array.copy()))
        for name, b in theirs.named_buffers():
            b.copy_(torch.from_numpy(np.array(dict(ours.named_buffers())[name])))


def close(got: Any, wanted: Any, what: str, terms: int) -> None:
    """Equal but for the rounding of sums of `terms` products, relative to the largest number."""
    wanted = wanted.detach().numpy() if isinstance(wanted, torch.Tensor) else wanted
    assert got.shape == wanted.shape, what
    scale = max(1.0, np.abs(wanted).max(initial=0.0))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=terms * 2.0**-50 * scale, err_msg=what)


def agree(ours: nn.Module, theirs: Any, *xs: np.ndarray, seed: int = 0, copy: bool = True) -> None:
    """Outputs, gradients of inputs and parameters, and buffers are those of PyTorch."""
    if copy:
        copy_into(theirs, ours)
    theirs.train(ours.training)
    real = [x.dtype.kind == "f" for x in xs]
    mine = [mg.tensor(x, requires_grad=f) for x, f in zip(xs, real, strict=True)]
    other = [torch.tensor(x, requires_grad=f) for x, f in zip(xs, real, strict=True)]
    y, z = ours(*mine), theirs(*other)
    z = z[0] if isinstance(z, tuple) else z
    terms = 64 + sum(x.size for x in xs) + sum(p.size for p in ours.parameters())
    close(y.data, z, "output", terms)
    g = rng(seed).normal(size=y.shape)
    if y.requires_grad:
        y.backward(g)
        z.backward(torch.from_numpy(g))
    for i, (a, b) in enumerate(zip(mine, other, strict=True)):
        if b.grad is not None:
            close(a.grad, b.grad, f"gradient of input {i}", terms)
    transposed, grads = turned(ours), dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        wanted = grads[name].grad
        close(p.grad, wanted.T if id(p) in transposed else wanted, name, terms)
    for name, b in theirs.named_buffers():
        close(dict(ours.named_buffers())[name], b, name, terms)


def image(draw: Draw, c: int, *space: int) -> np.ndarray:
    lead = draw(st.sampled_from([(c,), (1, c), (3, c)]))
    return rng(draw(st.integers(0, 99))).normal(size=(*lead, *space))


# ---- one strategy for each layer: ours, theirs, inputs ------------------------------------------


def linear(draw: Draw) -> Any:
    n, m, bias = draw(sides), draw(sides), draw(st.booleans())
    lead = draw(st.sampled_from([(), (3,), (2, 3), (0,)]))
    x = rng(1).normal(size=(*lead, n))
    return nn.Linear(n, m, bias, **F64), torch.nn.Linear(n, m, bias, **T64), x


def bilinear(draw: Draw) -> Any:
    a, b, c, bias = draw(sides), draw(sides), draw(sides), draw(st.booleans())
    lead = draw(st.sampled_from([(3,), (2, 3)]))
    x, y = rng(1).normal(size=(*lead, a)), rng(2).normal(size=(*lead, b))
    return nn.Bilinear(a, b, c, bias, **F64), torch.nn.Bilinear(a, b, c, bias, **T64), x, y


def embedding(draw: Draw) -> Any:
    n, d = draw(st.integers(1, 5)), draw(sides)
    pad = draw(st.one_of(st.none(), st.integers(-n, n - 1)))
    x = rng(draw(st.integers(0, 9))).integers(0, n, draw(st.sampled_from([(), (4,), (2, 3), (0,)])))
    return nn.Embedding(n, d, pad, **F64), torch.nn.Embedding(n, d, pad, **T64), x


def conv(draw: Draw, n: int, transposed: bool = False) -> Any:
    groups = draw(st.sampled_from([1, 1, 2]))
    c_in, c_out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(n))
    stride = draw(st.one_of(st.integers(1, 2), st.just((2, 1, 2)[:n])))
    dilation, bias = draw(st.integers(1, 2)), draw(st.booleans())
    space = tuple(draw(st.integers(5, 7)) for _ in range(n))
    name = f"Conv{'Transpose' * transposed}{n}d"
    given = dict(kernel_size=kernel, stride=stride, dilation=dilation, groups=groups, bias=bias)
    given["padding"] = draw(st.integers(0, 2))
    if transposed:
        given["output_padding"] = draw(st.integers(0, 1)) if stride == 2 or dilation == 2 else 0
    elif stride == 1:
        given["padding"] = draw(st.sampled_from([0, 1, "same", "valid"]))
    ours, theirs = getattr(nn, name), getattr(torch.nn, name)
    x = image(draw, c_in, *space)
    return ours(c_in, c_out, **given, **F64), theirs(c_in, c_out, **given, **T64), x


def pool(draw: Draw, name: str, n: int) -> Any:
    kernel = draw(st.one_of(st.integers(2, 3), st.just((3, 2, 3)[:n])))
    given: dict[str, Any] = dict(kernel_size=kernel, padding=draw(st.integers(0, 1)))
    given["stride"] = draw(st.sampled_from([None, 1, 2, 3]))
    given["ceil_mode"] = draw(st.booleans())
    if name == "MaxPool":
        given["dilation"] = draw(st.integers(1, 2))
    else:
        given["count_include_pad"] = draw(st.booleans())
    x = image(draw, 2, *(draw(st.integers(5, 7)) for _ in range(n)))
    name = f"{name}{n}d"
    return getattr(nn, name)(**given), getattr(torch.nn, name)(**given), x


def adaptive(draw: Draw, kind: str, n: int) -> Any:
    size = draw(st.sampled_from([1, 3, (2, 5, 3)[:n], (None, 2, None)[:n], 7]))
    if n == 1 and size == (None,):
        size = 2  # torch's pooling of one axis takes no None
    x = image(draw, 2, *(5, 7, 4)[:n])
    name = f"Adaptive{kind}Pool{n}d"
    return getattr(nn, name)(size), getattr(torch.nn, name)(size), x


def batch_norm(draw: Draw, n: int) -> Any:
    c = draw(st.integers(1, 3))
    given: dict[str, Any] = dict(
        eps=draw(st.sampled_from([1e-5, 0.25])),
        momentum=draw(st.sampled_from([None, 0.1, 0.5])),
        affine=draw(st.booleans()),
        track_running_stats=draw(st.booleans()),
    )
    name = f"BatchNorm{n}d"
    ours, theirs = getattr(nn, name)(c, **given, **F64), getattr(torch.nn, name)(c, **given, **T64)
    stirred(ours)
    ours.train(draw(st.booleans()))
    space = (3, 4, 2)[:n] if n > 1 else draw(st.sampled_from([(), (4,)]))
    return ours, theirs, 2 + 3 * rng(draw(st.integers(0, 99))).normal(size=(5, c, *space))


def instance_norm(draw: Draw, n: int) -> Any:
    given: dict[str, Any] = dict(
        affine=draw(st.booleans()), track_running_stats=draw(st.booleans())
    )
    given["momentum"] = draw(st.sampled_from([0.1, 0.5]))
    name = f"InstanceNorm{n}d"
    ours, theirs = getattr(nn, name)(3, **given, **F64), getattr(torch.nn, name)(3, **given, **T64)
    stirred(ours)
    ours.train(draw(st.booleans()))
    return ours, theirs, 2 + rng(draw(st.integers(0, 99))).normal(size=(2, 3, 3, 4, 2)[: n + 2])


def group_norm(draw: Draw) -> Any:
    groups, c = draw(st.sampled_from([(1, 3), (2, 4), (3, 3)]))
    affine, space = draw(st.booleans()), draw(st.sampled_from([(6,), (3, 2)]))
    ours = nn.GroupNorm(groups, c, affine=affine, **F64)
    return (
        stirred(ours),
        torch.nn.GroupNorm(groups, c, affine=affine, **T64),
        rng(1).normal(size=(2, c, *space)),
    )


def layer_norm(draw: Draw) -> Any:
    shape = draw(st.sampled_from([5, (5,), (3, 5)]))
    given: dict[str, Any] = dict(elementwise_affine=draw(st.booleans()), bias=draw(st.booleans()))
    given["eps"] = draw(st.sampled_from([1e-5, 1e-3]))
    ours = stirred(nn.LayerNorm(shape, **given, **F64))
    return ours, torch.nn.LayerNorm(shape, **given, **T64), rng(1).normal(size=(2, 3, 5))


def rms_norm(draw: Draw) -> Any:
    shape = draw(st.sampled_from([5, (3, 5)]))
    given: dict[str, Any] = dict(elementwise_affine=draw(st.booleans()))
    given["eps"] = draw(st.sampled_from([None, 1e-3]))
    ours = stirred(nn.RMSNorm(shape, **given, **F64))
    return ours, torch.nn.RMSNorm(shape, **given, **T64), rng(1).normal(size=(2, 3, 5))


def prelu(draw: Draw) -> Any:
    n = draw(st.sampled_from([1, 3]))
    x = rng(1).normal(size=draw(st.sampled_from([(2, 3), (2, 3, 4)])))
    return stirred(nn.PReLU(n, **F64)), torch.nn.PReLU(n, **T64), x


def reshaping(draw: Draw) -> Any:
    x = rng(1).normal(size=(2, 3, 4, 5))
    if draw(st.booleans()):
        start, end = draw(st.sampled_from([(1, -1), (0, 1), (2, 2), (-2, -1), (0, -1)]))
        return nn.Flatten(start, end), torch.nn.Flatten(start, end), x
    dim, size = draw(st.sampled_from([(2, (2, 2)), (-2, (4, 1)), (1, (3, -1)), (3, (-1, 5))]))
    return nn.Unflatten(dim, size), torch.nn.Unflatten(dim, size), x


def attention(draw: Draw) -> Any:
    first, bias = draw(st.booleans()), draw(st.booleans())
    options = dict(bias=bias, batch_first=first, add_bias_kv=draw(st.booleans()))
    options["add_zero_attn"], widths = draw(st.booleans()), draw(st.sampled_from([(4, 4), (3, 5)]))
    options |= dict(zip(("kdim", "vdim"), widths, strict=True))
    ours = nn.MultiheadAttention(4, 2, **options, **F64)
    theirs = torch.nn.MultiheadAttention(4, 2, **options, **T64)
    r = rng(draw(st.integers(0, 99)))
    masks = {}
    if draw(st.booleans()):
        masks["key_padding_mask"] = np.arange(5) >= np.array([[5], [3], [1]])  # True is kept out
    kind = draw(st.sampled_from([None, "bool", "number", "each head"]))
    if kind == "bool":
        masks["attn_mask"] = (r.random((4, 5)) < 0.4) & (np.arange(5) > 0)
    elif kind is not None:
        masks["attn_mask"] = r.normal(size=(4, 5) if kind == "number" else (6, 4, 5))

    class Ours(nn.Module):
        def __init__(self) -> None:
            self.inner = stirred(ours)

        def forward(self, *qkv: Any) -> Any:
            return self.inner(*qkv, **masks)

    class Theirs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = theirs

        def forward(self, *qkv: Any) -> Any:
            given = {name: torch.tensor(mask) for name, mask in masks.items()}
            if given.get("attn_mask", torch.tensor(0)).dtype != torch.bool:  # it wants one kind
                padding = given.get("key_padding_mask")
                if padding is not None and "attn_mask" in given:
                    given["key_padding_mask"] = torch.where(padding, -torch.inf, 0.0).double()
            return self.inner(*qkv, **given, need_weights=False)

    q, k, v = (r.normal(size=(3, n, d)) for n, d in ((4, 4), (5, widths[0]), (5, widths[1])))
    turn = (lambda x: x) if first else (lambda x: x.swapaxes(0, 1).copy())
    return Ours(), Theirs(), turn(q), turn(k), turn(v)


def embedding_bag(draw: Draw) -> Any:
    n, d, mode = draw(st.integers(1, 5)), draw(sides), draw(st.sampled_from(["sum", "mean", "max"]))
    pad = draw(st.one_of(st.none(), st.integers(-n, n - 1)))
    given: dict[str, Any] = dict(mode=mode, padding_idx=pad)
    x = rng(draw(st.integers(0, 9))).integers(0, n, draw(st.sampled_from([(7,), (2, 3)])))
    xs = [x]
    if x.ndim == 1:
        given["include_last_offset"] = draw(st.booleans())
        xs.append(np.array([0, 2, 2, 5, 7]))
    ours, theirs = (
        nn.EmbeddingBag(n, d, **given, **F64),
        torch.nn.EmbeddingBag(n, d, **given, **T64),
    )
    return ours, theirs, *xs


def coder(draw: Draw, kind: str, deep: bool) -> Any:
    """A TransformerEncoderLayer or …DecoderLayer, or two of them in a row, with masks."""
    options: dict[str, Any] = dict(
        dim_feedforward=6, activation=draw(st.sampled_from(["relu", "gelu"])), dropout=0.0,
        bias=draw(st.booleans()), batch_first=draw(st.booleans()), norm_first=draw(st.booleans()),
        layer_norm_eps=draw(st.sampled_from([1e-5, 0.25])),
    )  # fmt: skip
    name, r = f"Transformer{kind}Layer", rng(draw(st.integers(0, 99)))
    made = [getattr(room, name)(4, 2, **options, **t) for room, t in ((nn, F64), (torch.nn, T64))]
    if deep:
        bias = options["bias"]
        ends = [nn.LayerNorm(4, bias=bias, **F64), torch.nn.LayerNorm(4, bias=bias, **T64)]
        more = [{}, {"enable_nested_tensor": False} if kind == "Encoder" else {}]
        made = [
            getattr(room, f"Transformer{kind}")(layer, 2, norm, **m)
            for room, layer, norm, m in zip((nn, torch.nn), made, ends, more, strict=True)
        ]
    ours, theirs = stirred(made[0]), made[1]
    causal = np.triu(np.full((5, 5), -np.inf), 1) if draw(st.booleans()) else None
    padding = np.arange(5) >= np.array([[5], [3]]) if draw(st.booleans()) else None
    if causal is not None and padding is not None:
        padding = np.where(padding, -np.inf, 0.0)  # torch wants one kind of mask
    names = ("tgt_mask", "tgt_key_padding_mask")
    if kind == "Encoder":
        names = ("mask" if deep else "src_mask", "src_key_padding_mask")
    masks = {n: m for n, m in zip(names, (causal, padding), strict=True) if m is not None}

    class Ours(nn.Module):
        def __init__(self) -> None:
            self.inner = ours

        def forward(self, *xs: Any) -> Any:
            return self.inner(*xs, **masks)

    class Theirs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = theirs

        def forward(self, *xs: Any) -> Any:
            return self.inner(*xs, **{n: torch.tensor(m) for n, m in masks.items()})

    turn = (lambda x: x) if options["batch_first"] else (lambda x: x.swapaxes(0, 1).copy())
    xs = [turn(r.normal(size=(2, 5, 4))), turn(r.normal(size=(2, 3, 4)))]
    return Ours(), Theirs(), *xs[: 1 + (kind == "Decoder")]


def transformer(draw: Draw) -> Any:
    first = draw(st.booleans())
    given = (
        4,
        2,
        1,
        2,
        6,
        0.0,
        "gelu",
        None,
        None,
        0.25,
        first,
        draw(st.booleans()),
        draw(st.booleans()),
    )
    ours, r = nn.Transformer(*given, **F64), rng(draw(st.integers(0, 99)))
    xs = [r.normal(size=(2, 5, 4)), r.normal(size=(2, 3, 4))]
    xs = xs if first else [x.swapaxes(0, 1).copy() for x in xs]
    return stirred(ours), torch.nn.Transformer(*given, **T64), *xs


def stirred(module: nn.Module) -> nn.Module:
    """module, with scales, shifts and running statistics other than 1 and 0."""
    r = rng(7)
    for p in module.parameters():
        p.data = p.data + 0.3 * r.normal(size=p.shape)
    for b in module.buffers():
        b += np.asarray(r.uniform(0.1, 2.0, b.shape) if b.dtype.kind == "f" else 3)
    return module


LAYERS: dict[str, Callable[[Draw], Any]] = {
    "Linear": linear,
    "Bilinear": bilinear,
    "Embedding": embedding,
    "Conv1d": lambda draw: conv(draw, 1),
    "Conv2d": lambda draw: conv(draw, 2),
    "Conv3d": lambda draw: conv(draw, 3),
    "ConvTranspose1d": lambda draw: conv(draw, 1, transposed=True),
    "ConvTranspose3d": lambda draw: conv(draw, 3, transposed=True),
    "ConvTranspose2d": lambda draw: conv(draw, 2, transposed=True),
    "MaxPool1d": lambda draw: pool(draw, "MaxPool", 1),
    "MaxPool2d": lambda draw: pool(draw, "MaxPool", 2),
    "MaxPool3d": lambda draw: pool(draw, "MaxPool", 3),
    "AvgPool1d": lambda draw: pool(draw, "AvgPool", 1),
    "AvgPool2d": lambda draw: pool(draw, "AvgPool", 2),
    "AvgPool3d": lambda draw: pool(draw, "AvgPool", 3),
    "AdaptiveAvgPool1d": lambda draw: adaptive(draw, "Avg", 1),
    "AdaptiveAvgPool2d": lambda draw: adaptive(draw, "Avg", 2),
    "AdaptiveAvgPool3d": lambda draw: adaptive(draw, "Avg", 3),
    "AdaptiveMaxPool1d": lambda draw: adaptive(draw, "Max", 1),
    "AdaptiveMaxPool2d": lambda draw: adaptive(draw, "Max", 2),
    "AdaptiveMaxPool3d": lambda draw: adaptive(draw, "Max", 3),
    "BatchNorm1d": lambda draw: batch_norm(draw, 1),
    "BatchNorm2d": lambda draw: batch_norm(draw, 2),
    "BatchNorm3d": lambda draw: batch_norm(draw, 3),
    "InstanceNorm1d": lambda draw: instance_norm(draw, 1),
    "InstanceNorm2d": lambda draw: instance_norm(draw, 2),
    "InstanceNorm3d": lambda draw: instance_norm(draw, 3),
    "GroupNorm": group_norm,
    "LayerNorm": layer_norm,
    "RMSNorm": rms_norm,
    "PReLU": prelu,
    "Flatten and Unflatten": reshaping,
    "MultiheadAttention": attention,
    "EmbeddingBag": embedding_bag,
    "TransformerEncoderLayer": lambda draw: coder(draw, "Encoder", False),
    "TransformerDecoderLayer": lambda draw: coder(draw, "Decoder", False),
    "TransformerEncoder": lambda draw: coder(draw, "Encoder", True),
    "TransformerDecoder": lambda draw: coder(draw, "Decoder", True),
    "Transformer": transformer,
}
LARGE = [name for name in LAYERS if name.startswith("Transformer")]


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch pads a copy
@pytest.mark.parametrize("name", [name for name in LAYERS if name not in LARGE])
@given(data=st.data())
@settings(max_examples=40)
def test_a_layer_is_pytorchs(name: str, data: st.DataObject) -> None:
    agree(*LAYERS[name](data.draw))


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")  # torch's, of a faster path
@pytest.mark.parametrize("name", LARGE)
@given(data=st.data())
@settings(max_examples=5)
def test_a_large_layer_is_pytorchs(name: str, data: st.DataObject) -> None:
    agree(*LAYERS[name](data.draw))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_attention_of_a_sequence_to_itself(causal: bool, first: bool) -> None:
    ours = nn.MultiheadAttention(6, 3, batch_first=first, rng=rng(0), **F64)
    theirs = torch.nn.MultiheadAttention(6, 3, batch_first=first, **T64)
    copy_into(theirs, ours)
    x = rng(1).normal(size=(4, 4, 6))
    t = torch.tensor(x)
    mask = torch.ones(4, 4).triu(1).bool() if causal else None
    wanted, _ = theirs(t, t, t, attn_mask=mask, is_causal=causal)
    close(ours(x, is_causal=causal).data, wanted, "output", 200)
    single, _ = theirs(t[0], t[0], t[0], attn_mask=mask)
    close(ours(x[0], is_causal=causal).data, single, "without a batch axis", 200)


def test_a_model_learns_the_same_numbers_as_pytorchs() -> None:
    r = rng(3)
    x, labels = r.normal(size=(8, 1, 8, 8)), r.integers(0, 3, 8)
    ours = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=r, **F64), nn.BatchNorm2d(4, **F64), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 3, rng=r, **F64),
    )  # fmt: skip
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1, **T64), torch.nn.BatchNorm2d(4, **T64),
        torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(64, 3, **T64),
    )  # fmt: skip
    copy_into(theirs, ours)
    step = mg.optim.SGD(ours.parameters(), lr=0.125)
    other = torch.optim.SGD(theirs.parameters(), lr=0.125)
    for _ in range(5):
        loss = nn.CrossEntropyLoss()(ours(x), labels)
        wanted = torch.nn.CrossEntropyLoss()(theirs(torch.tensor(x)), torch.tensor(labels))
        assert abs(loss.item() - wanted.item()) <= 1e-12
        ours.zero_grad(), loss.backward(), step.step()
        other.zero_grad(), wanted.backward(), other.step()
    close(ours.eval()(x).data, theirs.eval()(torch.tensor(x)), "predictions", 10_000)


# ---- what PyTorch has no number for -------------------------------------------------------------


@given(st.floats(0.05, 0.95), st.integers(0, 99), st.sampled_from([nn.Dropout, nn.Dropout2d]))
def test_dropout_drops_p_and_scales_the_rest(p: float, seed: int, kind: Any) -> None:
    layer, x = kind(p, rng=rng(seed)), np.ones((40, 50, 1, 1), np.float32)
    y = layer(x)
    kept = y != 0
    np.testing.assert_array_equal(y[kept], np.float32(1 / (1 - p)))
    # Hoeffding: of n draws the share is off by more than e with probability 2·exp(-2·n·e²) < 1e-9.
    assert abs(kept.mean() - (1 - p)) <= np.sqrt(np.log(2e9) / (2 * x.size))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(layer.eval()(x), x)


@given(st.integers(0, 99))
def test_dropout_repeats_with_its_seed_and_resumes_from_its_state(seed: int) -> None:
    one, two = nn.Dropout(0.5, rng=rng(seed)), nn.Dropout(0.5, rng=rng(seed))
    x = np.ones((5, 20))
    np.testing.assert_array_equal(one(x), two(x))
    states = {name: g.bit_generator.state for name, g in one.named_generators()}
    later = one(x)
    for name, g in two.named_generators():
        g.bit_generator.state = states[name]
    np.testing.assert_array_equal(two(x), later)
    assert list(states) == ["rng"]


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_dropout_of_nothing_and_of_everything(p: float) -> None:
    x = rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(nn.Dropout(p)(x), x * (1 - p))


def test_dropout2d_drops_whole_channels() -> None:
    y = nn.Dropout2d(0.5, rng=rng(0))(np.ones((8, 8, 3, 3)))
    assert set(np.unique(y.reshape(64, 9).mean(1))) == {0.0, 2.0}


def test_rrelu_draws_slopes_in_training_and_takes_their_mean_otherwise() -> None:
    layer = nn.RReLU(0.125, 0.375, rng=rng(0))
    y = layer(-np.ones((100, 100)))
    assert -0.375 <= y.min() < -0.374 and -0.126 < y.max() <= -0.125
    np.testing.assert_array_equal(layer.eval()(np.array([-4.0, 2.0])), [-1.0, 2.0])
    assert repr(layer) == "RReLU(lower=0.125, upper=0.375)"


def test_the_padding_row_starts_at_zero_and_stays_there() -> None:
    layer = nn.Embedding(4, 3, padding_idx=-3, rng=rng(0), **F64)
    assert layer.padding_idx == 1
    np.testing.assert_array_equal(layer.weight.data[1], 0)
    layer(np.array([0, 1, 1, 3])).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad, [[1] * 3, [0] * 3, [0] * 3, [1] * 3])
    mg.optim.SGD(layer.parameters(), lr=1.0).step()
    np.testing.assert_array_equal(layer.weight.data[1], 0)


@pytest.mark.parametrize("share", [None, 1])
def test_batch_norm_counts_batches_and_eval_changes_nothing(share: float | None) -> None:
    layer = nn.BatchNorm1d(2, momentum=share, **F64)
    batches = [rng(i).normal(size=(5, 2)) for i in range(3)]
    for x in batches:
        layer(x)
    means = [x.mean(0) for x in batches]
    wanted = np.mean(means, 0) if share is None else means[-1]
    np.testing.assert_allclose(layer.running_mean, wanted, rtol=0, atol=1e-15)
    before = layer.state_dict()
    layer.eval()(batches[0])
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert layer.num_batches_tracked == 3


@given(st.integers(0, 99))
def test_residual_adds_what_its_module_gives(seed: int) -> None:
    inner, past = nn.Linear(3, 3, rng=rng(seed), **F64), nn.Linear(3, 3, rng=rng(1), **F64)
    x = mg.tensor(rng(seed).normal(size=(4, 3)), requires_grad=True)
    np.testing.assert_array_equal(nn.Residual(inner)(x).data, x.data + inner(x).data)
    np.testing.assert_array_equal(nn.Residual(inner, past)(x).data, past(x).data + inner(x).data)
    nn.Residual(inner)(x).sum().backward()
    np.testing.assert_allclose(x.grad, 1 + np.tile(inner.weight.data.sum(1), (4, 1)), rtol=1e-14)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_the_dtype_asked_for_is_the_dtype_everywhere(name: str) -> None:
    options: dict[str, Any] = dict(dtype=name)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, **options), nn.BatchNorm2d(2, **options), nn.GELU(), nn.Flatten(),
        nn.LayerNorm(8, **options), nn.Linear(8, 4, **options), nn.Dropout(0.5),
        nn.PReLU(**options), nn.RMSNorm(4, **options), nn.Unflatten(1, (2, 2)),
        nn.MultiheadAttention(2, 1, **options),
    )  # fmt: skip
    y = model(np.ones((2, 1, 4, 4), name))
    y.sum().backward()
    assert y.dtype == name
    assert {p.dtype for p in model.parameters()} == {np.dtype(name)}
    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(name)}
    assert {b.dtype for b in model.buffers() if b.dtype.kind == "f"} == {np.dtype(name)}


# ---- repr ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Linear(2, 3), "Linear(2, 3)"),
        (nn.Linear(2, 3, bias=False), "Linear(2, 3, bias=False)"),
        (nn.Bilinear(2, 3, 4), "Bilinear(2, 3, 4)"),
        (nn.Embedding(5, 2, padding_idx=-1), "Embedding(5, 2, padding_idx=4)"),
        (
            nn.Conv2d(2, 4, 3, (2, 1), 1, 2, 2, False),
            "Conv2d(2, 4, kernel_size=(3, 3), stride=(2, 1), padding=(1, 1), dilation=(2, 2), "
            "groups=2, bias=False)",
        ),
        (nn.Conv1d(2, 4, 3, padding="same"), "Conv1d(2, 4, kernel_size=(3,), padding='same')"),
        (
            nn.ConvTranspose2d(2, 4, 3, 2, 1, 1),
            "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), "
            "output_padding=(1, 1))",
        ),
        (nn.MaxPool2d(2), "MaxPool2d(kernel_size=(2, 2))"),
        (nn.MaxPool1d(3, 2, 1, 2, True), "MaxPool1d(kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), ceil_mode=True)"),
        (nn.AvgPool2d(2, count_include_pad=False), "AvgPool2d(kernel_size=(2, 2), count_include_pad=False)"),
        (nn.AdaptiveAvgPool2d((1, None)), "AdaptiveAvgPool2d(output_size=(1, None))"),
        (nn.BatchNorm1d(3), "BatchNorm1d(3)"),
        (nn.BatchNorm2d(3, 1e-3, 0.01, False, False), "BatchNorm2d(3, eps=0.001, momentum=0.01, affine=False, track_running_stats=False)"),
        (nn.InstanceNorm2d(3, affine=True), "InstanceNorm2d(3, affine=True)"),
        (nn.GroupNorm(2, 4, affine=False), "GroupNorm(2, 4, affine=False)"),
        (nn.LayerNorm(5, bias=False), "LayerNorm((5,), bias=False)"),
        (nn.LayerNorm((3, 5), elementwise_affine=False), "LayerNorm((3, 5), elementwise_affine=False)"),
        (nn.RMSNorm(5), "RMSNorm((5,))"),
        (nn.Dropout(0.1), "Dropout(p=0.1)"),
        (nn.Flatten(), "Flatten(start_dim=1, end_dim=-1)"),
        (nn.Unflatten(1, [2, 3]), "Unflatten(dim=1, unflattened_size=(2, 3))"),
        (nn.PReLU(3), "PReLU(num_parameters=3)"),
        (nn.MultiheadAttention(4, 2, 0.1, False, batch_first=True), "MultiheadAttention(\n  4, 2, dropout=0.1, bias=False, batch_first=True\n  (out_proj): Linear(4, 4, bias=False)\n)"),
        (nn.L2(0.5), "L2(0.5)"),
    ],
    ids=str,
)  # fmt: skip
def test_a_repr_reads_as_the_call(module: Any, text: str) -> None:
    assert repr(module) == text
