"""Features of tables, pictures and sounds: what the page says is what decoding with and without them gives."""

import json

import numpy as np
import pandas as pd
import pytest

import isthmus as im
from isthmus.cli.main import main
from isthmus.data.images import save_picture
from isthmus.data.patches import open_patches
from isthmus.errors import UsageError
from isthmus.report.browser import unpack
from isthmus.report.patch_features import atom_label
from isthmus.report.row_features import browse_rows
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.moves import moves


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    zone = rng.choice(["hill", "bay", "</script><b>"], 300)
    return pd.DataFrame(
        {"zone": zone, "price": rng.normal(size=300) + 3 * (zone == "hill"), "rooms": rng.integers(1, 9, 300)}
    )


@pytest.fixture(scope="module")
def model(table):
    return im.Autoencoder(code="sparse:24:k=4", epochs=3, device="cpu").fit(table)


@pytest.fixture(scope="module")
def page(model, table, tmp_path_factory):
    out = tmp_path_factory.mktemp("rows") / "page.html"
    facts = browse_rows(model, table, out, examples=6)
    return facts, out.read_text(encoding="utf-8")


def test_top_rows_are_the_strongest(page, model, table):
    facts, text = page
    codes = model.encode(table)
    assert (facts["features"], facts["rows"]) == (24, 300)
    assert facts["l0"] == pytest.approx((codes > 0).sum(1).mean())
    for j, feature in enumerate(unpack(text, "part-0")):
        wanted = np.sort(codes[codes[:, j] > 0, j])[::-1][:6]
        np.testing.assert_allclose([example["value"] for example in feature["examples"]], wanted, rtol=1e-3)
        np.testing.assert_allclose(codes[[example["row"] for example in feature["examples"]], j], wanted, rtol=1e-6)
        assert feature["count"] == (codes[:, j] > 0).sum()


def test_cells_are_those_of_the_row(page, table):
    _, text = page
    cells = unpack(text, "cells")
    for feature in unpack(text, "part-0"):
        for example in [*feature["examples"], *feature["drawn"]]:
            assert cells[example["at"]][0] == table["zone"][example["row"]]
            assert float(cells[example["at"]][1]) == pytest.approx(table["price"][example["row"]], rel=1e-4)
    assert "<b>" not in text


def test_what_moves_is_the_difference_between_decoding_with_and_without(model, table):
    codes = model.encode(table)
    j = int((codes > 0).sum(0).argmax())
    rows = codes[codes[:, j] > 0][:40]
    off = rows.copy()
    off[:, j] = 0
    found = {move.column: move for move in moves(model.net_, rows, j)}
    names = [variable.name for variable in model.schema_.coded]
    spread = float(model.net_.columns.likelihoods[names.index("price")].unit[1])
    change = (model.decode(rows)["price"] - model.decode(off)["price"]).mean() / spread
    assert found[names.index("price")].size == pytest.approx(change, abs=0.1)  # rebuilt numbers stay in the range seen
    zone = found[names.index("zone")]
    assert zone.with_ - zone.without == pytest.approx(zone.size)
    assert 0 <= zone.without <= 1
    sizes = [abs(move.size) for move in moves(model.net_, rows, j)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_dense_code_is_refused(table, tmp_path):
    dense = im.Autoencoder(code=2, epochs=1, device="cpu").fit(table)
    with pytest.raises(UsageError, match="read off a sparse one"):
        browse_rows(dense, table, tmp_path / "page.html")


def test_rows_of_numbers_are_browsed_too(tmp_path):
    x = np.random.default_rng(0).laplace(size=(300, 6)).astype("float32")
    sae = SparseAutoencoder("topk:12:k=2", epochs=3, device="cpu").fit(x)
    facts = browse_rows(sae, x, tmp_path / "page.html")
    codes = sae.encode(x)
    feature = unpack((tmp_path / "page.html").read_text(encoding="utf-8"), "part-0")[0]
    assert facts["rows"] == 300
    assert feature["count"] == (codes[:, 0] > 0).sum()
    direction = sae.directions[0] / x.std(0)
    assert feature["moves"][0][0] == f"x{np.abs(direction).argmax()}"


def test_pictures_are_fitted_and_browsed_from_the_command_line(tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        save_picture(folder / f"{number}.png", rng.integers(0, 255, (24, 24, 1)).astype(np.uint8))
    sae, out = tmp_path / "sae.isthmus", tmp_path / "page.html"
    fit = ["fit", str(folder), "-o", str(sae), "--code", "topk:32:k=3", "--epochs", "1", "--device", "cpu", "--quiet"]
    assert main(fit) == 0
    capsys.readouterr()
    assert main(["features", str(sae), str(folder), "-o", str(out), "--examples", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    text = out.read_text(encoding="utf-8")
    assert told["features"] == 32
    assert unpack(text, "about")["patch"] == {"height": 8, "width": 8, "channels": 1}
    assert len(unpack(text, "index")["atoms"]) == 32
    model = im.load(sae)
    patches = open_patches(folder, most=40_000, seed=1)
    best = model.encode(patches.matrix).max(0)
    peaks = np.array([feature["peak"] for feature in unpack(text, "part-0")])
    np.testing.assert_allclose(peaks, best, rtol=1e-3, atol=1e-6)


def test_a_model_of_a_table_has_no_patches(model, tmp_path, capsys):
    model.save(tmp_path / "m.isthmus")
    assert main(["features", str(tmp_path / "m.isthmus"), str(tmp_path), "-o", str(tmp_path / "p.html")]) == 2
    assert "of a table" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("angle", "words"),
    [(0, "upright stripes"), (90, "level stripes"), (45, "rising stripes"), (135, "falling stripes")],
)
def test_stripes_are_named_after_the_way_they_run(angle, words):
    down, right = np.mgrid[0:8, 0:8]
    # Down is down: where this wave goes to the lower right, its stripes run from the lower left to the upper right.
    wave = np.cos(2 * np.pi / 4 * (right * np.cos(np.radians(angle)) + down * np.sin(np.radians(angle))))
    assert atom_label(wave[:, :, None].astype(np.float32), {"kind": "picture"}).startswith(words)
