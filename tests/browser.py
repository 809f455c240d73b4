"""Pages in a headless browser: what scripts in them find, and pictures that stay.

MICROGRADNN_SCREENSHOTS names the folder where pictures go; without it a test's own folder does.
"""

import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
# Where a page's errors are kept, and what its policy forbids: put before its first <style>.
WATCH = """<script>window.problems = [];
window.addEventListener("error", (e) => problems.push(String(e.message)));
window.addEventListener("securitypolicyviolation", (e) => problems.push(e.violatedDirective));
</script>"""


def _run(folder: Path, page: Path, *flags: str) -> str:
    usual = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [str(CHROMIUM), *usual, profile, "--virtual-time-budget=5000", *flags, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


def watched(page: str) -> str:
    """A page that keeps its problems, as the srcdoc of a frame."""
    return html.escape(page.replace("<style>", WATCH + "<style>", 1))


def found(folder: Path, body: str) -> str:
    """What the script of a page has put into its <pre id="found">."""
    driver = folder / "driver.html"
    driver.write_text(f"<body>{body}", "utf-8")
    out = _run(folder, driver, "--dump-dom")
    match = re.search(r'<pre id="found">(.*?)</pre>', out, re.S)
    assert match, out[-2000:]
    return html.unescape(match[1])


def photographed(folder: Path, name: str, body: str, size: tuple[int, int], dark: bool) -> Path:
    """The picture of a page, light or dark, in the folder where pictures stay."""
    shelf = Path(os.environ.get("MICROGRADNN_SCREENSHOTS") or folder).resolve()
    shelf.mkdir(parents=True, exist_ok=True)
    path = shelf / f"{name}-{'dark' if dark else 'light'}.png"
    page = folder / f"{name}.html"
    page.write_text(f'<body style="margin:0;background:#888">{body}', "utf-8")
    look = ["--blink-settings=preferredColorScheme=0"] if dark else []
    _run(folder, page, f"--screenshot={path}", f"--window-size={size[0]},{size[1]}", *look)
    return path
