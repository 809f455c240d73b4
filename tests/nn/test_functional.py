"""Every function of nn.functional against PyTorch: values, gradients, options, kinks, refusals.

tests/test_losses.py has the losses, and explains cases and the bound within which both agree.
"""

import inspect
import re
from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import microgradnn as mg
import microgradnn.nn.functional as nnf
from microgradnn.errors import ShapeError
from microgradnn.functions import losses
from tests.functions.test_losses import (
    Case,
    F,
    Maker,
    Ours,
    Torch,
    agree,
    called,
    either,
    first_order,
    fixed,
    labels,
    numbers,
    point,
    refused_by_both,
    same_at,
    same_without_gradients,
    second_order,
    shaped,
    torch,
)
from tests.strategies import seeds

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even:UserWarning")

# ---- cases --------------------------------------------------------------------------------------


def masks(*shape: int) -> Maker:
    """Booleans, true at least once in every row."""

    def draw(rng: np.random.Generator) -> Any:
        return (rng.random(shape) < 0.6) | (np.arange(shape[-1]) == rng.integers(shape[-1]))

    return Maker(f"mask {shaped(shape)}", draw)


wide = numbers(-9, 9, 5, 8)  # on all sides of every kink
image, volume, heads = (2, 3, 5, 6), (1, 2, 4, 4, 5), (2, 4, 3, 5)
mean3, var3 = fixed(numbers(-1, 1, 3)), fixed(numbers(0.5, 2, 3))

CASES = [
    # ---- activations
    *(Case(name, [wide]) for name in (
        "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid",
        "mish", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh",
        "tanhshrink",
    )),
    *(Case(name, [()]) for name in ("celu", "gelu", "hardshrink", "hardswish", "rrelu", "softplus", "softshrink")),
    Case("leaky_relu", [wide], dict(negative_slope=0.25)),
    Case("leaky_relu", [wide], dict(negative_slope=-0.5)),
    Case("elu", [wide], dict(alpha=2.0)),
    Case("elu", [wide], dict(alpha=-1.0)),
    Case("celu", [wide], dict(alpha=2.0)),
    Case("celu", [numbers(-2, 2, 5, 8)], dict(alpha=-1.0)),
    Case("prelu", [wide, numbers(0.1, 1)]),
    Case("prelu", [wide, numbers(0.1, 1, 1)]),
    Case("prelu", [wide, numbers(0.1, 1, 8)]),
    Case("prelu", [(2, 3, 4), numbers(0.1, 1, 3)]),
    Case("prelu", [image, numbers(0.1, 1, 3)]),
    Case("prelu", [(5,), numbers(0.1, 1, 1)]),
    Case("prelu", [(), numbers(0.1, 1, 1)]),
    Case("rrelu", [wide], dict(lower=0.25, upper=0.5)),
    Case("gelu", [wide], dict(approximate="tanh")),
    Case("softplus", [wide], dict(beta=2.0)),
    Case("softplus", [wide], dict(beta=-0.5)),
    Case("softplus", [wide], dict(beta=2.0, threshold=3.0)),
    Case("softplus", [wide], dict(threshold=20.0)),
    Case("hardtanh", [wide], dict(min_val=-3.0, max_val=0.5)),
    Case("softshrink", [wide], dict(lambd=2.0)),
    Case("softshrink", [wide], dict(lambd=0.0)),
    Case("hardshrink", [wide], dict(lambd=2.0)),
    Case("threshold", [wide], dict(threshold=0.5, value=7.0)),
    Case("threshold", [wide], dict(threshold=-2.0, value=-7.0)),
    Case("glu", [(2, 4, 6)]),
    Case("glu", [(2, 4, 6)], dict(dim=1)),
    Case("glu", [(2, 4, 6)], dict(dim=-3)),
    *(Case(name, [wide], dict(dim=dim)) for name in ("softmax", "log_softmax", "softmin") for dim in (0, -1)),
    *(Case(name, [(2, 3, 4)], dict(dim=1)) for name in ("softmax", "log_softmax", "softmin")),
    *(Case(name, [()], dict(dim=0)) for name in ("softmax", "log_softmax", "softmin")),
    *(Case("normalize", [(3, 4)], dict(p=p)) for p in (1.0, 1.5, 2.0, 3.0, inf, 0.0)),
    Case("normalize", [(2, 3, 4)]),
    Case("normalize", [(2, 3, 4)], dict(dim=-1, eps=9.0)),
    Case("normalize", [(2, 3, 4)], dict(dim=(1, 2))),
    Case("normalize", [(2, 3, 4)], dict(dim=(0, 2), p=3.0)),
    # ---- products
    Case("linear", [(4, 3), (3, 2)]),
    Case("linear", [(4, 3), (3, 2), (2,)]),
    Case("linear", [(2, 4, 3), (3, 2), (2,)]),
    Case("linear", [(3,), (3, 2), (2,)]),
    Case("linear", [(3,), (3, 2)]),
    Case("linear", [(0, 3), (3, 2), (2,)]),
    Case("bilinear", [(4, 2), (4, 3), (5, 2, 3)]),
    Case("bilinear", [(4, 2), (4, 3), (5, 2, 3), (5,)]),
    Case("bilinear", [(2,), (3,), (5, 2, 3), (5,)]),
    Case("bilinear", [(2, 4, 2), (2, 4, 3), (5, 2, 3), (5,)]),
    # ---- convolution
    Case("conv1d", [(2, 3, 8), (4, 3, 3)]),
    Case("conv1d", [(2, 3, 8), (4, 3, 3), (4,)]),
    Case("conv1d", [(3, 8), (4, 3, 3), (4,)]),
    Case("conv1d", [(0, 3, 8), (4, 3, 3), (4,)]),
    Case("conv1d", [(2, 3, 8), (4, 3, 3), (4,)], dict(stride=3)),
    Case("conv1d", [(2, 3, 8), (4, 3, 3), (4,)], dict(stride=(2,), padding=(2,), dilation=(2,))),
    Case("conv1d", [(2, 3, 8), (4, 3, 4), (4,)], dict(padding="same", dilation=3)),
    Case("conv1d", [(2, 3, 8), (4, 3, 3), (4,)], dict(padding="same")),
    Case("conv1d", [(2, 3, 8), (4, 3, 3), (4,)], dict(padding="valid", stride=2)),
    Case("conv1d", [(2, 4, 8), (6, 2, 3), (6,)], dict(groups=2)),
    Case("conv1d", [(2, 3, 8), (6, 1, 3), (6,)], dict(groups=3, padding=1)),
    Case("conv2d", [image, (4, 3, 2, 3)]),
    Case("conv2d", [image, (4, 3, 2, 3), (4,)]),
    Case("conv2d", [(3, 5, 6), (4, 3, 2, 3), (4,)]),
    Case("conv2d", [image, (4, 3, 2, 3), (4,)], dict(stride=2, padding=1, dilation=2)),
    Case("conv2d", [image, (4, 3, 2, 3), (4,)], dict(stride=(1, 2), padding=(0, 2), dilation=(3, 1))),
    Case("conv2d", [image, (4, 3, 2, 3), (4,)], dict(padding="same", dilation=(1, 2))),
    Case("conv2d", [(2, 4, 5, 6), (6, 2, 2, 3), (6,)], dict(groups=2, padding="valid")),
    Case("conv2d", [(2, 4, 5, 6), (4, 1, 1, 1), (4,)], dict(groups=4, stride=(3, 2))),
    Case("conv3d", [volume, (2, 2, 2, 3, 2)]),
    Case("conv3d", [volume, (2, 2, 2, 3, 2), (2,)], dict(stride=(1, 2, 1), padding=(1, 0, 2), dilation=(1, 1, 2))),
    Case("conv3d", [(2, 4, 4, 5), (3, 2, 2, 2, 2), (3,)], dict(padding="same")),
    Case("conv3d", [volume, (4, 1, 2, 2, 2), (4,)], dict(groups=2, stride=2)),
    Case("conv_transpose1d", [(2, 3, 4), (3, 4, 3)]),
    Case("conv_transpose1d", [(2, 3, 4), (3, 4, 3), (4,)], dict(stride=2)),
    Case("conv_transpose1d", [(3, 4), (3, 4, 3), (4,)], dict(stride=3, padding=1, output_padding=2)),
    Case("conv_transpose1d", [(2, 3, 4), (3, 4, 3), (4,)], dict(dilation=3, output_padding=2)),
    Case("conv_transpose1d", [(2, 4, 4), (4, 2, 3), (4,)], dict(groups=2, stride=(2,), padding=(2,))),
    Case("conv_transpose1d", [(0, 3, 4), (3, 4, 3), (4,)]),
    Case("conv_transpose2d", [(2, 3, 3, 4), (3, 2, 2, 3), (2,)]),
    Case("conv_transpose2d", [(2, 3, 3, 4), (3, 2, 2, 3), (2,)], dict(stride=(2, 3), padding=(1, 2), output_padding=(1, 2), dilation=(2, 1))),
    Case("conv_transpose2d", [(4, 3, 4), (4, 3, 2, 3), (6,)], dict(groups=2, stride=2)),
    Case("conv_transpose3d", [(1, 2, 2, 3, 2), (2, 2, 2, 1, 3), (2,)]),
    Case("conv_transpose3d", [(1, 2, 2, 3, 2), (2, 1, 2, 3, 2), (2,)], dict(groups=2, stride=(1, 2, 3), padding=1, output_padding=(0, 1, 2))),
    # ---- pooling
    Case("max_pool1d", [(2, 3, 9), 2]),
    Case("max_pool1d", [(3, 9), 3], dict(stride=2, padding=1, return_indices=True)),
    Case("max_pool1d", [(2, 3, 9), 3], dict(stride=2, dilation=2, ceil_mode=True)),
    Case("max_pool1d", [(2, 3, 9), 2], dict(stride=())),
    Case("max_pool2d", [image, 2]),
    Case("max_pool2d", [image], dict(kernel_size=(2, 3), stride=(1, 2), padding=(1, 1), return_indices=True)),
    Case("max_pool2d", [(3, 5, 6), 2], dict(stride=1, dilation=(2, 3), return_indices=True)),
    Case("max_pool2d", [image, 3], dict(stride=2, padding=1, ceil_mode=True, return_indices=True)),
    Case("max_pool2d", [image, 2], dict(stride=4, ceil_mode=True)),
    Case("max_pool2d", [(1, 1, 1, 4), 2], dict(ceil_mode=True)),
    Case("max_pool3d", [volume, 2]),
    Case("max_pool3d", [volume], dict(kernel_size=(2, 3, 2), stride=(1, 2, 3), padding=(1, 1, 0), ceil_mode=True, return_indices=True)),
    Case("max_pool3d", [(2, 4, 4, 5), 2], dict(stride=1, dilation=(1, 2, 3), return_indices=True)),
    Case("avg_pool1d", [(2, 3, 9), 2]),
    Case("avg_pool1d", [(3, 9), 3], dict(stride=2, padding=1)),
    Case("avg_pool1d", [(2, 3, 9), 3], dict(stride=2, padding=1, ceil_mode=True, count_include_pad=False)),
    Case("avg_pool1d", [(1, 1, 1), 2], dict(ceil_mode=True)),
    Case("avg_pool2d", [image], dict(kernel_size=(2, 3))),
    Case("avg_pool2d", [image, 2], dict(stride=(1, 2), padding=(1, 0), count_include_pad=False)),
    Case("avg_pool2d", [(3, 5, 6), 3], dict(stride=2, padding=1, ceil_mode=True)),
    Case("avg_pool2d", [image, 3], dict(stride=2, ceil_mode=True, divisor_override=5)),
    Case("avg_pool2d", [image, 2], dict(divisor_override=-3)),
    Case("avg_pool3d", [volume, 2]),
    Case("avg_pool3d", [volume, 3], dict(stride=2, padding=1, ceil_mode=True, count_include_pad=False)),
    Case("avg_pool3d", [(2, 4, 4, 5)], dict(kernel_size=(2, 1, 3), stride=(1, 2, 3), divisor_override=7)),
    *(Case(f"adaptive_{kind}_pool1d", [(2, 3, 7)], dict(output_size=k)) for kind in ("avg", "max") for k in (1, 3, 7, 9, (2,))),
    *(Case(f"adaptive_{kind}_pool2d", [image], dict(output_size=k)) for kind in ("avg", "max") for k in (3, (2, 4), (None, 2), (7, 1))),
    *(Case(f"adaptive_{kind}_pool3d", [volume], dict(output_size=k)) for kind in ("avg", "max") for k in (2, (1, None, 3))),
    Case("adaptive_avg_pool1d", [(3, 7), 2]),
    Case("adaptive_max_pool2d", [(3, 5, 6), 2]),
    # ---- windows
    Case("unfold", [image, 2]),
    Case("unfold", [image], dict(kernel_size=(2, 3), dilation=(2, 1), padding=(1, 2), stride=(3, 2))),
    Case("unfold", [(3, 5, 6), 2]),
    Case("fold", [(2, 12, 20)], dict(output_size=(5, 6), kernel_size=2)),
    Case("fold", [(2, 12, 12)], dict(output_size=(5, 6), kernel_size=(2, 3), dilation=(2, 1), padding=(1, 2), stride=(2, 2))),
    Case("fold", [(4, 9)], dict(output_size=4, kernel_size=2)),
    Case("pad", [image], dict(pad=(1, 2))),
    Case("pad", [image], dict(pad=(1, 2, 0, 3, 2, 1, 1, 1), value=7.0)),
    Case("pad", [image], dict(pad=(-1, 2, 1, -2))),
    *(Case("pad", [image], dict(pad=(1, 2, 3, 0), mode=m)) for m in ("reflect", "replicate", "circular")),
    *(Case("pad", [image], dict(pad=(-1, 2, 3, -2), mode=m)) for m in ("reflect", "replicate", "circular")),
    *(Case("pad", [(3, 4)], dict(pad=(3, 2), mode=m)) for m in ("reflect", "replicate", "circular")),
    *(Case("pad", [volume], dict(pad=(1, 1, 2, 0, 0, 3), mode=m)) for m in ("reflect", "replicate", "circular")),
    Case("interpolate", [(2, 2, 3), 5], {"mode": "linear"}),  # more in test_resample.py
    Case("pixel_shuffle", [(2, 8, 3, 2), 2]),
    Case("pixel_shuffle", [(9, 1, 2), 3]),
    Case("pixel_shuffle", [(2, 1, 4, 3, 2), 2]),
    Case("pixel_unshuffle", [(2, 2, 4, 6), 2]),
    Case("pixel_unshuffle", [(3, 6, 3), 3]),
    Case("channel_shuffle", [(2, 6, 3), 2]),
    Case("channel_shuffle", [(2, 6, 3, 2), 3]),
    # ---- norms
    Case("layer_norm", [(4, 6)], dict(normalized_shape=(6,))),
    Case("layer_norm", [(2, 3, 4)], dict(normalized_shape=(3, 4), weight=numbers(-2, 2, 3, 4), bias=numbers(-1, 1, 3, 4))),
    Case("layer_norm", [(2, 3, 4)], dict(normalized_shape=(4,), weight=numbers(-2, 2, 4), eps=0.5)),
    Case("layer_norm", [(2, 3, 4)], dict(normalized_shape=(2, 3, 4), bias=numbers(-2, 2, 2, 3, 4))),
    Case("rms_norm", [(4, 6)], dict(normalized_shape=(6,))),
    Case("rms_norm", [(2, 3, 4)], dict(normalized_shape=(3, 4), weight=numbers(-2, 2, 3, 4), eps=0.5)),
    Case("group_norm", [(2, 6, 3)], dict(num_groups=3)),
    Case("group_norm", [(2, 6, 3, 2)], dict(num_groups=2, weight=numbers(-2, 2, 6), bias=numbers(-1, 1, 6), eps=0.5)),
    Case("group_norm", [(3, 4)], dict(num_groups=2)),
    Case("group_norm", [(2, 3, 4)], dict(num_groups=3, weight=numbers(-2, 2, 3))),
    Case("instance_norm", [(2, 3, 4)]),
    Case("instance_norm", [image, mean3, var3], dict(weight=numbers(-2, 2, 3), bias=numbers(-1, 1, 3), momentum=0.25, eps=0.5)),
    Case("instance_norm", [image, mean3, var3], dict(weight=numbers(-2, 2, 3), use_input_stats=False)),
    Case("batch_norm", [(4, 3), mean3, var3]),
    Case("batch_norm", [(4, 3), None, None], dict(training=True)),
    Case("batch_norm", [(4, 3), mean3, var3], dict(training=True)),
    Case("batch_norm", [image, mean3, var3], dict(training=True, momentum=0.25, weight=numbers(-2, 2, 3), bias=numbers(-1, 1, 3), eps=0.5)),
    Case("batch_norm", [(2, 3, 4), mean3, var3], dict(weight=numbers(-2, 2, 3), bias=numbers(-1, 1, 3), eps=0.5)),
    Case("batch_norm", [(1, 3, 2, 2, 1), mean3, var3], dict(training=True, bias=numbers(-1, 1, 3))),
    Case("local_response_norm", [(2, 5, 3)], dict(size=2)),
    Case("local_response_norm", [(2, 5, 3, 2)], dict(size=3, alpha=0.5, beta=1.5, k=2.0)),
    Case("local_response_norm", [(2, 3, 2, 2, 2)], dict(size=4, alpha=2.0)),
    # ---- attention, embedding, distances
    Case("scaled_dot_product_attention", [heads, heads, heads]),
    Case("scaled_dot_product_attention", [(3, 5), (4, 5), (4, 2)]),
    Case("scaled_dot_product_attention", [heads, (2, 4, 6, 5), (2, 4, 6, 2)], dict(scale=0.75)),
    Case("scaled_dot_product_attention", [heads, (2, 4, 6, 5), (2, 4, 6, 2)], dict(is_causal=True)),
    Case("scaled_dot_product_attention", [(2, 6, 5), (2, 4, 5), (2, 4, 2)], dict(is_causal=True)),
    Case("scaled_dot_product_attention", [heads, heads, heads], dict(attn_mask=masks(2, 4, 3, 3))),
    Case("scaled_dot_product_attention", [heads, heads, heads], dict(attn_mask=masks(3, 3), scale=0.1)),
    Case("scaled_dot_product_attention", [heads, heads, heads], dict(attn_mask=numbers(-2, 2, 2, 1, 3, 3))),
    Case("scaled_dot_product_attention", [heads, (2, 2, 6, 5), (2, 2, 6, 3)], dict(enable_gqa=True)),
    Case("scaled_dot_product_attention", [heads, (2, 1, 6, 5), (2, 1, 6, 3)], dict(enable_gqa=True, is_causal=True)),
    Case("embedding", [labels(4, 2, 5), (4, 3)]),
    Case("embedding", [labels(4), (4, 3)]),
    Case("embedding", [labels(4, 0), (4, 3)]),
    Case("embedding", [labels(4, 2, 5), (4, 3)], dict(padding_idx=2)),
    Case("embedding", [labels(4, 2, 5), (4, 3)], dict(padding_idx=-1)),
    *(Case("embedding_bag", [labels(4, 2, 5), (4, 3)], dict(mode=m)) for m in ("sum", "mean", "max")),
    Case("embedding_bag", [labels(4, 2, 5), (4, 3)], dict(mode="mean", padding_idx=2)),
    Case("one_hot", [labels(4, 2, 5)]),
    Case("one_hot", [labels(4, 2, 5), 6]),
    Case("one_hot", [labels(4), 4]),
    Case("one_hot", [labels(4, 0), 4]),
    Case("cosine_similarity", [(4, 3), (4, 3)]),
    Case("cosine_similarity", [(2, 4, 3), (3,)], dict(dim=-1)),
    Case("cosine_similarity", [(2, 4, 3), (4, 1)], dict(dim=0)),
    Case("pairwise_distance", [(4, 3), (4, 3)]),
    *(Case("pairwise_distance", [(4, 3), (4, 3)], dict(p=p, eps=0.01, keepdim=True)) for p in (1.0, 1.5, 3.0, inf)),
    Case("pairwise_distance", [(2, 4, 3), (3,)]),
    Case("pairwise_distance", [(3,), (3,)], dict(p=-1.0)),
    *(Case("pdist", [(5, 3)], dict(p=p)) for p in (0.5, 1.0, 1.5, 2.0, 3.0, inf)),
    Case("pdist", [(5, 3)]),
    Case("pdist", [(1, 3)]),
]  # fmt: skip
DROPOUTS = ["dropout", "dropout1d", "dropout2d", "dropout3d"]


def test_every_function_has_a_case() -> None:
    modules = {
        "activation",
        "bags",
        "convolution",
        "images",
        "interpolation",
        "layer",
        "normalization",
        "pools",
    }
    public = {name for name in dir(nnf) if name[0].isalpha()} - modules - {"spaces"}
    exported = {name for module in modules for name in getattr(nnf, module).__all__}
    assert public == exported | set(losses.__all__)
    covered = {case.name for case in CASES} | set(DROPOUTS)
    assert public == covered | set(losses.__all__)  # those have theirs in test_losses.py
    assert "linear" in covered


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_gradient_in_float64_and_float32(case: Case) -> None:
    agree(case, dtypes=(np.float64, np.float32))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plain_arrays_give_the_same_plain_numbers(case: Case) -> None:
    same_without_gradients(case)


def twice(case: Case) -> bool:
    """Whether torch has a second derivative: not of distances, and not of a bias without a weight."""
    alone = "bias" in case.options and "weight" not in case.options
    return case.name not in ("pdist", "one_hot") and not alone


@pytest.mark.parametrize("case", [*filter(twice, CASES)], ids=str)
def test_second_derivative(case: Case) -> None:
    agree(case, second_order)


# ---- drawn shapes -------------------------------------------------------------------------------


def drawn(
    data: st.DataObject, name: str, inputs: list[Any], optional: dict[str, Any], **options: Any
) -> Case:
    """A case with these options and some of the optional ones, which are drawn."""
    chosen = data.draw(st.fixed_dictionaries({}, optional=optional))
    return Case(name, inputs, options | chosen, data.draw(seeds))


def each(data: st.DataObject, n: int, low: int, high: int) -> tuple[int, ...]:
    return tuple(data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n)))


def agree_or_both_refuse(case: Case) -> None:
    try:
        called(Torch, case)
    except (RuntimeError, ValueError):
        with pytest.raises(ShapeError):
            called(Ours, case)
    else:
        agree(case)


batches = either((), (0,), (1,), (2,))  # no batch axis, an empty batch, …


@pytest.mark.parametrize("n", [1, 2, 3])
@given(data=st.data(), batch=batches)
def test_convolutions_agree(n: int, data: st.DataObject, batch: tuple[int, ...]) -> None:
    groups, inside, outside = each(data, 3, 1, 2)
    x = (*batch, groups * inside, *each(data, n, 1, 5))
    weight = (groups * outside, inside, *each(data, n, 1, 3))
    case = drawn(
        data, f"conv{n}d", [x, weight],
        dict(
            bias=st.just(numbers(-1, 1, groups * outside)),
            stride=st.just(each(data, n, 1, 3)),
            dilation=st.just(each(data, n, 1, 2)),
            padding=either(1, "valid", each(data, n, 0, 2)),
        ),
        groups=groups,
    )  # fmt: skip
    agree_or_both_refuse(case)


@pytest.mark.parametrize("n", [1, 2, 3])
@given(data=st.data(), batch=batches)
def test_same_padding_keeps_the_shape(n: int, data: st.DataObject, batch: tuple[int, ...]) -> None:
    x, weight = (*batch, 2, *each(data, n, 1, 5)), (2, 2, *each(data, n, 1, 4))
    options = dict(dilation=st.just(each(data, n, 1, 2)))
    case = drawn(data, f"conv{n}d", [x, weight], options, padding="same")
    assert called(Ours, case)[0][0].shape == x
    agree(case)


@pytest.mark.parametrize("n", [1, 2, 3])
@given(data=st.data(), batch=batches)
def test_transposed_convolutions_agree(n: int, data: st.DataObject, batch: tuple[int, ...]) -> None:
    groups, inside, outside = each(data, 3, 1, 2)
    x = (*batch, groups * inside, *each(data, n, 1, 3))
    weight = (groups * inside, outside, *each(data, n, 1, 3))
    stride, dilation = each(data, n, 1, 3), each(data, n, 1, 2)
    room = [max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)]
    extra = tuple(data.draw(st.integers(0, r)) for r in room)
    padding = data.draw(st.integers(0, 1))
    parts = zip(x[-n:], stride, weight[2:], dilation, extra, strict=True)
    sizes = [(m - 1) * s + (k - 1) * d + e + 1 - 2 * padding for m, s, k, d, e in parts]
    assume(min(sizes) > 0)  # what is cut away altogether is refused: a test below
    case = drawn(
        data, f"conv_transpose{n}d", [x, weight],
        dict(bias=st.just(numbers(-1, 1, groups * outside))),
        groups=groups, stride=stride, dilation=dilation, padding=padding, output_padding=extra,
    )  # fmt: skip
    assert called(Ours, case)[0][0].shape == (*batch, groups * outside, *sizes)
    agree(case)


@pytest.mark.parametrize("n", [1, 2, 3])
@given(data=st.data(), batch=batches)
def test_pools_agree(n: int, data: st.DataObject, batch: tuple[int, ...]) -> None:
    x, kernel = (*batch, 2, *each(data, n, 1, 6)), each(data, n, 1, 3)
    both = dict(
        stride=either(1, each(data, n, 1, 4)),
        padding=st.just(tuple(data.draw(st.integers(0, k // 2)) for k in kernel)),
        ceil_mode=st.booleans(),
    )
    # of a window that steps over the whole image torch's backward writes outside of the array
    dilation = tuple(min(d, m) for d, m in zip(each(data, n, 1, 2), x[-n:], strict=True))
    largest = both | dict(dilation=st.just(dilation), return_indices=st.booleans())
    agree_or_both_refuse(drawn(data, f"max_pool{n}d", [x], largest, kernel_size=kernel))
    mean = both | dict(count_include_pad=st.booleans())
    mean |= dict(divisor_override=st.integers(1, 5)) if n > 1 else {}
    # torch's avg_pool3d refuses a kernel larger than the image, whatever the padding
    assume(n < 3 or all(k <= m for k, m in zip(kernel, x[-n:], strict=True)))
    agree_or_both_refuse(drawn(data, f"avg_pool{n}d", [x], mean, kernel_size=kernel))


@pytest.mark.parametrize("n", [1, 2, 3])
@given(data=st.data(), batch=batches)
def test_adaptive_pools_agree(n: int, data: st.DataObject, batch: tuple[int, ...]) -> None:
    x, sizes = (*batch, 2, *each(data, n, 1, 6)), each(data, n, 1, 6)
    agree(drawn(data, f"adaptive_avg_pool{n}d", [x], {}, output_size=sizes))
    agree(drawn(data, f"adaptive_max_pool{n}d", [x], {}, output_size=sizes))


@given(st.data(), either((), (1,), (2,)))
def test_unfold_and_fold_agree(data: st.DataObject, batch: tuple[int, ...]) -> None:
    x, kernel = (*batch, 2, *each(data, 2, 1, 5)), each(data, 2, 1, 3)
    how: Any = {k: each(data, 2, k != "padding", 2) for k in ("stride", "dilation", "padding")}
    case = drawn(data, "unfold", [x], {}, kernel_size=kernel, **how)
    agree_or_both_refuse(case)
    reach = [(k - 1) * d for k, d in zip(kernel, how["dilation"], strict=True)]
    assume(all(m + 2 * p > r for m, p, r in zip(x[-2:], how["padding"], reach, strict=True)))
    columns = called(Ours, case)[0][0].shape
    agree(drawn(data, "fold", [columns], {}, output_size=x[-2:], kernel_size=kernel, **how))


eps = dict(eps=either(1e-5, 0.5))


def agree_standardised(case: Case, *rows: int) -> None:
    """rows: the shape in which the last axis is what has its own mean and variance.

    The slope of (x - mean) / σ changes by 1 / σ² with x, which may be as much as 1 / eps.
    """
    x = next(case.made(np.float64))[1]
    x = x.swapaxes(0, 1) if case.name == "batch_norm" else x
    variance = x.reshape(*rows, -1).var(-1).min() + case.options.get("eps", 1e-5)
    agree(case, condition=max(1, 1 / variance))


@given(st.data(), st.integers(1, 3), st.integers(1, 4))
def test_layer_and_rms_norm_agree(data: st.DataObject, axes: int, dims: int) -> None:
    x = each(data, dims, 1, 4)
    shape = x[-axes:]
    weight = eps | dict(weight=st.just(numbers(-2, 2, *shape)))
    agree(drawn(data, "rms_norm", [x], weight, normalized_shape=shape))
    bias = dict(bias=st.just(numbers(-2, 2, *shape)))
    case = drawn(data, "layer_norm", [x], weight | bias, normalized_shape=shape)
    agree_standardised(case, *x[:-axes])


@given(st.data(), st.integers(0, 3))
def test_batch_norm_agrees(data: st.DataObject, dims: int) -> None:
    n, c = each(data, 2, 1, 4)
    running = [fixed(numbers(-1, 1, c)), fixed(numbers(0.5, 2, c))]
    options = eps | dict(
        weight=st.just(numbers(-2, 2, c)),
        bias=st.just(numbers(-2, 2, c)),
        momentum=either(0.0, 0.25, 1.0),
    )
    x = (n, c, *each(data, dims, 1, 4))
    agree(drawn(data, "batch_norm", [x, *running], options))
    assume(np.prod(x) > c)  # one value has no variance: refused below
    running = data.draw(either(running, [None, None]))
    agree_standardised(drawn(data, "batch_norm", [x, *running], options, training=True), c)


@given(st.data(), st.integers(1, 3))
def test_group_and_instance_norm_agree(data: st.DataObject, dims: int) -> None:
    groups, inside = each(data, 2, 1, 3)
    c = groups * inside
    x = (*each(data, 1, 1, 3), c, *each(data, dims - 1, 1, 4), *each(data, 1, 2, 4))
    weight = eps | dict(weight=st.just(numbers(-2, 2, c)))  # a bias alone stops torch
    case = drawn(data, "group_norm", [x], weight, num_groups=groups)
    agree_standardised(case, x[0], groups)
    affine = weight | dict(bias=st.just(numbers(-2, 2, c)), momentum=either(0.0, 0.25, 1.0))
    running = [fixed(numbers(-1, 1, c)), fixed(numbers(0.5, 2, c))]
    own = data.draw(st.booleans())
    case = drawn(data, "instance_norm", [x, *running], affine, use_input_stats=own)
    agree_standardised(case, x[0], c)


@given(st.data(), either((), (2,), (2, 3)))
def test_attention_agrees(data: st.DataObject, lead: tuple[int, ...]) -> None:
    n, m, width, out = each(data, 4, 1, 4)
    mask = either(
        {}, dict(is_causal=True), dict(attn_mask=masks(n, m)), dict(attn_mask=masks(*lead, n, m)),
        dict(attn_mask=numbers(-3, 3, n, m)), dict(attn_mask=numbers(-3, 3, *lead, n, m)),
    )  # fmt: skip
    x = [(*lead, n, width), (*lead, m, width), (*lead, m, out)]
    scale = dict(scale=either(0.25, 1.0, 2.0))
    agree(drawn(data, "scaled_dot_product_attention", x, scale, **data.draw(mask)))
    groups, shared = each(data, 2, 1, 3)
    x = [(2, groups * shared, n, width), (2, shared, m, width), (2, shared, m, out)]
    agree(drawn(data, "scaled_dot_product_attention", x, scale, enable_gqa=True))


# ---- kinks, limits, special points --------------------------------------------------------------

at = [-1000.0, -6.0, -3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 6.0, 1000.0]
KINKS = [
    *(point(name, at) for name in (
        "relu", "relu6", "leaky_relu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign",
        "logsigmoid", "hardsigmoid", "hardswish", "tanhshrink", "softshrink", "hardshrink", "sigmoid", "tanh",
    )),
    point("gelu", at, approximate="tanh"),
    point("elu", at, alpha=2.0),
    point("celu", at, alpha=0.5),
    point("leaky_relu", at, negative_slope=2.0),
    point("softplus", at, beta=2.0, threshold=2.0),
    point("softshrink", at, lambd=3.0),
    point("softshrink", at, lambd=0.0),
    point("hardshrink", at, lambd=3.0),
    point("hardshrink", at, lambd=0.0),
    point("threshold", at, threshold=1.0, value=-7.0),
    point("hardtanh", at, min_val=-2.0, max_val=2.0),
]  # fmt: skip


@pytest.mark.parametrize("case", KINKS, ids=lambda case: str(case._replace(inputs=[])))
def test_slopes_at_kinks_and_far_out(case: Case) -> None:
    """And without a warning: nothing overflows on the way to a finite result."""
    same_at(case)


@pytest.mark.parametrize("case", KINKS, ids=lambda case: str(case._replace(inputs=[])))
def test_nan_and_infinity_are_not_hidden(case: Case) -> None:
    x = np.array([nan, inf, -inf])
    with np.errstate(invalid="ignore"):  # inf·0 is nan, where torch has it too
        got = getattr(nnf, case.name)(x, **case.options)
    expected = Torch.function(case.name)(torch.tensor(x), **case.options)
    np.testing.assert_array_equal(got, expected)


def test_hardtanh_passes_the_gradient_at_its_bounds() -> None:
    """As clip does, here and in torch; torch's hardtanh has 0 there."""
    case = point("hardtanh", [-1.0, 1.0])
    ours, theirs = first_order(Ours, case), first_order(Torch, case)
    np.testing.assert_array_equal(ours["output 0"], theirs["output 0"])
    assert np.all(ours["gradient of input 0"] != 0)
    assert np.all(theirs["gradient of input 0"] == 0)


def test_softplus_needs_no_threshold() -> None:
    """torch's default of 20 leaves the second term out."""
    x = mg.tensor([20.5], requires_grad=True)
    y = nnf.softplus(x)
    y.backward([1.0])
    assert y.data[0] == 20.5 + 1.2501528656053015e-09  # log1p(exp(-20.5))
    np.testing.assert_allclose(x.grad, 1 - 1.2501528648238605e-09, rtol=2 * 2.0**-52)  # - σ(-20.5)


ties = np.ones((1, 2, 4, 4, 4))
nothing = np.full((1, 2, 4, 4, 4), -inf)
POINTS = [
    point("prelu", at, [0.25]),
    point("glu", [[1.0, -1000.0], [-2.0, 1000.0], [3.0, 0.0]]),
    point("softmax", [[1e4, 0.0, -1e4], [0.0, 0.0, -inf]], dim=1),
    point("log_softmax", [[1e4, 0.0, -1e4]], dim=1),
    point("softmin", [[1e4, 0.0, -1e4]], dim=1),
    point("normalize", [[0.0, 0.0], [1e-13, 0.0], [3.0, 4.0]]),
    point("normalize", [[0.0, 0.0], [3.0, 4.0]], p=1.0),
    point("cosine_similarity", [[0.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]),
    *(point("pairwise_distance", [[1.0, 2.0]], [[1.0, 2.0]], p=p, eps=0.0) for p in (1.0, 2.0, 3.0, inf)),
    *(point("pairwise_distance", [[1.0, 2.0]], [[1.0, 3.0]], p=p, eps=0.0) for p in (1.0, 2.0, 3.0, inf)),
    point("pairwise_distance", [[1.0, 2.0]], [[1.0, 3.0]], p=0.0, eps=0.0),
    *(point("pdist", [[1.0, 2.0], [1.0, 2.0], [4.0, 6.0]], p=p) for p in (1.0, 2.0, 3.0, inf)),
    point("pdist", [[1.0, 2.0], [1.0, 5.0], [4.0, 6.0]], p=0.0),
    point("layer_norm", [[2.0, 2.0, 2.0]], normalized_shape=(3,)),
    point("rms_norm", [[0.0, 0.0], [2.0, -2.0]], normalized_shape=(2,), eps=1e-5),
    point("group_norm", [[2.0, 2.0, 0.0, 1.0]], num_groups=2),
    point("batch_norm", [[2.0, 0.0], [2.0, 1.0]], None, None, training=True),
    point("local_response_norm", [[[0.0], [0.0], [1e3]]], size=2),
    point("scaled_dot_product_attention", [[1e3, -1e3]], [[1.0, 0.0], [0.0, 1.0]], [[1.0], [2.0]]),
    point("scaled_dot_product_attention", [[1.0], [2.0]], [[1.0], [2.0]], [[1.0], [2.0]], attn_mask=np.array([[True, False], [False, False]])),
    point("scaled_dot_product_attention", [[1.0], [2.0]], [[1.0], [2.0]], [[1.0], [2.0]], attn_mask=fixed([[0.0, -inf], [-inf, -inf]])),
    point("max_pool1d", ties[0, 0, 0], 2, return_indices=True),
    point("max_pool1d", ties[0, 0, 0], 3, stride=1, padding=1, return_indices=True),
    point("max_pool2d", ties[0], 3, stride=1, padding=1, return_indices=True),
    point("max_pool3d", ties, 2, return_indices=True),
    point("max_pool1d", nothing[0, 0, 0], 2, padding=1, return_indices=True),
    point("max_pool2d", nothing[0], 3, stride=1, padding=1, return_indices=True),
    point("max_pool3d", nothing, 2, padding=1, return_indices=True),
    point("adaptive_max_pool1d", ties[0, 0, 0], 2),
    point("adaptive_max_pool2d", ties[0], 3),
    point("adaptive_max_pool3d", ties, 2),
]  # fmt: skip


@pytest.mark.parametrize("case", POINTS, ids=lambda case: str(case)[:100])
def test_special_points(case: Case) -> None:
    same_at(case)


@pytest.mark.parametrize("name", ["max_pool1d", "adaptive_max_pool1d"])
def test_pools_pass_nan_on(name: str) -> None:
    got = getattr(nnf, name)(np.array([[1.0, nan, 2.0, 3.0]]), 2)
    np.testing.assert_array_equal(got, [[nan, 3]])


@pytest.mark.parametrize("name", ["adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_adaptive_pools_of_no_parts_are_empty_tensors(name: str) -> None:
    """torch agrees, but stops at their gradient."""
    x = mg.tensor(np.ones((1, 2, 3, 4)), requires_grad=True)
    y = getattr(nnf, name)(x, (2, 0))
    assert y.shape == tuple(getattr(F, name)(torch.ones(1, 2, 3, 4), (2, 0)).shape)
    y.backward(np.ones(y.shape))
    np.testing.assert_array_equal(x.grad, 0)


# ---- forms of arguments -------------------------------------------------------------------------


def parameters(function: Any) -> dict[str, Any]:
    """Names and defaults; torch's builtins have theirs in the first lines of their docstrings."""
    try:
        found = inspect.signature(function).parameters.values()
    except ValueError:
        head = re.search(r"\((.*?)\) ->", function.__doc__, re.S)[1]
        pairs = re.findall(r"(\w+)(?: *= *([^,]+))?(?:,|$)", head)
        return {k: eval(v) if v else inspect.Parameter.empty for k, v in pairs}
    return {p.name: p.default for p in found if p.kind is not p.VAR_KEYWORD}


#  What ours do not have (older names of reduction, in place, sparse), and what they have besides.
LEFT_OUT = set("inplace size_average reduce _stacklevel dtype out max_norm norm_type".split())
LEFT_OUT |= {"scale_grad_by_freq", "sparse"}
ADDED = {"rng", "clip_eps"}
DIFFERENT = {("softplus", "threshold"): inf}
DIFFERENT |= {(name, "dim"): -1 for name in ("softmax", "log_softmax", "softmin")}
FUNCTIONS = [
    name
    for name in dir(nnf)
    if callable(getattr(nnf, name)) and name != "linear" and name[0] != "_"
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_have_torchs_names_order_and_defaults(name: str) -> None:
    ours, theirs = parameters(getattr(nnf, name)), parameters(getattr(F, name))
    if list(ours) == ["x"]:  # an op of the table, of one argument
        assert [k for k in theirs if k not in LEFT_OUT] == ["input"]
    elif "args" not in theirs:  # what torch dispatches by return_indices does not say
        expected = {k: DIFFERENT.get((name, k), v) for k, v in theirs.items()}
        expected = {k: v for k, v in expected.items() if k not in LEFT_OUT}
        assert [(k, v) for k, v in ours.items() if k not in ADDED] == [*expected.items()]


def test_a_number_of_features_is_a_shape_of_one_axis() -> None:
    x = np.random.default_rng(0).normal(size=(4, 6))
    for norm in (nnf.layer_norm, nnf.rms_norm):
        np.testing.assert_array_equal(norm(x, 6), norm(x, (6,)))
        np.testing.assert_array_equal(norm(x, np.int64(6)), norm(x, (6,)))


# ---- randomness ---------------------------------------------------------------------------------


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


SHAPES = {
    "dropout": [(50, 40), ()],
    "dropout1d": [(50, 40, 3), (40, 3)],
    "dropout2d": [(50, 40, 3, 2), (40, 3, 2)],
    "dropout3d": [(50, 40, 3, 2, 2), (40, 3, 2, 2)],
}
probabilities = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize("name", DROPOUTS)
@given(p=probabilities, seed=seeds, number=st.integers(0, 1))
def test_dropout_scales_what_it_keeps_and_drops_whole_channels(
    name: str, p: float, seed: int, number: int
) -> None:
    shape = SHAPES[name][number]
    x = mg.tensor(generator(seed).uniform(1, 2, shape), requires_grad=True)
    y = getattr(nnf, name)(x, p, rng=generator(seed + 1))
    kept = y.data != 0
    np.testing.assert_array_equal(y.data, np.where(kept, x.data * (1 / (1 - p)), 0))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.where(kept, 1 / (1 - p), 0))
    n = 0 if name == "dropout" else int(name[-2])
    space = tuple(range(-n, 0))
    np.testing.assert_array_equal(kept.all(space), kept.any(space))  # no axes: each element


@pytest.mark.parametrize("name", DROPOUTS)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_with_probability_p(name: str, p: float) -> None:
    n = 50 * 40  # independent draws: channels, or elements
    y = getattr(nnf, name)(np.ones(SHAPES[name][0]), p, rng=generator(7))
    dropped = np.mean(y == 0)
    assert abs(dropped - p) < 4 * np.sqrt(p * (1 - p) / n)  # 4σ; the seed is fixed
    first = (y == 0).reshape(50, 40, -1)[..., 0]
    assert 0 < first.mean(0).std() < 2 * np.sqrt(p * (1 - p) / 50)  # not the same for all samples


@pytest.mark.parametrize("name", DROPOUTS)
def test_dropout_of_none_of_all_and_in_evaluation(name: str) -> None:
    dropout = getattr(nnf, name)
    x = mg.tensor(np.ones(SHAPES[name][0]), requires_grad=True)
    np.testing.assert_array_equal(dropout(x, 0.0).data, x.data)
    np.testing.assert_array_equal(dropout(x, 0.9, False).data, x.data)
    np.testing.assert_array_equal(dropout(x, 1.0, training=False).data, x.data)
    y = dropout(x, 1.0)
    np.testing.assert_array_equal(y.data, 0)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, 0)


def test_half_is_dropped_by_default_and_in_training() -> None:
    for name in DROPOUTS:
        x = np.ones(SHAPES[name][0])
        explicit = getattr(nnf, name)(x, 0.5, True, generator(3))
        np.testing.assert_array_equal(getattr(nnf, name)(x, rng=generator(3)), explicit)


RANDOM: dict[str, Callable[..., Any]] = {
    **{name: getattr(nnf, name) for name in DROPOUTS},
    "rrelu": partial(nnf.rrelu, training=True),
    "scaled_dot_product_attention": lambda x, rng: nnf.scaled_dot_product_attention(
        x, x, x, dropout_p=0.5, rng=rng
    ),
}


@pytest.mark.parametrize("name", RANDOM)
def test_the_generator_decides_and_moves_on(name: str) -> None:
    draw, x = RANDOM[name], np.full((4, 5, 3, 2, 2), -1.0)
    rng = generator(1)
    one, two = draw(x, rng=rng), draw(x, rng=rng)
    np.testing.assert_array_equal(draw(x, rng=generator(1)), one)
    assert np.any(one != two)
    assert np.any(one != draw(x, rng=generator(2)))
    assert np.any(draw(x, rng=None) != draw(x, rng=None))  # alike once in 2²⁰: 20 channels


@pytest.mark.parametrize("name", [*DROPOUTS, "rrelu"])
def test_random_functions_keep_float32(name: str) -> None:
    x = mg.tensor(np.full((4, 5, 6), -1.0, np.float32), requires_grad=True)
    y = RANDOM[name](x, rng=generator())
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32


@given(seeds, st.floats(0, 0.9))
def test_attention_drops_weights_out(seed: int, p: float) -> None:
    """With the identity as values the output is the weights."""
    q, k = generator(seed).normal(size=(2, 3, 4)), generator(seed + 1).normal(size=(2, 5, 4))
    both = [
        nnf.scaled_dot_product_attention(q, k, np.eye(5), dropout_p=dropped, rng=generator(seed))
        for dropped in (0.0, p)
    ]
    np.testing.assert_array_equal(both[1], nnf.dropout(both[0], p, rng=generator(seed)))


@given(seeds, st.floats(-1, 1), st.floats(0.01, 1))
def test_rrelu_draws_a_slope_for_each_negative_element(
    seed: int, lower: float, width: float
) -> None:
    x = mg.tensor(generator(seed).uniform(-2, 2, 400), requires_grad=True)
    upper = lower + width
    y = nnf.rrelu(x, lower, upper, training=True, rng=generator(seed + 1))
    y.sum().backward()
    slope, negative = x.grad, x.data <= 0
    np.testing.assert_array_equal(y.data, slope * x.data)
    np.testing.assert_array_equal(slope[~negative], 1)
    assert np.all((lower <= slope[negative]) & (slope[negative] <= upper))
    # at least 150 are negative; σ of the mean of n uniform numbers is width / √(12n)
    assert abs(slope[negative].mean() - (lower + upper) / 2) <= 6 * width / np.sqrt(12 * 150)


# ---- refusals -----------------------------------------------------------------------------------

#  What torch refuses because the result would be of something else than was meant.
row, image1 = (1, 2, 5), (1, 1, 4, 4)
REFUSED = [
    Case("prelu", [(2, 1, 4), (3,)]),
    Case("prelu", [(2, 4), (3,)]),
    Case("softshrink", [(3,)], dict(lambd=-1.0)),
    Case("celu", [(3,)], dict(alpha=0.0)),
    Case("rrelu", [(3,)], dict(lower=0.5, upper=0.25)),
    Case("rrelu", [(3,)], dict(lower=0.5, upper=0.25, training=True)),
    Case("glu", [()]),
    *(Case("conv1d", [row, (3, 2, 2), bias]) for bias in ((1,), (2,))),
    Case("conv1d", [row, (1, 2, 2), (3,)]),
    Case("conv_transpose1d", [row, (2, 3, 2), (1,)]),
    *(Case("conv1d", [row, (3, 2, 2)], options) for options in (
        dict(stride=0), dict(stride=-1), dict(stride=1.5), dict(padding=-1), dict(padding="full"), dict(dilation=0), dict(groups=0),
    )),
    *(Case("conv_transpose1d", [row, (2, 3, 2)], options) for options in (
        dict(stride=0), dict(padding=-1), dict(padding=4), dict(dilation=0), dict(groups=0), dict(output_padding=-1),
    )),
    Case("conv1d", [row, (3, 2)]),
    *(Case("max_pool1d", [row, 2], options) for options in (dict(stride=0), dict(padding=-1), dict(dilation=0))),
    Case("max_pool1d", [row, 0]),
    Case("max_pool1d", [row, 2], dict(dilation=3, padding=2)),
    Case("avg_pool2d", [image1, 2], dict(divisor_override=0)),
    Case("adaptive_avg_pool1d", [row, -1]),
    Case("adaptive_avg_pool2d", [image1], dict(output_size=(2, 2, 2))),
    Case("adaptive_max_pool2d", [image1], dict(output_size=(2,))),
    Case("unfold", [image1, 5]),
    Case("unfold", [(1, 1), 1]),
    Case("unfold", [image1, 2], dict(stride=0)),
    Case("fold", [(4,), 3, 2]),
    Case("fold", [(1, 1, 4, 4), 3, 2]),
    Case("pad", [row], dict(pad=(-3, -3))),
    Case("pad", [row], dict(pad=(1,) * 8)),
    Case("pixel_shuffle", [(1, 3, 2, 2), 2]),
    Case("pixel_shuffle", [(2, 2), 1]),
    Case("pixel_shuffle", [(1, 4, 2, 2), 0]),
    Case("pixel_unshuffle", [(1, 3, 3, 2), 2]),
    Case("channel_shuffle", [(1, 3, 2), 2]),
    Case("channel_shuffle", [(1, 4, 2), 0]),
    Case("layer_norm", [(2, 3)], dict(normalized_shape=())),
    Case("rms_norm", [(2, 3)], dict(normalized_shape=(5,))),
    Case("group_norm", [(4,)], dict(num_groups=2)),
    Case("group_norm", [(2, 4, 2)], dict(num_groups=2, weight=numbers(1, 2, 2))),
    Case("instance_norm", [(2, 3, 1)]),
    Case("instance_norm", [(2, 3)]),
    Case("batch_norm", [(2, 3), None, var3], dict(training=True)),
    Case("batch_norm", [(2, 4), mean3, var3], dict(training=True)),
    Case("batch_norm", [(2, 4), mean3, var3]),
    Case("batch_norm", [(2, 3), mean3, var3], dict(weight=numbers(1, 2, 1))),
    Case("local_response_norm", [row], dict(size=0)),
    Case("embedding", [np.array([0]), (3, 2)], dict(padding_idx=3)),
    Case("one_hot", [np.zeros(0, int)]),
    Case("bilinear", [(4, 2), (4, 3), (5, 2, 3), (1,)]),
    Case("bilinear", [(4, 2), (4, 3), (5, 3, 2)]),
    Case("cosine_similarity", [(2, 3), (2, 4)]),
    Case("pairwise_distance", [(2, 3), (2, 4)]),
    Case("pdist", [(3,)]),
    Case("scaled_dot_product_attention", [(3, 2), (4, 2), (4, 2)], dict(attn_mask=np.ones((3, 4), int))),
    Case("scaled_dot_product_attention", [(3, 2), (4, 2), (5, 2)]),
    Case("scaled_dot_product_attention", [(1, 3, 2, 2), (1, 2, 2, 2), (1, 2, 2, 2)], dict(enable_gqa=True)),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_torch_refuses_is_refused(case: Case) -> None:
    refused_by_both(case)


one, two = np.ones((1, 2, 5)), np.ones((1, 2, 5, 5))
