"""How far each framework is from the right gradient, task by task: a strip of dots."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

FLOOR, POWERS = 1e-3, 3  # ulps: what is below lies on the left edge; a tick every so many powers
STYLE = """
.strip{display:grid;grid-template-columns:max-content 1fr;gap:0 .8rem;font-size:.92rem}
.track{position:relative;min-height:2.3em;border-bottom:1px solid var(--line)}
.track.axis{border:0;color:var(--soft);font-size:.8rem}.track span{position:absolute;
transform:translateX(-50%);white-space:nowrap}.track span:first-child{transform:none}
.track span:last-child{transform:translateX(-100%)}.track u{position:absolute;top:0;bottom:0;
border-left:1px solid var(--line)}.dot{position:absolute;width:.5em;height:.5em;margin:-.25em;
border-radius:50%;background:var(--c)}.dot.k1,.dot.k5{border-radius:0}.dot.k2,.dot.k6{
border-radius:0;transform:rotate(45deg)}.dot.k3{border-radius:50% 50% 0 0}
.dot.k4{border-radius:0 0 50% 50%}.key .dot{position:static;display:inline-block;margin:0 .3rem}
@media(max-width:40rem){.strip{grid-template-columns:1fr}}
"""


def drawn(
    rows: Sequence[Mapping[str, Any]], tasks: Sequence[str], classes: Mapping[str, str]
) -> str:
    """The strip as HTML: a line for each task, a dot for each framework that ran it.

    `classes` are the CSS classes of the frameworks. Nothing if no gradient was compared.
    """
    found = {(row["task"], row["framework"]): _ulps(row) for row in rows if row["steps"]}
    known = [ulps for ulps in found.values() if ulps is not None]
    if not known:
        return ""
    powers = _powers(max(known))
    lines = "".join(f'<u style="left:{_at(10.0**p, powers)}"></u>' for p in powers)
    parts = []
    for task in tasks:
        of_task = {name: found.get((task, name)) for name in classes}
        dots = _dots(task, of_task, classes, powers)
        parts.append(f'<b>{escape(task)}</b><div class="track">{lines}{dots}</div>')
    ticks = "".join(
        f'<span style="left:{_at(10.0**p, powers)}">{_tick(p, powers)}</span>' for p in powers
    )
    return (
        f'<p>{_keys(classes)}</p><div class="strip">{"".join(parts)}<span></span>'
        f'<div class="track axis">{ticks}</div></div><p class="soft">The largest error of a '
        "gradient at any step, in ulps: 1 is the last binary digit of its largest element. "
        "Each layer got the same inputs, so errors do not add up over layers.</p>"
    )


def _powers(largest: float) -> range:
    """The powers of ten that have a tick."""
    last = max(POWERS * math.ceil(math.log10(max(largest, 1.0)) / POWERS), POWERS)
    return range(round(math.log10(FLOOR)), last + 1, POWERS)


def _at(ulps: float, powers: range) -> str:
    share = (math.log10(max(ulps, FLOOR)) - powers[0]) / (powers[-1] - powers[0])
    return f"{100 * share:.1f}%"


def _dots(
    task: str, found: Mapping[str, float | None], classes: Mapping[str, str], powers: range
) -> str:
    dots = []
    for i, (name, ulps) in enumerate(found.items()):
        if ulps is not None:
            place = f"left:{_at(ulps, powers)};top:{100 * (i + 1) / (len(found) + 1):.0f}%"
            said = f"{escape(name)}, {escape(task)}: {ulps:.3g} ulps"
            dots.append(f'<i class="dot {classes[name]}" style="{place}" title="{said}"></i>')
    return "".join(dots)


def _keys(classes: Mapping[str, str]) -> str:
    return "".join(
        f'<span class="key"><i class="dot {kind}"></i>{escape(name)}</span>'
        for name, kind in classes.items()
    )


def _ulps(row: Mapping[str, Any]) -> float | None:
    """The error, or None: what is no number is a text in a report."""
    value = row["grad_ulps"]
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _tick(power: int, powers: range) -> str:
    said = f"{10.0**power:g}" if -3 <= power <= 4 else f"1e{power}"
    return f"≤ {said}" if power == powers[0] else said
