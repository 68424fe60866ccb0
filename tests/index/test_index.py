"""Rows found by their codes and by what they say; what is on disk survives whatever ends the process."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

pytest.importorskip("lancedb")

from isthmus import Autoencoder, Index, PictureAutoencoder
from isthmus.cli.main import main
from isthmus.data import nearest
from isthmus.data.codestore import DISTANCE, ROW, CodeStore
from isthmus.errors import DataError, FileError, UsageError
from isthmus.index import QUERY
from isthmus.indexed import pixels_of
from tests.conftest import make_houses


@pytest.fixture
def index(rows: pd.DataFrame, model: Autoencoder, tmp_path) -> Index:
    return Index.create(tmp_path / "homes", model, rows)


def test_the_nearest_codes_are_found_nearest_first(index: Index, model: Autoencoder, rows: pd.DataFrame) -> None:
    codes = model.encode(rows)
    far = np.linalg.norm(codes - codes[5], axis=1)
    found = index.search(rows.iloc[[5]], n=7)
    assert isinstance(found, pd.DataFrame)
    assert found[ROW].tolist() == np.argsort(far, kind="stable")[:7].tolist()
    np.testing.assert_allclose(found[DISTANCE], np.sort(far)[:7], atol=1e-4)
    assert found["price"].isna().tolist() == rows["price"].iloc[found[ROW]].isna().tolist()


def test_a_row_of_the_index_does_not_find_itself(index: Index, rows: pd.DataFrame) -> None:
    found = index.search(row=5, n=6)
    assert 5 not in found[ROW].to_pylist()
    assert found[ROW].to_pylist() == index.search(rows.iloc[[5]], n=7)[ROW].tolist()[1:]


def test_conditions_are_kept_and_several_queries_told_apart(index: Index, rows: pd.DataFrame) -> None:
    found = index.search(rows.head(3), n=4, where="price < 300000 and zone = 'hill'")
    assert found[QUERY].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert set(found["zone"]) == {"hill"}
    assert found["price"].max() < 300000
    assert len(index.search(row=0, n=10, where="area > 1e6")) == 0


def test_what_a_query_lacks_is_imputed(index: Index, model: Autoencoder, rows: pd.DataFrame) -> None:
    found = index.search({"area": 250.0, "zone": "hill"}, n=10)
    assert isinstance(found, pa.Table)
    whole = model.impute(pd.DataFrame([{**dict.fromkeys(rows.columns), "area": 250.0, "zone": "hill"}]))
    assert found[ROW].to_pylist() == index.search(whole, n=10)[ROW].tolist()
    assert np.mean(found["area"].to_pylist()) > rows["area"].mean()


def test_every_kind_of_frame(df_module, houses, tmp_path) -> None:
    columns = {name: values for name, values in houses.items() if name in ("area", "rooms")}
    frame = df_module.make(columns)
    small = Autoencoder(2, epochs=2).fit(frame)
    found = Index.create(tmp_path / "some", small, frame).search(frame[:2], n=3)
    assert type(found) is type(frame)
    assert len(found) == 6


def test_rows_are_added_and_deleted_and_are_there_when_opened_again(index: Index, rows: pd.DataFrame) -> None:
    assert index.add(rows.head(2)) == [160, 161]
    assert index.search(rows.head(1), n=2)[ROW].tolist() == [0, 160]
    assert index.delete(f"{ROW} = 0") == 1
    assert index.add(rows.head(1)) == [162]
    again = Index(index.where)
    assert len(again) == 162
    assert again.search(rows.head(1), n=2)[ROW].tolist() == [160, 162]


def test_rows_are_encoded_anew_after_a_retraining(index: Index, rows: pd.DataFrame) -> None:
    other = Autoencoder(3, epochs=3, seed=5).fit(rows)
    assert not index.made_by(other)
    index.delete(f"{ROW} = 3")
    index.retrain(other)
    assert index.made_by(other)
    again = Index(index.where)
    assert again.made_by(other)
    assert len(list(index.where.glob("model-*.isthmus"))) == 1
    far = np.linalg.norm(other.encode(rows) - other.encode(rows.iloc[[7]]), axis=1)
    far[3] = np.inf  # it is gone, and the others keep their numbers
    assert again.search(rows.iloc[[7]], n=3)[ROW].tolist() == np.argsort(far, kind="stable")[:3].tolist()


@pytest.mark.parametrize(("compress", "share"), [("none", 0.99), ("int8", 0.95), ("product", 0.95), ("binary", 0.7)])
def test_many_codes_are_found_in_cells(compress: str, share: float, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "MANY", 1000)
    random = np.random.default_rng(0)
    codes = (random.normal(size=(6000, 2)) @ random.normal(size=(2, 8))).astype("float32")
    rows = pa.table({"the size": random.uniform(size=6000), "odd": (np.arange(6000) % 2).tolist()})
    store = CodeStore.create(tmp_path / "many", [(rows, codes)], {"compress": compress})
    hits = 0
    for code in codes[:30]:
        for where in (None, "`the size` < 0.5 and odd = 1"):
            near, true = (store.search(code, 10, where, exact=exact) for exact in (False, True))
            hits += len(set(near[ROW].to_pylist()) & set(true[ROW].to_pylist()))
    assert hits / 600 >= share
    assert list(store.append([(rows.slice(0, 1), codes[:1])])) == [6000]
    assert {0, 6000} <= set(store.search(codes[0], 3, exact=compress == "binary")[ROW].to_pylist())


def test_recall_of_few_rows_is_whole(index: Index) -> None:
    assert index.recall(n=5, queries=20) == 1.0


APPENDS = """
import sys, pyarrow as pa, numpy as np
from pathlib import Path
from isthmus.data.codestore import CodeStore
store = CodeStore(Path(sys.argv[1]))
while True:
    numbers = store.append([(pa.table({"a": [1.0] * 50}), np.ones((50, 4), np.float32))])
    print(numbers[-1], flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path) -> None:
    rows, codes = pa.table({"a": [0.0] * 10}), np.zeros((10, 4), np.float32)
    CodeStore.create(tmp_path / "index", [(rows, codes)], {"compress": "none"})
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", APPENDS, str(tmp_path / "index")], stdout=subprocess.PIPE)
        said = [process.stdout.readline() for _ in range(4)]
        process.kill()
        process.wait()
        said += process.stdout.read().splitlines()
        last = int([line for line in said if line.strip()][-1])
        numbers = CodeStore(tmp_path / "index").rows()[ROW].to_pylist()
        assert set(range(last + 1)) <= set(numbers)
        assert len(numbers) == len(set(numbers))


def test_a_failed_index_leaves_nothing(model: Autoencoder, rows: pd.DataFrame, tmp_path) -> None:
    with pytest.raises(DataError, match="column 'note' is empty"):
        Index.create(tmp_path / "homes", model, rows.assign(note=None))
    with pytest.raises(DataError, match=f"column name '{ROW}' is taken"):
        Index.create(tmp_path / "homes", model, rows.assign(**{ROW: 1}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "say what to look for"),
        ({"row": 1, "X": {"area": 1}}, "say what to look for"),
        ({"row": 1, "n": 0}, "n is 0"),
        ({"row": 4000}, "there is no row 4000"),
        ({"row": 1, "where": "zoe = 'hill'"}, "condition .*No field named zoe"),
        ({"X": {"areas": 1}}, "there is no column 'areas' in this index; known are area, rooms"),
        ({"X": {"area": "big"}}, "column 'area': 'big' is not double"),
    ],
)
def test_bad_questions_get_a_line(words, message: str, index: Index) -> None:
    with pytest.raises(UsageError, match=message) as error:
        index.search(**words)
    assert "\n" not in str(error.value)


def test_bad_folders_get_a_line(index: Index, model: Autoencoder, rows: pd.DataFrame, tmp_path) -> None:
    with pytest.raises(FileError, match="is there already"):
        Index.create(index.where, model, rows)
    with pytest.raises(FileError, match="there is no folder"):
        Index.create(tmp_path / "no" / "homes", model, rows)
    with pytest.raises(UsageError, match="compress is 'zip'; known are none, int8"):
        Index.create(tmp_path / "more", model, rows, compress="zip")
    with pytest.raises(FileError, match="is no index"):
        Index(tmp_path)
    CodeStore.create(tmp_path / "alien", [(pa.table({"a": [1.0]}), np.zeros((1, 2), np.float32))], {"compress": "none"})
    with pytest.raises(FileError, match="or was altered"):
        Index(tmp_path / "alien")
    with pytest.raises(DataError, match="do not go with those"):
        CodeStore(index.where).append([(pa.table({"area": [1.0]}), np.zeros((1, 4), np.float32))])


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.uint8(found.images * 15.9), found.target


@pytest.fixture(scope="module")
def of_pictures(digits) -> PictureAutoencoder:
    return PictureAutoencoder("dense:8", steps=200).fit(digits[0][:600])


@pytest.fixture
def shelf(digits, tmp_path):
    for i, (pixels, label) in enumerate(zip(digits[0][:90], digits[1][:90], strict=True)):
        (tmp_path / "shelf" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "shelf" / str(label) / f"{i:02}.png")
    return tmp_path / "shelf"


def test_pictures_are_found_by_pictures(of_pictures, digits, shelf, tmp_path) -> None:
    index = Index.create(tmp_path / "digits.index", of_pictures, shelf)
    assert len(index) == 90 and index.made_by(of_pictures)
    same = index.search(shelf / "3" / "03.png", n=4)
    assert same["name"].to_pylist()[0] == "3/03.png" and same[DISTANCE].to_pylist()[0] < 1e-5
    assert np.array_equal(pixels_of(same)[0, ..., 0], digits[0][3])
    others = index.search(digits[0][3:5], n=3, where="label <> '3'")
    assert others[QUERY].to_pylist() == [0, 0, 0, 1, 1, 1] and "3" not in others["label"].to_pylist()[:3]
    assert "3/03.png" not in index.search(row=same[ROW].to_pylist()[0], n=5)["name"].to_pylist()
    again = PictureAutoencoder("dense:5", steps=60).fit(digits[0][:200])
    index.retrain(again)
    assert Index(index.where).search(shelf / "3" / "03.png", n=1)["name"].to_pylist() == ["3/03.png"]


def test_pictures_from_the_command_line(of_pictures, shelf, tmp_path, capsys) -> None:
    model, index = tmp_path / "digits.isthmus", tmp_path / "digits.index"
    of_pictures.save(model)
    assert main(["index", str(model), str(shelf), "-o", str(index)]) == 0
    assert main(["search", str(index), str(shelf / "0" / "00.png"), "-n", "6", "-o", str(tmp_path / "alike.png")]) == 0
    assert Image.open(tmp_path / "alike.png").size[0] > 48
    assert main(["search", str(index), "--row", "2", "-n", "3", "-o", str(tmp_path / "alike.csv")]) == 0
    assert list(pd.read_csv(tmp_path / "alike.csv").columns) == [QUERY, ROW, DISTANCE, "name", "label"]
    capsys.readouterr()
    assert main(["search", str(index), "--row", "2", "-n", "3"]) == 0
    assert "picture" not in capsys.readouterr().out
    assert main(["search", str(index), "--given", "label=3"]) == 2
    assert "asked by a picture" in capsys.readouterr().err


def test_conditions_that_many_rows_fulfil_and_few_are_both_kept(model, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(nearest, "MANY", 1000)
    many = pd.DataFrame(make_houses(3000, seed=1)).assign(part=np.arange(3000) % 500)
    index = Index.create(tmp_path / "many", model, many)
    for where, holds in (("area < 200", many["area"] < 200), ("part = 7", many["part"] == 7)):
        found = index.search(row=1, n=6, where=where).to_pandas()
        exact = index.search(row=1, n=6, where=where, exact=True).to_pandas()
        assert len(found) == 6 and holds[found[ROW]].all() and 1 not in set(found[ROW])
        assert len(set(found[ROW]) & set(exact[ROW])) >= 5
        assert (found[["area", "part"]].to_numpy() == many.loc[found[ROW], ["area", "part"]].to_numpy()).all()
        far = np.linalg.norm(index.model.encode(many.loc[found[ROW]]) - index.model.encode(many.loc[[1]]), axis=1)
        assert np.allclose(found[DISTANCE], far, atol=1e-4) and (np.diff(found[DISTANCE]) >= 0).all()


def test_conditions_asked_at_once_are_not_mistaken_for_each_other(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(nearest, "MANY", 1000)
    random = np.random.default_rng(0)
    codes, sizes = random.normal(size=(4000, 3)).astype("float32"), random.uniform(size=4000)
    store = CodeStore.create(tmp_path / "many", [(pa.table({"size": sizes}), codes)], {"compress": "none"})

    def ask(number: int) -> bool:
        below = number % 2 == 0
        found = store.search(codes[number], 5, "size < 0.5" if below else "size >= 0.5")["size"].to_numpy()
        return bool(((found < 0.5) == below).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(100)))


@pytest.mark.parametrize("where", ["size < 0.4", "size < 0.03", "size < 0"])
def test_a_condition_asked_again_is_remembered_until_rows_change(tmp_path, monkeypatch, where) -> None:
    monkeypatch.setattr(nearest, "MANY", 1000)
    random = np.random.default_rng(0)
    codes = random.normal(size=(4000, 3)).astype("float32")
    sizes = random.uniform(size=4000)
    store = CodeStore.create(tmp_path / "many", [(pa.table({"size": sizes}), codes)], {"compress": "none"})
    asked = [store.search(codes[5], 10, where)[ROW].to_pylist() for _ in range(3)]
    true = store.search(codes[5], 10, where, exact=True)[ROW].to_pylist()
    assert asked[1] == asked[2] and len(set(asked[1]) & set(true)) >= 0.9 * len(true)
    assert len(true) == min(10, int((sizes < float(where.split()[-1])).sum()))
    store.append([(pa.table({"size": [-1.0]}), codes[5:6])])
    for _ in range(3):
        assert store.search(codes[5], 1, where)[ROW].to_pylist() == [4000]
    store.delete("size = -1.0")
    for _ in range(3):
        assert 4000 not in store.search(codes[5], 10, where)[ROW].to_pylist()
