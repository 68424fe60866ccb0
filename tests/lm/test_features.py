"""What is collected of features is what brute force finds, and the page shows it."""

import json

import numpy as np
import pytest
import torch
from planted import LAYER, planted

from isthmus.cli.main import main
from isthmus.data.activations import Activations
from isthmus.errors import DataError, UsageError
from isthmus.language import LanguageModel
from isthmus.report.browser import unpack
from isthmus.report.features import browse
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret import features as collecting
from isthmus.tasks.interpret.features import AFTER, BEFORE, OCTAVE, collect, logit_effects, nearest


@pytest.fixture(scope="module")
def acts(llama_folder, tmp_path_factory):
    """Activations of two texts, in several shards; one is a hostile text."""
    folder = tmp_path_factory.mktemp("acts")
    (folder / "a.txt").write_text("The cat sat on the mat.\nOnce upon a time there was a boat.\n" * 6, encoding="utf-8")
    (folder / "b.txt").write_text(
        "Le chat est sur la table.\n</script><img src=x>\nIl était là.\n" * 5, encoding="utf-8"
    )
    out = folder / "acts"
    LanguageModel(llama_folder).harvest([folder / "a.txt", folder / "b.txt"], out, layer=LAYER, shard_rows=64)
    return Activations.open(out)


@pytest.fixture(scope="module")
def net(llama):
    return planted(llama)


@pytest.fixture(scope="module")
def usable(acts):
    """All rows but the first of every third passage."""
    rows = np.arange(len(acts))
    first = np.diff(acts.passages(rows), prepend=-1) != 0
    return ~(first & (acts.passages(rows) % 3 == 0))


@pytest.fixture(scope="module")
def codes(acts, net, usable):
    with torch.no_grad():
        found = net.encode(torch.from_numpy(acts.block(0, len(acts)))).numpy()
    found[~usable] = 0
    return found


@pytest.fixture(scope="module")
def found(acts, net, usable):
    return collect(acts, net, usable, texts=2, examples=5, drawn=4)


@pytest.fixture(scope="module")
def sae(acts, llama, net, tmp_path_factory):
    path = tmp_path_factory.mktemp("sae") / "sae.isthmus"
    facts = {name: acts.facts[name] for name in ("lm", "lm_sha", "layer", "site")}
    SparseAutoencoder.of(net, facts | {"sink_norm": acts.sink_norm}).save(path)
    return path


def test_counts_peaks_and_histograms_are_those_of_all_codes(found, codes, usable):
    assert found.rows == usable.sum()
    np.testing.assert_array_equal(found.count, (codes > 0).sum(0))
    np.testing.assert_allclose(found.peak, codes.max(0), rtol=1e-6)
    np.testing.assert_array_equal(found.histogram.sum(1), found.count)
    j = int(found.count.argmax())
    bins = np.floor(OCTAVE * np.log2(codes[codes[:, j] > 0, j])).astype(int) - found.lowest
    np.testing.assert_array_equal(found.histogram[j], np.bincount(bins, minlength=found.histogram.shape[1]))


def test_texts_are_counted_apart_and_add_up(found, codes, acts, usable):
    np.testing.assert_array_equal(found.by_text.sum(1), found.count)
    text = acts.texts(np.arange(len(acts)))
    np.testing.assert_array_equal(found.by_text[:, 1], (codes[text == 1] > 0).sum(0))
    np.testing.assert_array_equal(found.rows_by_text, np.bincount(text[usable]))


def test_top_examples_are_the_strongest_one_a_passage(found, codes, acts):
    passage = acts.passages(np.arange(len(acts)))
    for j in range(codes.shape[1]):
        best = sorted((codes[passage == number, j].max() for number in np.unique(passage)), reverse=True)
        wanted = [value for value in best if value > 0][:5]
        rows = found.top.row[j][found.top.row[j] >= 0]
        np.testing.assert_allclose(found.top.value[j, : len(rows)], wanted, rtol=1e-6)
        np.testing.assert_allclose(codes[rows, j], wanted, rtol=1e-6)
        assert len(set(passage[rows].tolist())) == len(rows)


def test_what_stands_beside_an_example_is_how_strongly_the_feature_fires_around_it(found, codes):
    for j in range(codes.shape[1]):
        for best in (found.top, found.drawn):
            for row, beside in zip(best.row[j], best.beside[j], strict=True):
                if row >= 0:
                    places = row + np.arange(-BEFORE, AFTER + 1)
                    inside = (places >= 0) & (places < len(codes))
                    wanted = np.where(inside, codes[places.clip(0, len(codes) - 1), j], 0)
                    np.testing.assert_allclose(beside, wanted, rtol=1e-5, atol=1e-7)


def test_blocks_of_any_size_give_the_same(acts, net, usable, found, monkeypatch):
    monkeypatch.setattr(collecting, "_CELLS", 1)  # the smallest blocks there are, of 64 rows
    small = collect(acts, net, usable, texts=2, examples=5, drawn=4)
    assert len(acts) > 128
    for name in ("count", "histogram", "by_text"):
        np.testing.assert_array_equal(getattr(small, name), getattr(found, name))
    for best in ("top", "drawn"):
        np.testing.assert_array_equal(getattr(small, best).row, getattr(found, best).row)
        np.testing.assert_allclose(getattr(small, best).beside, getattr(found, best).beside, atol=1e-6)


def test_examples_are_drawn_from_all_firings_alike():
    class Rows:
        x = np.full((6000, 1), 2.0, np.float32)

        def __len__(self):
            return len(self.x)

        def block(self, start, stop):
            return self.x[start:stop]

        def passages(self, rows):
            return rows

        def texts(self, rows):
            return 0 * rows

    class One:
        size = 1

        def encode(self, x):
            return torch.relu(x)

    rows = collect(Rows(), One(), np.ones(6000, bool), drawn=300).drawn.row[0]
    assert len(set(rows.tolist())) == 300
    quarters = np.bincount(rows // 1500, minlength=4)
    assert quarters.min() > 45  # 75 on average; less than 45 would be four standard deviations


def test_the_effect_on_words_is_the_product_with_the_unembedding(llama, net):
    directions, unembed = net.directions(), llama.unembed()
    tokens, effects = logit_effects(directions, unembed, words=3)
    logits = (directions @ (unembed - unembed.mean(1, keepdim=True))).numpy()
    order = np.argsort(-logits, axis=1)
    np.testing.assert_array_equal(tokens[:, :3], order[:, :3])
    np.testing.assert_array_equal(tokens[:, 3:], order[:, ::-1][:, :3])
    np.testing.assert_allclose(effects, np.take_along_axis(logits, tokens, 1), rtol=1e-4, atol=1e-6)


def test_nearest_features_are_those_of_the_largest_cosines():
    rows = torch.randn(40, 7, generator=torch.Generator().manual_seed(3))
    unit = (rows / rows.norm(dim=1, keepdim=True)).numpy()
    cosines = unit @ unit.T - 3 * np.eye(40)
    others, found = nearest(rows, 4)
    np.testing.assert_array_equal(others, np.argsort(-cosines, axis=1)[:, :4])
    np.testing.assert_allclose(found, np.sort(cosines, axis=1)[:, ::-1][:, :4], rtol=1e-4)


@pytest.fixture(scope="module")
def page(sae, acts, llama_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "features.html"
    facts = browse(sae, acts, out, llama_folder, examples=5, start=[(1, "a remark")])
    return facts, out.read_text(encoding="utf-8")


def test_the_page_says_what_was_read(page, net, acts):
    facts, text = page
    assert (facts["features"], facts["tokens"]) == (8, len(acts.usable))
    assert facts["bytes"] == len(text.encode())
    assert unpack(text, "about")["start"] == [[1, "a remark"]]
    density = unpack(text, "index")["density"]
    with torch.no_grad():
        codes = net.encode(torch.from_numpy(acts.values(acts.usable))).numpy()
    np.testing.assert_allclose(density, (codes > 0).mean(0), rtol=2e-3)
    assert "<img" not in text


def test_shading_and_text_of_every_example_are_right(page, acts, llama, net):
    _, text = page
    words, tokens = unpack(text, "pieces"), unpack(text, "tokens")
    with torch.no_grad():
        codes = net.encode(torch.from_numpy(acts.block(0, len(acts)))).numpy()
    shown = unpack(text, "part-0")
    whole = {
        "".join(llama.pieces(acts.tokens(np.flatnonzero(acts.passages(np.arange(len(acts))) == number)).tolist()))
        for number in np.unique(acts.passages(np.arange(len(acts))))
    }
    for j, feature in enumerate(shown):
        assert feature["count"] == (codes[acts.usable, j] > 0).sum()
        for example in [*feature["examples"], *feature["drawn"]]:
            written = "".join(words[tokens[example["at"] + k]] for k in range(example["length"]))
            assert any(written in passage for passage in whole), written
            levels = dict(zip(example["levels"][::2], example["levels"][1::2], strict=True))
            assert levels[example["peak"]] == pytest.approx(255 * example["value"] / feature["peak"], abs=1.1)
            assert all(0 < level <= 255 and place < example["length"] for place, level in levels.items())
            assert example["source"] in ("a", "b")
        values = [example["value"] for example in feature["examples"]]
        assert values == sorted(values, reverse=True)


def test_without_the_language_model_there_is_text_but_no_effect(sae, acts, tmp_path):
    browse(sae, acts, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert unpack(text, "part-0")[0]["up"] == []
    assert "cat" in "".join(unpack(text, "pieces"))


def test_the_command_writes_the_page(sae, acts, llama_folder, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert main(["lm", "features", str(sae), str(acts.path), str(llama_folder), "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["features"] == 8
    assert out.stat().st_size == told["bytes"]
    assert main(["lm", "features", str(sae), str(acts.path), "-o", str(tmp_path / "page.txt")]) == 2


def test_what_does_not_belong_together_is_refused(sae, acts, gpt2_folder, tmp_path, net, llama):
    with pytest.raises(DataError, match="was harvested from"):
        browse(sae, acts, tmp_path / "page.html", gpt2_folder)
    other = SparseAutoencoder.of(net, {"lm": llama.name, "layer": LAYER + 1, "site": "residual"})
    with pytest.raises(DataError, match="of layer 1; the autoencoder was fitted to 2"):
        browse(other, acts, tmp_path / "page.html")
    narrow = SparseAutoencoder.of(type(net)(net.kind, 5), {})
    with pytest.raises(DataError, match="activations of 32 numbers; the autoencoder reads 5"):
        browse(narrow, acts, tmp_path / "page.html")


def test_a_model_of_a_table_is_refused(tmp_path, acts):
    from isthmus import Autoencoder

    path = tmp_path / "table.isthmus"
    Autoencoder(code=2, epochs=1).fit(np.random.default_rng(0).normal(size=(64, 3))).save(path)
    with pytest.raises(UsageError, match="no sparse autoencoder"):
        browse(path, acts, tmp_path / "page.html")


def test_only_named_endpoints_are_asked(sae, acts, llama_folder, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "isthmus.report.features_page.ask", lambda url, examples: asked.append((url, len(examples))) or "x"
    )
    browse(sae, acts, tmp_path / "page.html", llama_folder)
    assert asked == []
    browse(sae, acts, tmp_path / "page.html", llama_folder, endpoint="http://localhost:1/", asked=2)
    assert [url for url, _ in asked] == ["http://localhost:1/"] * 2
    labels = unpack((tmp_path / "page.html").read_text(encoding="utf-8"), "index")["label"]
    assert labels.count("x") == 2
