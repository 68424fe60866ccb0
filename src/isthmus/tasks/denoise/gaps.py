"""Gaps in a signal, filled by what stood there where the signal around was the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MANY = 12
"""Places that a gap is filled from."""
FAR = 16_000
"""Samples on either side in which they are looked for."""
AROUND = 24
"""Least samples on either side of a gap that are compared."""


def fill_gaps(signal: Floats, hidden: npt.NDArray[np.bool_]) -> Floats:
    """Fill what is hidden (n,) of a signal (n,); what finds nothing like it gets a straight line.

    Each gap is laid, with as much of the signal on either side as it is long, over all places near it where nothing is
    missing. What stood in the gap there is mixed by those weights that rebuild its surroundings best (as locally linear
    embedding rebuilds a point from its neighbours: Roweis and Saul 2000, equation 1, with their regularisation).

    Examples
    --------
    >>> beat = np.sin(np.arange(900) / 10) ** 9
    >>> hidden = np.zeros(900, dtype=bool)
    >>> hidden[400:430] = True
    >>> filled = fill_gaps(np.where(hidden, np.nan, beat), hidden)
    >>> bool(np.abs(filled - beat).max() < 0.05)
    True
    """
    at = np.arange(len(signal))
    filled = np.where(hidden, 0.0, signal)
    if hidden.all() or not hidden.any():
        return filled
    filled[hidden] = np.interp(at[hidden], at[~hidden], signal[~hidden])
    edges = np.flatnonzero(np.diff(np.r_[False, hidden, False].astype(np.int8)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        around = max(AROUND, int(stop - start))
        left, right = max(0, start - around), min(len(signal), stop + around)
        found = _like(filled, hidden, left, right)
        if found is not None:
            filled[start:stop] = found[start - left : stop - left]
    return filled


def _like(signal: Floats, hidden: npt.NDArray[np.bool_], left: int, right: int) -> Floats | None:
    """Rebuild a stretch from others like it; None where there are none."""
    length, first = right - left, max(0, left - FAR)
    window = slice(first, min(len(signal), right + FAR))
    parts = np.lib.stride_tricks.sliding_window_view(signal[window], length)
    whole = ~np.lib.stride_tricks.sliding_window_view(hidden[window], length).any(1)
    known = ~hidden[left:right]
    places = np.flatnonzero(whole)
    if len(places) < MANY or known.sum() < 2:
        return None
    own = signal[left:right]
    level = own[known].mean()
    others = parts[places][:, known]
    middle = others.mean(1)
    apart = np.square(others - middle[:, None] - (own[known] - level)).mean(1)
    best = np.argpartition(apart, MANY - 1)[:MANY]
    near = parts[places[best]] - middle[best, None]
    difference = near[:, known] - (own[known] - level)
    inner = difference @ difference.T
    weights = np.linalg.solve(inner + 1e-2 * (np.trace(inner) + 1e-12) * np.eye(MANY), np.ones(MANY))
    rebuilt: Floats = weights @ near / weights.sum() + level
    return rebuilt
