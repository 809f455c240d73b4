"""interpolate and Upsample against PyTorch's: every mode, sizes and factors, values and gradients."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.nn import functional as F

torch = pytest.importorskip("torch", reason="compares with torch.nn.functional.interpolate")
AXES = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3),
    "linear": (1,), "bilinear": (2,), "trilinear": (3,), "bicubic": (2,),
}  # fmt: skip


@pytest.mark.parametrize("mode", AXES)
@given(data=st.data())
def test_it_agrees_with_torch(mode: str, data: Any) -> None:
    """Within 64 roundings of the largest weight and number: sums have at most 4 terms an axis."""
    n = data.draw(st.sampled_from(AXES[mode]), "axes")
    space = tuple(data.draw(st.integers(1, 5), "old") for _ in range(n))
    options: dict[str, Any] = {"mode": mode}
    if mode in ("linear", "bilinear", "trilinear", "bicubic"):
        options["align_corners"] = data.draw(st.sampled_from([None, False, True]), "corners")
    if mode in ("bilinear", "bicubic"):
        options["antialias"] = data.draw(st.booleans(), "antialias")
    if data.draw(st.booleans(), "by size"):
        options["size"] = tuple(data.draw(st.integers(1, 7), "new") for _ in range(n))
        if data.draw(st.booleans(), "one size"):
            options["size"] = options["size"][0]
    else:
        factor = st.sampled_from([1.0, 2, 2.5, 3, 1.3])
        options["scale_factor"] = tuple(data.draw(factor, "factor") for _ in range(n))
        # Sizes that stay, or double, although the factor is another: PyTorch is not of one mind,
        # see test_torchs_nearest_pixels_depend_on_the_number_of_axes.
        pairs = list(zip(space, options["scale_factor"], strict=True))
        if mode in ("nearest", "bicubic") or options.get("antialias"):
            assume(not any(f % 1 and int(m * f) in (m, 2 * m) for m, f in pairs))
        options["recompute_scale_factor"] = data.draw(st.sampled_from([None, True]), "recompute")
    array = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=(2, 3, *space))
    ours, theirs = mg.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    y, z = F.interpolate(ours, **options), torch.nn.functional.interpolate(theirs, **options)
    assume(not options.get("antialias") or min(array.shape[-1], y.shape[-1]) > 1)  # see below
    assert y.shape == tuple(z.shape)
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(g)
    z.backward(torch.from_numpy(g))
    pairs = [(y.data, z.detach()), (ours.grad, theirs.grad)]
    if mode == "bicubic" and not options["antialias"] and y.shape == array.shape:
        pairs.pop()  # see the next test
    for got, wanted in pairs:
        np.testing.assert_allclose(got, wanted.numpy(), rtol=0, atol=64 * 2.0**-52 * y.size)


def test_torchs_gradient_of_a_bicubic_image_that_keeps_its_size_is_not_its_forwards() -> None:
    """PyTorch 2.13's backward copies the gradient there; its forward is not a copy.

    Where it changes this, the exception in the test above goes.
    """
    array, how = np.array([[[[1.0, 0.0]]]]), {"scale_factor": (1.0, 1.3), "mode": "bicubic"}
    theirs = torch.tensor(array, requires_grad=True)
    torch.nn.functional.interpolate(theirs, **how).sum().backward()
    np.testing.assert_array_equal(theirs.grad.numpy().ravel(), [1, 1])
    ours = mg.tensor(array, requires_grad=True)
    F.interpolate(ours, **how).sum().backward()
    columns = [F.interpolate(np.eye(2)[i].reshape(1, 1, 1, 2), **how).sum() for i in range(2)]
    np.testing.assert_allclose(ours.grad.ravel(), columns, rtol=1e-15)
    assert abs(columns[0] - 1) > 0.3


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_torchs_antialias_of_an_image_one_pixel_wide_is_wrong(mode: str) -> None:
    """PyTorch 2.13 gives every row the value of the first; of the image turned round it is right."""
    column, how = torch.arange(3.0, dtype=torch.float64), {"mode": mode, "antialias": True}
    tall = torch.nn.functional.interpolate(column.reshape(1, 1, 3, 1), (2, 1), **how).ravel()
    wide = torch.nn.functional.interpolate(column.reshape(1, 1, 1, 3), (1, 2), **how).ravel()
    assert tall[0] == tall[1] and wide[0] < wide[1]
    ours = F.interpolate(column.numpy().reshape(1, 1, 3, 1), (2, 1), **how).ravel()
    np.testing.assert_allclose(ours, wide.numpy(), rtol=1e-15)


def test_torchs_nearest_pixels_depend_on_the_number_of_axes() -> None:
    """PyTorch 2.13 copies a row of an image whose size stays, and not the same row alone."""
    row, x = torch.arange(2.0), np.arange(2.0)
    alone = torch.nn.functional.interpolate(row.reshape(1, 1, 2), scale_factor=1.3)
    inside = torch.nn.functional.interpolate(row.reshape(1, 1, 1, 2), scale_factor=(1.0, 1.3))
    assert alone.ravel().tolist() == [0, 0] and inside.ravel().tolist() == [0, 1]
    ours = F.interpolate(x.reshape(1, 1, 1, 2), scale_factor=(1.0, 1.3)).ravel()
    np.testing.assert_array_equal(ours, [0, 0])  # floor(i / 1.3), whatever lies around


def test_float32_stays_float32() -> None:
    x = np.ones((1, 1, 2, 2), np.float32)
    assert all(F.interpolate(x, 3, mode=m).dtype == np.float32 for m in ("nearest", "bicubic"))


def test_the_layer_is_the_function() -> None:
    layer = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 4))
    wanted = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
    np.testing.assert_array_equal(layer(mg.tensor(x)).data, wanted)
    assert repr(layer) == "Upsample(scale_factor=2, mode='bilinear', align_corners=True)"
    again = nn.Module.from_config(layer.get_config())
    np.testing.assert_array_equal(again(mg.tensor(x)).data, wanted)
