"""Sparse autoencoders of activations: fitted, saved, resumed, side by side, from stores and arrays."""

import json

import numpy as np
import pytest
import torch

import isthmus as im
from isthmus.cli.main import main
from isthmus.data.activations import Activations
from isthmus.data.shards import ActivationsWriter
from isthmus.errors import DataError, FileError, UsageError
from isthmus.nets.sparsity import SPARSITIES

WIDTH, SIZE = 12, 48
WORDS = [f"{name}:{SIZE}" for name in SPARSITIES]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(24, WIDTH))
    there = rng.random((2000, 24)) < 0.1
    return (there * rng.uniform(1, 2, there.shape) @ directions + 3).astype("float32")


@pytest.fixture(scope="module")
def store(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("acts") / "store"
    write(folder, rows)
    return folder


def write(folder, rows, layer=3, tokens=None):
    facts = {
        "lm": "tiny",
        "lm_sha": "abc",
        "layer": layer,
        "site": "residual",
        "width": rows.shape[1],
        "dtype": "float32",
    }
    writer = ActivationsWriter(folder, facts)
    count = len(rows)
    writer.append(rows, tokens=np.arange(count) % 50 if tokens is None else tokens, passages=np.arange(count) // 20)
    writer.close()


def fitted(rows, code="sparse:48:k=4", **settings):
    return im.SparseAutoencoder(code, **{"epochs": 3, "batch_size": 256} | settings).fit(rows)


def same(one, other):
    pairs = zip(one.net.state_dict().values(), other.net.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("words", WORDS)
def test_what_is_saved_is_what_is_loaded(words, rows, tmp_path):
    sae = fitted(rows, words)
    sae.save(tmp_path / "sae.isthmus")
    again = im.load(tmp_path / "sae.isthmus")
    assert np.array_equal(sae.encode(rows), again.encode(rows))
    assert again.facts_ == sae.facts_ and np.array_equal(again.density_, sae.density_)
    assert again.inspect()["code"] == sae.inspect()["code"]


@pytest.mark.parametrize("words", WORDS)
def test_the_same_seed_gives_the_same_weights_and_another_others(words, rows):
    assert same(fitted(rows, words), fitted(rows, words))
    assert not same(fitted(rows, words), fitted(rows, words, seed=1))


def test_what_trains_together_is_what_trains_alone(rows):
    words = ["sparse:48:k=4", "topk:24:k=2", "matryoshka:48:k=4:groups=3", "jumprelu:48:l0=4"]
    together = [im.SparseAutoencoder(code, epochs=3, batch_size=256) for code in words]
    im.fit_together(together, rows)
    for sae in together:
        assert same(sae, fitted(rows, sae.code))


def test_seeds_side_by_side_share_batches_and_not_weights(rows):
    one, other = (im.SparseAutoencoder("sparse:48:k=4", epochs=3, batch_size=256, seed=seed) for seed in (0, 1))
    im.fit_together([one, other], rows)
    assert same(one, fitted(rows)) and not same(one, other)


def test_a_store_gives_what_it_is_of(store, rows):
    sae = fitted(store)
    assert {name: sae.facts_[name] for name in ("lm", "layer", "site")} == {
        "lm": "tiny",
        "layer": 3,
        "site": "residual",
    }
    assert sae.facts_["sink_norm"] == pytest.approx(4 * np.median(np.linalg.norm(rows, axis=1)), rel=1e-5)
    assert same(sae, fitted(Activations.open(store)))


def test_what_little_is_explained_grows_with_k(rows):
    few, more = (fitted(rows, f"sparse:48:k={k}", epochs=60) for k in (1, 6))
    assert 0.2 < few.facts_["explained"] < more.facts_["explained"]
    assert more.facts_["explained"] > 0.85
    assert more.facts_["l0"] == pytest.approx(6, rel=0.15)


def test_sinks_are_learnt_from_by_nobody(rows, tmp_path):
    spoilt = rows.copy()
    spoilt[::20] *= 1000
    write(tmp_path / "store", spoilt)
    sae = fitted(tmp_path / "store", epochs=30)
    assert sae.facts_["explained"] > 0.5 and sae.facts_["rows"] < 1900


def test_a_transcoder_learns_another_layer(rows, tmp_path):
    later = np.tanh(rows[:, :7]).astype("float32")
    write(tmp_path / "one", rows)
    write(tmp_path / "other", later, layer=4)
    sae = im.SparseAutoencoder("sparse:48:k=6", epochs=60, batch_size=256).fit(
        tmp_path / "one", target=tmp_path / "other"
    )
    assert sae.decode(sae.encode(rows)).shape == later.shape
    assert sae.facts_["target"]["layer"] == 4 and sae.facts_["explained"] > 0.3
    alike = im.SparseAutoencoder("sparse:48:k=6", epochs=1, batch_size=256).fit(rows, target=later)
    assert alike.net.target == 7


def test_layers_of_other_tokens_are_refused(rows, store, tmp_path):
    write(tmp_path / "other", rows, tokens=np.zeros(len(rows), int))
    with pytest.raises(DataError, match="not of the same tokens"):
        im.SparseAutoencoder().fit(store, target=tmp_path / "other")
    with pytest.raises(DataError, match=r"2,000.*10|10.*2,000"):
        im.SparseAutoencoder().fit(rows, target=rows[:10])


def test_an_interrupted_fit_goes_on_to_the_same_weights(store, tmp_path, monkeypatch):
    from isthmus.training import checkpoints, run

    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    whole = fitted(store, epochs=10)
    step = run.Run.advance

    def killed(self, share):
        if self.step == 40:
            raise KeyboardInterrupt
        return step(self, share)

    monkeypatch.setattr(run.Run, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(store, epochs=10, checkpoint=tmp_path / "c")
    monkeypatch.setattr(run.Run, "advance", step)
    assert (tmp_path / "c").exists()
    assert same(whole, fitted(store, epochs=10, checkpoint=tmp_path / "c", resume=True))
    assert not (tmp_path / "c").exists()


def test_one_row_is_enough():
    sae = im.SparseAutoencoder("topk:8:k=2", epochs=1).fit(np.ones((1, 4), "float32"))
    assert sae.encode(np.ones((1, 4))).shape == (1, 8)


def test_features_alone_are_those_among_all(rows):
    sae = fitted(rows)
    assert np.allclose(sae.encode_feature(rows, [5, 2]), sae.encode(rows)[:, [5, 2]], atol=1e-5)


def test_directions_are_what_a_unit_adds(rows):
    sae = fitted(rows)
    code = np.zeros((2, SIZE), "float32")
    code[1, 9] = 1
    nothing, one = sae.decode(code)
    assert np.allclose(one - nothing, sae.directions[9], atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "data", "error", "named"),
    [
        ({"code": "nothing:4x"}, "rows", UsageError, "nothing"),
        ({"batch_size": 0}, "rows", UsageError, "batch_size is 0"),
        ({"epochs": -1}, "rows", UsageError, "epochs is -1"),
        ({"seed": -1}, "rows", UsageError, "seed is -1"),
        ({"resume": True}, "rows", UsageError, "resume needs checkpoint"),
        ({"device": "toaster"}, "rows", UsageError, "toaster"),
        ({}, "words", DataError, "numbers only"),
        ({}, "infinite", DataError, "1 of these are not"),
        ({}, "flat", DataError, r"\(3,\)"),
        ({}, "nowhere", FileError, "no such folder"),
        ({}, "nowhere.npy", DataError, "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(settings, data, error, named, rows, tmp_path):
    infinite = rows[:20].copy()
    infinite[3, 3] = np.inf
    of = {
        "rows": rows,
        "words": [["a", "b"]],
        "infinite": infinite,
        "flat": np.ones(3),
        "nowhere": tmp_path / "nowhere",
        "nowhere.npy": tmp_path / "nowhere.npy",
    }
    with pytest.raises(error, match=named) as caught:
        im.SparseAutoencoder(**settings).fit(of[data])
    assert "\n" not in str(caught.value)


def test_codes_of_another_width_are_refused(rows):
    sae = fitted(rows)
    with pytest.raises(DataError, match="5 numbers a row: this autoencoder's have 12"):
        sae.encode(np.ones((2, 5)))
    with pytest.raises(UsageError, match="no feature 48"):
        sae.encode_feature(rows, [48])


# the command line


def test_fit_and_inspect(store, tmp_path, capsys):
    out = tmp_path / "sae.isthmus"
    assert main(["fit", str(store), "-o", str(out), "--code", "sparse:4x:k=4", "--epochs", "20", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["features"] == 48 and told["model"] == str(out)
    assert main(["inspect", str(out)]) == 0
    assert "48 features" in capsys.readouterr().out
    assert main(["inspect", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layer"] == 3
    assert not list(tmp_path.glob("*.checkpoint"))


def test_a_sweep_is_one_call_and_one_picture(store, tmp_path, capsys):
    out = tmp_path / "sweep"
    codes = "sparse:48:k=2,sparse:48:k=8"
    assert main(["fit", str(store), "-o", str(out), "--code", codes, "--epochs", "5", "--json"]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "pareto.png",
        "sparse-48-k2.isthmus",
        "sparse-48-k8.isthmus",
    ]
    assert len(json.loads(capsys.readouterr().out)["models"]) == 2


def test_an_array_is_activations_where_only_they_have_such_a_code(rows, tmp_path, capsys):
    np.save(tmp_path / "rows.npy", rows)
    words = ["fit", str(tmp_path / "rows.npy"), "-o", str(tmp_path / "m"), "--epochs", "2", "-q", "--code"]
    assert main([*words, "topk:4x:k=2"]) == 0
    assert im.load(tmp_path / "m").kind == "dictionary"
    assert main([*words, "sparse:8:k=2"]) == 0
    assert im.load(tmp_path / "m").kind == "autoencoder"


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["fit", "STORE", "-o", "OUT", "--drop", "x"], 2, "--drop is for tables"),
        (["fit", "TABLE", "-o", "OUT", "--target", "STORE"], 2, "--target is for activations"),
        (["fit", "STORE", "-o", "OUT", "--code", "dense:4"], 2, "dense"),
        (["fit", "STORE", "-o", "SAE", "--code", "topk:4x:k=1,topk:4x:k=2"], 2, "is a file"),
        (["fit", "STORE", "-o", "OUT", "--code", "topk:4x:k=1,topk:4x:k=2", "--resume"], 2, "--resume is for one code"),
        (["impute", "SAE", "TABLE", "-o", "OUT.csv"], 1, "sparse autoencoder of activations"),
    ],
)
def test_commands_that_make_no_sense_say_so_in_a_line(words, code, named, store, rows, tmp_path, capsys):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    fitted(rows, epochs=1).save(tmp_path / "sae.isthmus")
    names = {"STORE": store, "TABLE": tmp_path / "t.csv", "SAE": tmp_path / "sae.isthmus", "OUT": tmp_path / "o"}
    names["OUT.csv"] = tmp_path / "o.csv"
    assert main([str(names.get(word, word)) for word in words]) == code
    told = capsys.readouterr().err.strip().splitlines()
    assert named in told[-1] and len(told) == 1
