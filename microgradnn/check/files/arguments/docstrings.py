"""What docstrings and comments say of arguments."""

import re

_AXIS = r"(?:[A-Za-z_0-9+*/ ']|\.\.\.|…)"
_AXES = re.compile(rf"[(\[]\s*({_AXIS}+(?:,{_AXIS}*)*)[)\]]")


def first_shapes(text: str, names: list[str]) -> list[list[str]]:
    """The axes of shapes of nothing in particular in the first line, or none."""
    first = text.strip().split("\n")[0]
    shapes = [_split(m[1]) for m in _AXES.finditer(first)]
    known = any(documented(name, first, names) for name in names)
    return [] if known else [s for s in shapes if s]


def documented(name: str, text: str, names: list[str], far: int = 160) -> list[str] | None:
    """The axes a text gives a variable: "x: input data of shape (N, D)", or None.

    They come at most `far` characters behind the name.
    """
    others = [re.escape(n) for n in names if n != name]
    word = rf"(?<![\w.(]){re.escape(name)}(?!\w)"
    beside = rf"(?:(?:\s*(?:,|and)\s*(?:{'|'.join(others)}))*\s+are)?" if others else ""
    for match in re.finditer(word + beside, text):
        after = text[match.end() : match.end() + 160]
        shape = _AXES.search(after)
        while shape and (axes := _split(shape[1])) is None:
            shape = _AXES.search(after, shape.end())
        if not shape:
            continue
        gap = after[: shape.start()]
        if len(gap) > far or re.search(r"\b(None|[Rr]eturns?)\b", gap):
            continue
        if not re.match(r"\s*(:|-|is|are|has|have|=|,|of|with|\()", gap) and len(gap.split()) > 1:
            continue
        if re.search(r"\n\s*\n|\n\s*[-*:]\s", gap) or re.search(r"\n\s*\w+\s*(:|--)", gap):
            continue
        if any(re.search(rf"(?<!\w){o}(?!\w)", gap.split(":")[-1]) for o in others):
            continue
        return axes
    return None


def _split(content: str) -> list[str] | None:
    """The names of axes in "N, d_1, ..., d_k", or None if it is something else."""
    parts = [p.strip().strip("'") for p in content.split(",")]
    if "," not in content or any(p.count(" ") and not re.search(r"[+*/]", p) for p in parts):
        return None
    several = parts[0] in ("...", "…")  # any axes before the others: one stands for them
    parts = [""] * several + [p for p in parts if p not in ("", "...", "…")]
    parts = ["" if p.isdigit() and p != "1" else p for p in parts]
    good = [re.fullmatch(r"(\d?\s*\*?\s*[A-Za-z_]\w*(\s*[+*/]\s*\w+)*|1|)", p) for p in parts]
    return parts if parts and all(good) and any(parts) else None


def said(name: str, text: str) -> str:
    """What a text says behind "name:", on that line and the next ones."""
    until = r"(?:[^\n]|\n(?!\s*[-*:]|\s*\w+\s*(?::|--)))*"
    match = re.search(rf"(?<!\w){re.escape(name)}\s*(?::|--|-)\s*({until})", text)
    return match[1] if match else ""
