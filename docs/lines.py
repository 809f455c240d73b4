"""Puts the line numbers in docs/reading.md and its Chinese twin right: those of what they quote.

python docs/lines.py [--check]: with --check nothing is written, and the exit status is 1 if a
number is wrong. A quotation that stands in its file no more, or several times, is an error.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / name for name in ("reading.md", "reading.zh.md")]
PLACE = re.compile(
    r"\[(engine/\w+\.py):(\d+)\]\(\.\./microgradnn/\1#L\d+\)\n\n```text\n(.*?)```", re.S
)


def numbered(found: re.Match[str]) -> str:
    """The quotation with the right line number."""
    file, _, quoted = found.groups()
    text = (ROOT / "microgradnn" / file).read_text(encoding="utf-8")
    if text.count(f"\n{quoted}") != 1:
        raise SystemExit(f"{file} does not hold this just once:\n{quoted}")
    line = text[: text.index(f"\n{quoted}") + 1].count("\n") + 1
    return f"[{file}:{line}](../microgradnn/{file}#L{line})\n\n```text\n{quoted}```"


def main() -> int:
    """The exit status."""
    old = [page.read_text(encoding="utf-8") for page in PAGES]
    new = [PLACE.sub(numbered, text) for text in old]
    if new == old:
        return 0
    if "--check" in sys.argv:
        print("line numbers in docs/reading.md are wrong; write: python docs/lines.py")
        return 1
    for page, text in zip(PAGES, new, strict=True):
        page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
