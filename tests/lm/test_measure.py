"""Measures of dictionaries, on dictionaries whose measures are known."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus.cli.main import main
from isthmus.errors import DataError, UsageError
from isthmus.language import LanguageModel
from isthmus.measured import measure
from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.language import Language
from isthmus.nets.sparsity import ReLU
from isthmus.saelens import export_saelens
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret.measure import fidelity, histogram, matched
from isthmus.tasks.interpret.probing import Passages, probes, splitting
from isthmus.tasks.interpret.replaced import Place, Replaced


def identity(width: int, dead: int = 0) -> Dictionary:
    """A feature for either sign of every number, and some that never fire."""
    net = Dictionary(ReLU(2 * width + dead), width)
    both = torch.cat([torch.eye(width), -torch.eye(width), torch.zeros(dead, width)])
    with torch.no_grad():
        net.encoder.copy_(both)
        net.decoder.copy_(both)
        net.offset[2 * width :] = -1
    return net.eval()


def constant(value: torch.Tensor) -> Dictionary:
    """No feature ever fires: what comes out is always the same."""
    net = Dictionary(ReLU(4), len(value))
    with torch.no_grad():
        net.offset.fill_(-1e9)
        net.bias.copy_(value)
    return net.eval()


@pytest.fixture(scope="module")
def ids(language: Language) -> list[list[int]]:
    """Texts as the model itself writes them: random models predict nothing else better than chance."""
    starts = [language.encode(word) for word in ("The cat", "Once upon", "Le chat", "Where is", "Il a plu")]
    return [row + language.generate(row, 8 + number) for number, row in enumerate(starts)]


@pytest.mark.parametrize("site", ["residual", "mlp", "attention"])
def test_what_keeps_everything_keeps_everything(language, ids, site):
    base = Replaced(language, ids, Place(1, site))
    net = identity(language.width, dead=3)
    kept = fidelity(net, base.rows())
    assert kept.explained == pytest.approx(1)
    assert kept.l0 == language.width
    assert (kept.density[-3:] == 0).all()
    assert 3 / net.size <= kept.dead < 0.2
    said = base.by(net)
    assert said["added"] == pytest.approx(0, abs=1e-5)
    assert said["same"] == 1
    if site == "residual":  # without what one part adds, a random model predicts no worse
        assert said["recovered"] == pytest.approx(1, abs=1e-4)
        assert said["recovered_zero"] == pytest.approx(1, abs=1e-4)


def test_the_mean_keeps_nothing(language, ids):
    base = Replaced(language, ids, Place(1))
    kept = fidelity(constant(base.mean), base.rows())
    assert kept.explained == pytest.approx(0, abs=1e-5)
    assert (kept.l0, kept.dead) == (0, 1)
    assert base.by(constant(base.mean))["recovered"] == pytest.approx(0, abs=1e-4)
    assert base.by(constant(torch.zeros(language.width)))["recovered_zero"] == pytest.approx(0, abs=1e-4)


def test_sinks_stay_as_they_are(language, ids):
    base = Replaced(language, ids, Place(1), sink_norm=1e9)
    nothing = constant(torch.full((language.width,), 1e3))
    assert base.by(nothing)["added"] != pytest.approx(0, abs=1e-3)
    base.sink_norm = 0.0
    assert base.by(nothing)["added"] == pytest.approx(0, abs=1e-6)


def test_losses_are_those_of_the_model(language, ids):
    base = Replaced(language, ids, Place(1))
    total = count = 0
    for row in ids:
        tokens, mask = language.batch([row])
        logits = language.logits(tokens, mask)[0, :-1]
        total += float(torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="sum"))
        count += len(row) - 1
    assert base.clean.loss == pytest.approx(total / count, rel=1e-5)
    assert base.by(identity(language.width))["tokens"] == count


def test_a_transcoder_is_put_where_it_belongs(language, ids):
    """One that adds what lies between two layers, a constant, is as good as the mean there."""
    place = Place(0, "residual", (2, "residual"))
    base = Replaced(language, ids, place)
    later = Replaced(language, ids, Place(2), base.sink_norm)
    assert base.clean.loss == pytest.approx(later.clean.loss)
    assert base.by_zero.loss == pytest.approx(later.by_zero.loss, rel=1e-3)
    kept = fidelity(constant(base.mean), base.rows())
    assert kept.explained == pytest.approx(0, abs=1e-5)


def test_nothing_to_predict_is_refused(language):
    with pytest.raises(DataError, match="two tokens or more"):
        Replaced(language, [[5], []], Place(0))
    with pytest.raises(DataError, match="no activations to measure on"):
        fidelity(identity(4), [])


def test_densities_are_counted():
    found = histogram(np.array([0.0, 0.0, 0.002, 0.9, 1.0]))
    assert found["never"] == 2
    assert sum(found["counts"]) == 3
    assert len(found["edges"]) == len(found["counts"]) + 1


def test_features_are_found_again_whatever_their_order_and_length():
    directions = torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    mean, share = matched(directions, 3 * directions.flip(0))
    assert (mean, share) == (pytest.approx(1), 1)
    assert matched(directions, -directions[:1])[1] == 0


def planted(split: int) -> tuple[Passages, np.ndarray]:
    """Passages of which half have a concept, each in one of so many features, all in one number of the activations."""
    rng = np.random.default_rng(0)
    has = np.arange(200) % 2 == 0
    codes = np.abs(rng.normal(size=(200, 12))).astype(np.float32) * (rng.random((200, 12)) < 0.1)
    codes[:, :split] = 0
    for place, row in enumerate(np.flatnonzero(has)):
        codes[row, place % split] = 2
    activations = rng.normal(size=(200, 6)).astype(np.float32)
    activations[:, 3] += has
    return Passages(codes, activations), has


def test_one_feature_tells_what_it_stands_for():
    read, has = planted(1)
    found = probes(read, has)
    assert found["features"][1]["columns"] == [0]
    assert found["features"][1]["auroc"] == found["features"][1]["accuracy"] == 1
    assert found["numbers"][1]["columns"] == [3]
    assert 0.6 < found["numbers"][1]["auroc"] < 0.95
    assert splitting(read, has)["split"] == 1
    assert splitting(read, has)["missed"] == 0


def test_a_split_concept_takes_several_features():
    read, has = planted(3)
    assert probes(read, has)["features"][1]["auroc"] < 0.8
    found = splitting(read, has)
    assert found["split"] == 3
    assert found["missed"] == pytest.approx(2 / 3, abs=0.1)
    assert found["absorbed"] == 1


def test_too_few_passages_tell_nothing():
    read, has = planted(1)
    with pytest.raises(DataError, match="four or more of each"):
        probes(Passages(read.codes[:6], read.activations[:6]), has[:6])


def saved(folder: Path, language: Language, name: str, layer: int = 1) -> Path:
    facts = {"lm": language.name, "lm_sha": language.sha, "layer": layer, "site": "residual"}
    path = folder / name
    SparseAutoencoder.of(identity(language.width), facts).save(path)
    return path


def test_autoencoders_are_measured_side_by_side(llama, llama_folder, texts, tmp_path):
    paths = [saved(tmp_path, llama, "a.isthmus"), saved(tmp_path, llama, "b.isthmus", layer=2)]
    lm = LanguageModel(llama_folder)
    found = measure(lm, [*paths, paths[0]], texts, tokens=300, concept=texts[1], against=texts[0])
    assert [row["layer"] for row in found] == [1, 2, 1]
    assert all(row["recovered"] == pytest.approx(1, abs=1e-3) for row in found)
    assert "found_again" not in found[1]
    assert found[2]["found_again"] == 1
    assert found[0]["probes"]["all"]["auroc"] > 0.5
    with pytest.raises(UsageError, match="concept and against go together"):
        measure(lm, paths, texts, concept=texts[0])


def test_the_command_measures_and_draws(llama, llama_folder, texts, tmp_path, capsys):
    path = saved(tmp_path, llama, "a.isthmus")
    plot = tmp_path / "pareto.png"
    words = ["lm", "measure", str(path), str(path), str(llama_folder), str(texts[0]), "--tokens", "200"]
    assert main([*words, "--plot", str(plot), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["measured"]
    assert len(found) == 2
    assert found[0]["explained"] == pytest.approx(1)
    assert plot.stat().st_size > 1000
    assert main([*words, "--concept", str(texts[1]), "--against", str(texts[0])]) == 0
    shown = capsys.readouterr().out
    assert "recovered" in shown
    assert "main feature" in shown


def test_the_command_exchanges(llama, tmp_path, capsys):
    path = saved(tmp_path, llama, "a.isthmus")
    assert main(["lm", "export", str(path), "-o", str(tmp_path / "folder"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["architecture"] == "standard"
    assert main(["lm", "import", str(tmp_path / "folder"), "-o", str(tmp_path / "b.isthmus"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layer"] == 1
    assert main(["lm", "export", str(path), "-o", str(tmp_path / "folder"), "--to", "elsewhere"]) == 2
    assert main(["lm", "import", str(tmp_path), "-o", str(tmp_path / "c.isthmus")]) == 1
    assert main(["lm", "export", str(path), "-o", str(path)]) == 1


def test_another_models_autoencoder_is_refused(llama, gpt2_folder, texts, tmp_path):
    with pytest.raises(DataError, match="is of the language model 'tiny-llama'"):
        measure(LanguageModel(gpt2_folder), saved(tmp_path, llama, "a.isthmus"), texts)


def test_one_from_saelens_is_measured(llama, llama_folder, texts, tmp_path):
    from isthmus.saelens import import_saelens

    facts = {"lm": llama.name, "layer": 1, "site": "residual"}
    export_saelens(SparseAutoencoder.of(identity(llama.width), facts), tmp_path / "folder")
    found = LanguageModel(llama_folder).measure(import_saelens(tmp_path / "folder"), texts, tokens=200)
    assert found[0]["explained"] == pytest.approx(1)
