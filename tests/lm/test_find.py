"""Features that tell one text from another."""

import numpy as np
import pytest
from planted import placed, planted, tells
from scipy import sparse
from sklearn.metrics import roc_auc_score

from isthmus.data.passages import Passage
from isthmus.errors import DataError
from isthmus.tasks.interpret.find import auroc, find, score

TEXT = ["le chat", "la mer", "une clé"]
AGAINST = ["the cat", "a boat", "the sea", "rain"]


def passages(texts):
    return [Passage(text, "some.txt", number) for number, text in enumerate(texts)]


def test_areas_are_those_of_scikit_learn_ties_and_all():
    rng = np.random.default_rng(0)
    has, others = (rng.poisson(rate, (n, 9)).astype(float) for rate, n in ((0.7, 40), (0.4, 65)))
    has[:, 4] = others[:, 4] = 0  # a dead feature tells nothing
    others[:, 5] = 0
    found = auroc(sparse.csr_array(has), sparse.csr_array(others))
    truth = np.r_[np.ones(40), np.zeros(65)]
    wanted = [roc_auc_score(truth, np.r_[has[:, j], others[:, j]]) for j in range(9)]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    assert found[4] == 0.5


def test_the_planted_feature_is_found_first_with_an_area_of_one(llama):
    # Without the first token, which is the same in every text.
    start = [float(llama.activations(*llama.batch([[0]]), 1).norm())]
    net = tells(llama, TEXT, AGAINST)
    with_sink = placed(llama, net)
    best = find(with_sink, passages(TEXT), passages(AGAINST), n=3)
    assert (best[0]["feature"], best[0]["auroc"]) == (3, 1.0), start
    assert len(best) == 3
    assert best[0]["mean"] > best[0]["against"] >= 0
    assert best[0]["auroc"] >= best[1]["auroc"] >= best[2]["auroc"]


def test_a_score_is_the_mean_over_tokens_and_strength_the_highest(llama):
    net = planted(llama)
    found = score(placed(llama, net), passages(["The cat sat on the mat."]))
    x = llama.activations(*llama.batch([llama.encode("The cat sat on the mat.")]), 1)[0]
    codes = net.encode(x).numpy()
    np.testing.assert_allclose(found.mean.toarray()[0], codes.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.most.toarray()[0], codes.max(0), rtol=1e-4, atol=1e-6)


def test_sinks_count_in_no_score(llama):
    ids = llama.encode("The cat sat.")
    norms = llama.activations(*llama.batch([ids]), 1)[0].norm(dim=1)
    limit = float(norms.sort().values[-2:].mean())
    found = score(placed(llama, sink_norm=limit), passages(["The cat sat."]))
    x = llama.activations(*llama.batch([ids]), 1)[0]
    codes = planted(llama).encode(x[norms <= limit]).numpy()
    np.testing.assert_allclose(found.mean.toarray()[0], codes.mean(0), rtol=1e-4, atol=1e-6)


def test_a_passage_longer_than_the_context_is_one_passage(llama):
    text = "The cat sat on the mat. " * 40
    assert len(llama.encode(text)) > 128
    assert score(placed(llama), passages([text, "A boat."])).mean.shape == (2, 8)


def test_a_text_of_sinks_alone_is_refused(llama):
    with pytest.raises(DataError, match="against holds no token that the autoencoder reads"):
        score(placed(llama, sink_norm=1e-9), passages(["The cat."]), "against")
