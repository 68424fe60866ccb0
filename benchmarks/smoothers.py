"""What people smooth a signal with: each at the setting that, of many, is best for the truth, which nobody has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded
from scipy.signal import savgol_filter, wiener

Samples = npt.NDArray[np.float64]
Smoother = Callable[[Samples], Samples]


def smoothers(level: float) -> Iterator[tuple[str, Smoother]]:
    """Give every method with every setting, for noise of a known level."""
    for window in (5, 7, 9, 11, 15, 21, 31, 41):
        for order in (2, 3, 4):
            if order < window:
                yield "Savitzky-Golay", lambda y, w=window, o=order: savgol_filter(y, w, o)
        yield "Wiener", lambda y, w=window: wiener(y, w, level**2)
    for name in ("sym4", "sym8", "db4", "coif3"):
        for method in ("BayesShrink", "VisuShrink"):
            for mode in ("soft", "hard"):
                yield "wavelets", lambda y, n=name, m=method, s=mode: _wavelets(y, level, n, m, s)
    for weight in np.geomspace(0.1, 1e5, 25):
        yield "Kalman smoother", lambda y, w=weight: kalman(y, float(w))


def _wavelets(y: Samples, level: float, wavelet: str, method: str, mode: str) -> Samples:
    from skimage.restoration import denoise_wavelet

    found: Samples = denoise_wavelet(y, sigma=level, wavelet=wavelet, method=method, mode=mode, rescale_sigma=False)
    return found


def kalman(y: Samples, weight: float) -> Samples:
    """Smooth by a local linear trend: what a Kalman filter and its way back give, solved at once.

    The mean of an integrated random walk given all of its noisy samples minimises the squared misfit plus `weight`
    times that of second differences, which a banded system gives exactly.
    """
    n = len(y)
    bands = np.zeros((3, n))
    bands[2] = 1 + weight * np.r_[1, 5, np.full(n - 4, 6), 5, 1]
    bands[1, 1:] = weight * np.r_[-2, np.full(n - 3, -4), -2]
    bands[0, 2:] = weight
    found: Samples = solveh_banded(bands, y)
    return found
