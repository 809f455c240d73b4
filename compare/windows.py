"""Images as the windows that a convolution sees, and back."""

import numpy as np

Array = np.ndarray


def windows(x: Array, k: int, p: int) -> Array:
    """(batch, height', width', channels·k·k)."""
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    found = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3)).transpose(0, 2, 3, 1, 4, 5)
    return found.reshape(*found.shape[:3], -1)


def folded(rows: Array, shape: tuple[int, ...], k: int, p: int) -> Array:
    """The sum over the windows of what each says about its inputs."""
    n, channels, height, width = shape
    out = np.zeros((n, channels, height + 2 * p, width + 2 * p))
    parts = rows.reshape(*rows.shape[:3], channels, k, k).transpose(0, 3, 4, 5, 1, 2)
    for i in range(k):
        for j in range(k):
            out[:, :, i : i + rows.shape[1], j : j + rows.shape[2]] += parts[:, :, i, j]
    return out[:, :, p : p + height, p : p + width]
