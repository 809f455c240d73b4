"""The report page: what it says, that nothing is loaded, that names are escaped."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compare import closing, lockstep, output, overview, tasks
from compare.frameworks import ours
from compare.row import Row
from tests.compare.test_planted import OneEntry, planted

FACTS: dict[str, Any] = {
    "seed": 0, "versions": {"microgradnn": "1", "<b>torch": "2"}, "data": ["made"],
    "dtypes": {"line": "float64", "xor-mlp": "float32"}, "interrupted": False,
}  # fmt: skip


def some_rows() -> list[Row]:
    line, xor = tasks.regression(0)[0], tasks.gates()[3]
    wrong = planted(ours, OneEntry(0, 1.5))
    rows = lockstep.run(line, {"microgradnn": ours}, 6)
    rows += lockstep.run(xor, {"microgradnn": ours, **wrong}, 6)
    rows.append(Row("xor-mlp", "keras", "not run: <script>alert(1)</script>"))
    rows[0].known = ["torch-softplus-threshold"]
    return rows


class Reader(HTMLParser):
    """Whether tags are balanced, and which would load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe"):
            self.loads.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "path"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_says_what_is_wrong_first_and_loads_nothing(tmp_path: Path) -> None:
    page = output.write(tmp_path, some_rows(), FACTS, {"line": "loss 1"})
    text = page.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert (reader.open, reader.loads) == ([], [])
    places = [
        "2 frameworks, 2 tasks: 2 of 3 runs right within rounding; not wrong in xor-mlp.",
        "DISAGREE at the asked point 0: gradient of weight of layer 1, Linear(2, 4)",
        "<h2>Verdicts</h2>",
        "known difference torch-softplus-threshold (microgradnn in line): softplus(x) in PyTorch",
        "<polyline",
        "Linear(1, 1)",
        "&lt;b&gt;torch",
    ]
    found = [text.index(place) for place in places]
    assert found == sorted(found)
    assert "<script>" not in text


def test_the_report_has_a_schema_and_says_what_changed(tmp_path: Path) -> None:
    rows = some_rows()
    output.write(tmp_path, rows, FACTS, {})
    saved = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert saved["schema"] == output.SCHEMA
    wrong = saved["rows"][2]
    assert wrong["violation"]["kind"] == "grad" and wrong["violation"]["count"] == 1
    assert [k for k, _ in saved["rows"][0]["losses"]] == list(range(6))
    rows[2].verdict = "agree"
    text = output.write(tmp_path, rows, FACTS, {}).read_text(encoding="utf-8")
    assert "Since the last run" in text and "wrong in xor-mlp: agree (before: DISAGREE" in text
    (tmp_path / "report.json").write_text('{"schema": 0}', encoding="utf-8")
    text = output.write(tmp_path, rows, FACTS, {}).read_text(encoding="utf-8")
    assert "Since the last run" not in text


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "nothing was run"),
        ([Row("a", "x", "not run: no")], "nothing was run"),
        (
            [Row("a", "x", steps=1), Row("b", "x", steps=1), Row("a", "y", steps=1)],
            "2 frameworks, 2 tasks: all right within the rounding of every single layer",
        ),
        (
            [Row("a", "x", steps=1), Row("a", "y", "FAILED: it broke")],
            "2 frameworks, 1 task: 1 of 2 runs right within rounding; not y in a",
        ),
    ],
)
def test_the_last_sentence(rows: list[Row], said: str) -> None:
    assert closing.sentences(rows)[-1] == said


def test_the_strip_has_a_dot_for_each_run_where_its_error_lies() -> None:
    rows = [
        {"task": "a<", "framework": "x", "steps": 2, "grad_ulps": 1.0},
        {"task": "a<", "framework": "y", "steps": 2, "grad_ulps": "inf"},
        {"task": "b", "framework": "x", "steps": 0, "grad_ulps": 7.0},
        {"task": "b", "framework": "y", "steps": 2, "grad_ulps": 0.0},
    ]
    text = overview.drawn(rows, ["a<", "b"], {"x": "k0", "y": "k1"})
    dots = re.findall(r'<i class="dot (k\d)" style="left:([\d.]+)%;top:(\d+)%" title="(.*?)"', text)
    assert dots == [("k0", "50.0", "33", "x, a&lt;: 1 ulps"), ("k1", "0.0", "67", "y, b: 0 ulps")]
    assert overview.drawn(rows[1:3], ["a<", "b"], {"x": "k0", "y": "k1"}) == ""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="draws the page in chromium")
def test_the_page_fits_a_phone(tmp_path: Path) -> None:
    page = output.write(tmp_path, some_rows(), FACTS, {"line": "loss 1"})
    wide = "document.title=document.documentElement.scrollWidth"
    probe = tmp_path / "probe.html"
    text = page.read_text(encoding="utf-8").replace("<details>", "<details open>")
    probe.write_text(text.replace("</body>", f"<script>{wide}</script></body>"), encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    window = ["--window-size=500,800", f"--user-data-dir={tmp_path / 'profile'}"]
    out = subprocess.run(
        [*command, *window, probe.as_uri()], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    width = int(out.partition("<title>")[2].partition("</title>")[0])
    assert width <= 500
    assert np.isfinite(width)
