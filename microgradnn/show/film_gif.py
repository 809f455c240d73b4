"""A film as an animated GIF, written by pillow."""

import base64
import io
import math
from typing import Any

import numpy as np

from ..optional import need

SIDE, CURVE, EDGE = 360, 120, 10  # pixels
COLOURS = np.array([[11, 87, 208], [217, 119, 6], [26, 127, 55], [130, 80, 223], [179, 38, 30]])
INK, SOFT = (31, 35, 40), (140, 149, 159)


def gif(data: dict[str, Any], milliseconds: int) -> bytes:
    """The frames one after the other: the plane with its points, and the first curve below."""
    image = need("PIL.Image", "a GIF")
    drawing = need("PIL.ImageDraw", "a GIF")
    frames = [_frame(data, k, image, drawing) for k in range(len(data["frames"]))]
    frames = [f.quantize(128, dither=image.Dither.NONE) for f in frames]
    out = io.BytesIO()
    times = [milliseconds] * (len(frames) - 1) + [max(milliseconds, 1500)]
    frames[0].save(
        out, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=False
    )
    return out.getvalue()


def _frame(data: dict[str, Any], k: int, image: Any, drawing: Any) -> Any:
    frame, side = data["frames"][k], data["side"]
    classes, sure = (np.frombuffer(base64.b64decode(s), np.uint8) for s in frame["scores"])
    share = (0.08 + 0.5 * sure.astype(float) / 255)[:, None]
    shown = (255 * (1 - share) + COLOURS[classes % len(COLOURS)] * share).round().astype(np.uint8)
    plane = image.fromarray(shown.reshape(side, side, 3)).resize((SIDE, SIDE), 0)
    picture = image.new("RGB", (SIDE, SIDE + CURVE), "white")
    picture.paste(plane, (0, 0))
    pen = drawing.Draw(picture)
    for points, hollow in ((data["points"], False), (data["test"], True)):
        _points(pen, points, data["box"], hollow)
    _curve(pen, data["frames"], k)
    return picture


def _points(pen: Any, points: list[Any], box: list[float], hollow: bool) -> None:
    x0, y0, x1, y1 = box
    for x, y, c in points:
        colour = tuple(int(v) for v in COLOURS[c % len(COLOURS)])
        px, py = (x - x0) / (x1 - x0) * SIDE, (y1 - y) / (y1 - y0) * SIDE
        fill, line = ("white", colour) if hollow else (colour, "white")
        pen.ellipse((px - 3, py - 3, px + 3, py + 3), fill=fill, outline=line)


def _curve(pen: Any, frames: list[Any], k: int) -> None:
    """The first figure of the frames, up to this one; and where the film is."""
    name = next((n for f in frames for n in f["figures"]), "")
    values = [f["figures"].get(name) for f in frames]
    good = [v for v in values if isinstance(v, (int, float)) and math.isfinite(v)]
    low, high = min(good, default=0.0), max(good, default=1.0)
    top, bottom = SIDE + 24, SIDE + CURVE - EDGE
    at = [
        (EDGE + (SIDE - 2 * EDGE) * i / max(len(frames) - 1, 1),
         bottom - (bottom - top) * (v - low) / (high - low or 1.0))
        for i, v in enumerate(values) if isinstance(v, (int, float)) and math.isfinite(v)
    ]  # fmt: skip
    until = EDGE + (SIDE - 2 * EDGE) * k / max(len(frames) - 1, 1)
    for part, colour in ((at, SOFT), ([p for p in at if p[0] <= until + 0.5], INK)):
        if len(part) > 1:
            pen.line(part, fill=colour, width=2)
    now = values[k]
    shown = f"{now:.4g}" if isinstance(now, (int, float)) else "-"
    pen.text((EDGE, SIDE + 6), f"{frames[k]['step']}   {name} {shown}", fill=INK)
