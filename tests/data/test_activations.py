"""A folder of activations gives back what was put in, in any order, and says what is wrong with it."""

import json
import shutil

import numpy as np
import pytest

from isthmus.data.activations import Activations
from isthmus.data.shards import ActivationsWriter
from isthmus.data.shuffled import ShuffledBlocks
from isthmus.errors import DataError, FileError, IsthmusWarning

FACTS = {"lm": "tiny", "lm_sha": "1", "layer": 1, "site": "residual", "width": 3, "dtype": "float32", "texts": []}


def rows_of(count, width=3):
    """Rows that can be told from each other, of like norm but for every fiftieth, which is a sink."""
    values = np.random.default_rng(1).normal(size=(count, width)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    values[::50] *= 100
    return values


def write(folder, values, *, part=40, shard_rows=100, facts=FACTS, close=True):
    writer = ActivationsWriter(folder, facts, shard_rows)
    for start in range(0, len(values), part):
        some = values[start : start + part]
        number = np.arange(start, start + len(some))
        writer.append(some, tokens=number, passages=number // 10, texts=number % 2)
    if close:
        writer.close()
    return writer


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "acts", rows_of(1000))
    return tmp_path / "acts"


def test_rows_come_back_in_any_order(folder):
    values, acts = rows_of(1000), Activations.open(folder)
    order = np.random.default_rng(0).permutation(1000)[:333]
    np.testing.assert_array_equal(acts.values(order), values[order])
    np.testing.assert_array_equal(acts.block(90, 310), values[90:310])
    np.testing.assert_array_equal(acts.tokens(order), order)
    np.testing.assert_array_equal(acts.passages(order), order // 10)
    np.testing.assert_array_equal(acts.texts(order), order % 2)
    np.testing.assert_allclose(acts.norms(), np.linalg.norm(values, axis=1), rtol=1e-6)
    assert len(acts) == acts.rows == 1000
    assert acts.facts["shards"] == [120] * 8 + [40]


def test_sinks_are_known_and_left_out(folder):
    acts = Activations.open(folder)
    assert acts.sink_norm == pytest.approx(4)
    np.testing.assert_array_equal(np.setdiff1d(np.arange(1000), acts.usable), np.arange(0, 1000, 50))


def test_held_out_rows_are_of_other_passages(folder):
    acts = Activations.open(folder)
    kept, held = acts.split(0.2, seed=3)
    assert len(kept) + len(held) == len(acts.usable)
    assert len(np.unique(acts.passages(held))) == 20
    assert not set(acts.passages(kept)) & set(acts.passages(held))


def test_half_precision_takes_half_the_room(tmp_path, folder):
    write(tmp_path / "half", rows_of(1000), facts=FACTS | {"dtype": "float16"})
    values = Activations.open(tmp_path / "half").values(np.arange(1000))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, rows_of(1000), rtol=1e-3, atol=1e-4)
    sizes = [sum(file.stat().st_size for file in path.glob("shard-?????.npy")) for path in (tmp_path / "half", folder)]
    assert sizes[0] < 0.6 * sizes[1]


def test_an_unfinished_folder_is_gone_on_with_where_its_shards_end(tmp_path, folder):
    values = rows_of(1000)
    writer = write(tmp_path / "cut", values[:400], close=False)
    assert (writer.passages, writer.rows) == (36, 400)
    with pytest.warns(IsthmusWarning, match="360 rows so far"):
        assert Activations.open(tmp_path / "cut").rows == 360
    again = ActivationsWriter(tmp_path / "cut", FACTS, 100)
    assert (again.passages, again.rows, again.done) == (36, 360, False)
    for start in range(360, 1000, 40):
        number = np.arange(start, start + 40)
        again.append(values[number], tokens=number, passages=number // 10, texts=number % 2)
    again.close()
    for file in folder.iterdir():
        assert (tmp_path / "cut" / file.name).read_bytes() == file.read_bytes()


def test_what_a_kill_left_half_written_is_removed(tmp_path):
    write(tmp_path / "cut", rows_of(400), close=False)
    for name in (
        ".1a2b3c4d.shard-00003.npy",
        "shard-00003.npy",
        "shard-00003.tokens.npy",
        ".1a2b3c4d.activations.json",
    ):
        (tmp_path / "cut" / name).write_bytes(b"half")
    ActivationsWriter(tmp_path / "cut", FACTS, 100)
    assert not [file for file in (tmp_path / "cut").iterdir() if file.read_bytes() == b"half"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"layer": 2}, "layer 1, not 2"),
        ({"site": "mlp"}, "site residual, not mlp"),
        ({"lm_sha": "2"}, "another language model"),
        ({"texts": [{"name": "b.txt"}]}, "other texts"),
    ],
)
def test_activations_of_two_kinds_are_not_mixed(folder, change, says):
    with pytest.raises(FileError, match=says):
        ActivationsWriter(folder, FACTS | change)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(FileError, match="not empty and holds no activations"):
        ActivationsWriter(tmp_path, FACTS)
    with pytest.raises(FileError, match="cannot be made"):
        ActivationsWriter(tmp_path / "photo.png" / "acts", FACTS)


@pytest.mark.parametrize(
    ("dtype", "value", "says"), [("float32", np.nan, "overflows"), ("float16", 1e6, "store them as float32")]
)
def test_what_is_no_finite_number_is_refused(tmp_path, dtype, value, says):
    writer = ActivationsWriter(tmp_path / "acts", FACTS | {"dtype": dtype})
    with pytest.raises(DataError, match=says):
        writer.append(np.full((2, 3), value), tokens=[0, 0], passages=[0, 0])


def _facts(folder, **change):
    path = folder / "activations.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def _cut(path):
    path.write_bytes(path.read_bytes()[:-5])


SPOILT = {
    "no such folder": shutil.rmtree,
    "lacks activations.json": lambda folder: (folder / "activations.json").unlink(),
    "is missing": lambda folder: (folder / "shard-00003.tokens.npy").unlink(),
    "shard-00002.npy' was cut short": lambda folder: _cut(folder / "shard-00002.npy"),
    "shard-00001.norms.npy' was cut short": lambda folder: _cut(folder / "shard-00001.norms.npy"),
    "shard-00000.npy' was altered": lambda folder: np.save(folder / "shard-00000.npy", np.zeros((120, 3))),
    "activations.json' was cut short": lambda folder: _cut(folder / "activations.json"),
    "parts do not fit together": lambda folder: _facts(folder, rows=999),
    "is of format 99": lambda folder: _facts(folder, format=99),
    "holds no rows yet": lambda folder: _facts(folder, rows=0, shards=[]),
}


@pytest.mark.parametrize("says", SPOILT)
def test_a_spoilt_folder_is_refused_in_one_line(folder, says):
    SPOILT[says](folder)
    with pytest.raises(FileError, match=says) as caught:
        Activations.open(folder)
    assert "\n" not in str(caught.value)


def test_rows_that_are_not_there_are_refused(folder):
    with pytest.raises(DataError, match="has 1,000"):
        Activations.open(folder).values(np.array([1000]))


@pytest.mark.parametrize("pool_bytes", [1, 12 * 100, 1 << 20])
def test_every_usable_row_is_drawn_once_an_epoch(folder, pool_bytes):
    acts = Activations.open(folder)
    batches = ShuffledBlocks(acts, 30, seed=1, pool_bytes=pool_bytes)
    assert batches.steps_per_epoch == 980 // 30
    drawn = np.concatenate([batches.rows_of(step) for step in range(batches.steps_per_epoch)])
    assert len(np.unique(drawn)) == len(drawn) == 960
    assert np.isin(drawn, acts.usable).all()
    np.testing.assert_array_equal(batches.batch(3), acts.values(batches.rows_of(3)))


def test_the_order_hangs_on_seed_and_epoch_alone(folder):
    acts = Activations.open(folder)
    one, two, other = (ShuffledBlocks(acts, 50, seed=seed, pool_bytes=2000) for seed in (1, 1, 2))
    late = one.rows_of(25).copy()
    for step in range(26):
        last = two.rows_of(step)
    np.testing.assert_array_equal(late, last)
    assert not np.array_equal(other.rows_of(25), late)
    assert not np.array_equal(np.sort(one.rows_of(0)), np.sort(one.rows_of(one.steps_per_epoch)))


def test_only_rows_that_are_asked_for_are_drawn(folder):
    acts = Activations.open(folder)
    rows = np.arange(100, 200)
    batches = ShuffledBlocks(acts, 10, seed=0, rows=rows)
    np.testing.assert_array_equal(np.sort(np.concatenate([batches.rows_of(step) for step in range(10)])), rows)
    with pytest.raises(DataError, match="no rows are left"):
        ShuffledBlocks(acts, 10, seed=0, rows=rows[:0])
