"""Puts the line numbers in docs/reading.md right: each is that of the lines that are quoted there.

python docs/lines.py [--check]: with --check nothing is written, and the exit status is 1 if a
number is wrong. A quotation that stands in its file no more, or several times, is an error.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reading.md"
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
    old = PAGE.read_text(encoding="utf-8")
    new = PLACE.sub(numbered, old)
    if new == old:
        return 0
    if "--check" in sys.argv:
        print("line numbers in docs/reading.md are wrong; write: python docs/lines.py")
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
