"""The parts of the benchmark of concepts that need no language model. No times are asserted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

pytest.importorskip("transformers")

import concepts
from runner import MissingSourceError

from isthmus.tasks.interpret.find import Scores


def scores(rows: list[list[float]]) -> Scores:
    matrix = sparse.csr_array(np.array(rows))
    return Scores(matrix, matrix)


def test_a_feature_chosen_on_one_text_is_judged_on_another() -> None:
    learn = {"fr": scores([[2.0, 0.0], [2.0, 1.0]]), "en": scores([[0.0, 1.0], [1.0, 0.0]])}
    held = {"fr": scores([[1.0, 9.0], [0.0, 9.0]]), "en": scores([[0.0, 0.0], [1.0, 0.0]])}
    assert concepts.told_by(learn, "fr") == 0
    assert concepts.told("fr", learn, held) == 0.5  # the other feature would have told them all


def test_prompts_are_not_repeated() -> None:
    assert len(set(concepts.PROMPTS)) == len(concepts.PROMPTS) >= concepts.Settings().prompts


def test_a_missing_detector_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(concepts, "find_spec", lambda name: None)
    with pytest.raises(MissingSourceError, match="make peers-sae"):
        concepts.SOURCES["smollm2"].load(tmp_path)
