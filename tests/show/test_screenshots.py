"""A picture of each page, light and dark, at three widths: to be looked at; nothing overflows."""

import html
import json
import struct
from pathlib import Path

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import tensor
from microgradnn.show import diff, steps
from tests import browser
from tests.browser import needs_chromium
from tests.show.test_film import filmed
from tests.show.test_step_page import neuron, xor
from tests.show.test_two_runs import run

WIDTHS, HEIGHT = (360, 768, 1440), 1100
OVER = """window.onload = () => {
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify([...document.querySelectorAll("iframe")].map((f) => {
    const d = f.contentDocument.documentElement;
    return d.scrollWidth - d.clientWidth;
  }));
  document.body.append(out);
};"""


def pages() -> dict[str, str]:
    z = tensor([[1.0, 2.0, 0.5]], requires_grad=True, name="z")
    return {
        "neuron": neuron().html,
        "xor": xor().html,
        "tensors": steps(mg.cross_entropy(z, np.array([1])), lang="zh").html,
        "film": filmed()[0].html,
        "diff": diff(run(), run(2.0001), lang="en", names={}).html,
    }


def frames(page: str) -> str:
    inside = html.escape(page)
    return "".join(
        f'<iframe srcdoc="{inside}" style="width:{w}px;height:{HEIGHT}px;border:0;margin:4px">'
        "</iframe>"
        for w in WIDTHS
    )


@needs_chromium
def test_no_page_overflows(tmp_path: Path) -> None:
    made = pages()
    body = "".join(map(frames, made.values()))
    over = json.loads(browser.found(tmp_path, f"{body}<script>{OVER}</script>"))
    assert over == [0] * len(WIDTHS) * len(made)


@needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_picture_of_the_pages_stays(tmp_path: Path, dark: bool) -> None:
    """One picture: a row for each page, a column for each width."""
    made = pages()
    rows = "".join(f'<div style="white-space:nowrap">{frames(p)}</div>' for p in made.values())
    size = sum(WIDTHS) + 40, (HEIGHT + 12) * len(made)
    path = browser.photographed(tmp_path, "pages", rows, size, dark)
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == size
