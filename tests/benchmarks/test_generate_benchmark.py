"""The benchmark of made-up pictures measures what it says, also of pictures that are drawn larger."""

from __future__ import annotations

import dataclasses

import generate
import numpy as np
import pytest
from digits import frechet
from results import OURS

TINY = generate.Settings(minutes=0.01, pictures=120, made=100, judge_epochs=1, vae_minutes=0.01, steps=(3,))


@pytest.fixture(scope="module")
def digits() -> generate.Digits:
    """Stripes (28, 28) that are the thicker the larger the digit."""
    labels = np.arange(160) % 10
    stripes = np.arange(28)[:, None] // (labels[:, None, None] + 1) % 2 * np.full(28, 250)
    pictures = stripes.astype(np.uint8)
    return generate.Digits(pictures[:120], labels[:120], pictures[120:], labels[120:])


@pytest.mark.parametrize("larger", [1, 3])
def test_every_figure_is_measured(digits, larger):
    source = dataclasses.replace(generate.BENCH.sources["mnist"], larger=larger)
    sections = generate.measure(source, digits, TINY)
    rows = {row.figure: row.values for section in sections for row in section.rows}
    assert set(source.goals) <= set(rows)
    assert all(np.isfinite(list(values.values())).all() for values in rows.values())
    assert ("real ones through the code" in rows["Frechet distance"]) == (larger > 1)
    assert rows["Frechet distance"].keys() >= {OURS, "VAE", "guidance 1.5", "others that are real"}
    assert rows["3 steps"].keys() == {"heun", "ddim"}
    assert f"{28 * larger} x {28 * larger} pixels" in sections[0].note


def test_copies_are_told_from_others(digits):
    rng = np.random.default_rng(0)
    noises = rng.normal(0, 40, (2, *digits.real.shape))
    others, real = np.clip(digits.real + noises, 0, 255).astype(np.uint8)
    section = generate._copied({"copies": digits.learn, "others": others, "others that are real": real}, digits.learn)
    nearest, share = (row.values for row in section.rows)
    assert nearest["copies"] == 0
    assert nearest["others"] > 10
    assert share["copies"] == 100
    assert share["others"] < 20


def test_the_distance_of_frechet_is_that_of_two_normal_clouds():
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, (200_000, 3)), rng.normal([1, 0, 0], [2, 1, 1], (200_000, 3))
    assert frechet(one, other) == pytest.approx(1 + (2 - 1) ** 2, abs=0.05)
    one[:, 2], other[:, 2] = 0, 0
    assert frechet(one, other) == pytest.approx(2, abs=0.05)
    assert frechet(one, one) == pytest.approx(0, abs=1e-6)


def test_what_was_enlarged_and_reduced_is_what_it_was(digits):
    large = generate.enlarged(digits.learn[7:9], 4)
    assert large.shape == (2, 112, 112)
    assert np.abs(generate.reduced(large, 4).astype(float) - digits.learn[7:9]).mean() < 12
    assert np.array_equal(generate.reduced(digits.learn, 1), digits.learn)
