"""From one row to another through the code."""

from __future__ import annotations

import numpy as np

from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Floats
from isthmus.tasks.reconstruct import decode, encode


def interpolate(net: Hourglass, ends: Floats, steps: int) -> Floats:
    """Walk in a straight line between the codes of two rows.

    Parameters
    ----------
    net
        A trained network.
    ends
        Two rows (2, columns).
    steps
        Rows to make up in between.

    Returns
    -------
    numpy.ndarray
        The first row, what the decoder makes of `steps` codes at equal distances, and the second row (steps + 2,
        columns). The decoder reads condition columns on the way as well: numbers in even steps, categories from the
        nearer end.
    """
    share = np.linspace(0, 1, steps + 2)[1:-1, None]
    codes = encode(net, ends)
    way = (1 - share) * codes[0] + share * codes[1]
    given = np.where(share < 0.5, ends[0], ends[1])
    numbers = net.columns.numeric
    given[:, numbers] = (1 - share) * ends[0, numbers] + share * ends[1, numbers]
    between = decode(net, way.astype(np.float32), given)
    return np.concatenate([ends[:1], between, ends[1:]])
