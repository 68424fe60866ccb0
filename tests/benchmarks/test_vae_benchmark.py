"""The benchmark of the variational autoencoder runs, and its goals stand beside their figures."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ctgan")
pytest.importorskip("sdmetrics")

import vae
from results import OURS, Result
from sources import Source


def test_it_measures_both_priors_and_every_peer() -> None:
    rng = np.random.default_rng(0)
    area = rng.uniform(40, 260, 240).round(1)
    frame = pd.DataFrame(
        {"area": area, "zone": rng.choice(["hill", "bay"], 240), "pool": np.where(area > 150, "Y", "N")}
    )
    source = Source("tiny", "A tiny table", lambda _: frame, "pool", "Y", goals=vae.GOALS)
    settings = dataclasses.replace(vae.QUICK, tvae_epochs=1)
    result = Result("tiny", "A tiny table", {}, vae.measure(source, frame, settings))
    result.set_goals(source.goals)
    rows = {row.figure: row for section in result.sections for row in section.rows}
    assert {name: row.goal for name, row in rows.items() if row.goal} == vae.GOALS
    for prior in ("normal prior", "learnt prior"):
        values = rows[f"{prior}: quality, overall (%)"].values
        assert list(values) == [OURS, vae.TVAE, vae.MASKED, "bootstrap", "independent columns"]
        assert values["bootstrap"] > values["independent columns"]
    normal, learnt = (
        rows[f"{prior}: AUC, told from real rows"].values[OURS] for prior in ("normal prior", "learnt prior")
    )
    assert normal != learnt
