"""Where codes lie, as a mixture of normals: what new codes are drawn from, of any code and of each kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.mixture import GaussianMixture

Floats = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]

ROWS, MOST = 40, 12
"""Codes that a normal of the mixture needs, and the most normals of a kind."""
LEAST = 1e-3
"""Variance, as a share of that of all codes, that every normal has at least in every direction."""


@dataclass(frozen=True)
class Mixture:
    """A mixture of normals for each kind.

    `share` (kinds,) is that of all codes, `weight` (kinds, parts), `mean` (kinds, parts, size), and `factor` (kinds,
    parts, size, size) what times its transpose is the covariance.
    """

    share: Floats
    weight: Floats
    mean: Floats
    factor: Floats

    @classmethod
    def learn(cls, codes: Floats, kinds: Whole, count: int, seed: int) -> Mixture:
        """Fit a mixture to codes (n, size) of each of `count` kinds (n,).

        Fitted afterwards it draws better codes than the prior of training (Ghosh et al. 2020, "From variational to
        deterministic autoencoders", section 4.2).

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> codes = np.concatenate([rng.normal(-5, 1, (200, 2)), rng.normal(5, 1, (200, 2))]).astype(np.float32)
        >>> mixture = Mixture.learn(codes, np.repeat([0, 1], 200), 2, seed=0)
        >>> (mixture.draw(np.array([0, 1]), rng).mean(1) > 0).tolist()
        [False, True]
        """
        size, spread = codes.shape[1], float(codes.var(0).mean()) + 1e-12
        share, weight = np.zeros(count), np.zeros((count, MOST))
        mean, factor = np.zeros((count, MOST, size)), np.zeros((count, MOST, size, size))
        for kind in range(count):
            own = codes[kinds == kind].astype(np.float64)
            share[kind] = len(own) / max(1, len(codes))
            parts = int(np.clip(len(own) // ROWS, 1, MOST))
            if len(own) < 2:
                weight[kind, 0], mean[kind, 0] = 1, own.mean(0) if len(own) else 0
                factor[kind, 0] = np.eye(size) * (LEAST * spread) ** 0.5
                continue
            found = GaussianMixture(parts, reg_covar=LEAST * spread, random_state=seed).fit(own)
            weight[kind, :parts], mean[kind, :parts] = found.weights_, found.means_
            factor[kind, :parts] = np.linalg.cholesky(found.covariances_)
        return cls(*(each.astype(np.float32) for each in (share, weight, mean, factor)))

    def draw(self, kinds: Whole, rng: np.random.Generator) -> Floats:
        """Draw a code (n, size) for each of kinds (n,), of which -1 is any, as often as they are."""
        share = self.share.astype(np.float64)
        any_kind = rng.choice(len(share), len(kinds), p=share / share.sum())
        chosen = np.where(kinds < 0, any_kind, kinds)
        total = self.weight[chosen].astype(np.float64).cumsum(1)
        part = (rng.random((len(kinds), 1)) * total[:, -1:] > total).sum(1)
        noise = rng.normal(size=(len(kinds), self.mean.shape[2], 1))
        moved = self.factor[chosen, part] @ noise
        return np.asarray(self.mean[chosen, part] + moved[..., 0], np.float32)
