"""Detectors of outliers, each a function of rows to fit on and rows to score; higher is odder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.base import BaseDetector
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.lof import LOF
from pyod.models.pca import PCA
from pyod.models.vae import VAE

from isthmus import OutlierDetector

Floats = npt.NDArray[np.float64]
Detect = Callable[[Floats, Floats, int], Floats]


def isthmus(fit: Floats, score: Floats, seed: int, **settings: Any) -> Floats:
    """Score with isthmus, which standardises columns itself."""
    detector = OutlierDetector(seed=seed, **settings).fit(fit)
    return detector.decision_scores_ if score is fit else -detector.score_samples(score)


def pyod(make: Callable[[int], BaseDetector]) -> Detect:
    """Make a function of a PyOD detector with its defaults, on columns standardised by the rows it is fitted on."""

    def detect(fit: Floats, score: Floats, seed: int) -> Floats:
        torch.manual_seed(seed)
        spread = fit.std(0)
        mean, spread = fit.mean(0), np.where(spread > 0, spread, 1.0)
        detector = make(seed).fit((fit - mean) / spread)
        scores = detector.decision_scores_ if score is fit else detector.decision_function((score - mean) / spread)
        return np.nan_to_num(scores)

    return detect


PEERS: dict[str, Detect] = {
    "IForest": pyod(lambda seed: IForest(random_state=seed)),
    "ECOD": pyod(lambda _: ECOD()),
    "KNN": pyod(lambda _: KNN()),
    "LOF": pyod(lambda _: LOF()),
    "AutoEncoder": pyod(lambda seed: AutoEncoder(random_state=seed, verbose=0)),
    "VAE": pyod(lambda seed: VAE(random_state=seed, verbose=0)),
    "PCA": pyod(lambda seed: PCA(random_state=seed)),
}
