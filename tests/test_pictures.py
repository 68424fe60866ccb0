"""Pictures through a code: the laws of `PictureAutoencoder`."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier

import isthmus as im
from isthmus.errors import DataError, UsageError
from isthmus.nets.codes import CODES
from isthmus.nets.noises import Gaussian
from isthmus.nets.pictures import PictureHourglass


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Digits (1797, 8, 8) of bytes, and which."""
    found = load_digits()
    return np.uint8(found.images * 15.9), found.target


@pytest.fixture(scope="module")
def vae(digits) -> im.PictureAutoencoder:
    return im.PictureAutoencoder("gaussian:8", condition=True, steps=250).fit(*digits)


CODES_HERE = ("dense:6", "gaussian:6", "sparse:24:k=6", "quantized:6:levels=8")


@pytest.mark.parametrize("code", CODES_HERE)
def test_every_code_carries_pictures_and_survives_a_file(code, digits, tmp_path) -> None:
    pictures = digits[0][:400]
    model = im.PictureAutoencoder(code, width=16, steps=120).fit(pictures)
    codes = model.encode(pictures)
    assert codes.shape == (400, model.net.code.size)
    made = model.reconstruct(pictures)
    assert (made.dtype, made.shape) == (np.uint8, pictures.shape)
    error = np.square(made.astype(float) - pictures).mean()
    assert error < 0.8 * np.square(pictures.mean(0) - pictures).mean()
    assert model.inspect()["explained"] > 0.15
    model.save(tmp_path / "m.isthmus")
    again = im.load(tmp_path / "m.isthmus")
    assert np.array_equal(again.encode(pictures), codes)
    assert np.array_equal(again.decode(codes[:5]), made[:5])
    assert np.allclose(again.outliers(pictures), model.outliers(pictures))
    assert model.encode(pictures[:1]).shape[0] == 1
    assert len(CODES_HERE) == len(CODES)


def test_a_digit_that_is_asked_for_is_made(vae, digits) -> None:
    pictures, labels = digits
    judge = KNeighborsClassifier(5).fit(pictures.reshape(-1, 64), labels)
    asked = np.arange(60) % 10
    made = vae.sample(60, asked.tolist())
    assert (judge.predict(made.reshape(-1, 64)) == asked).mean() > 0.75
    assert vae.sample(2, given=3, seed=1).shape == (2, 8, 8)
    assert np.array_equal(vae.sample(2, given=3, seed=1), vae.sample(2, given="3", seed=1))
    assert len({picture.tobytes() for picture in vae.sample(20, prior="normal")}) == 20


def test_the_way_between_two_pictures_begins_and_ends_at_them(vae, digits) -> None:
    way = vae.interpolate(digits[0], (0, 1), steps=4)
    ends = vae.reconstruct(digits[0][:2])
    assert way.shape == (6, 8, 8)
    assert np.array_equal(way[[0, -1]], ends)


def test_a_strange_picture_is_odd_where_it_is_strange(vae, digits) -> None:
    pictures = digits[0][:300].copy()
    usual = vae.outliers(pictures)
    pictures[7, :2, :2] = 255
    scores, where = vae.outliers(pictures), vae.error_map(pictures)
    assert scores[7] > np.quantile(usual, 0.97)
    assert where[7, :2, :2].mean() > 3 * where[7, 3:, 3:].mean()
    assert np.array_equal(vae.score_samples(pictures), -scores)


@pytest.mark.parametrize("code", ["gaussian:2", "dense:2"])
def test_a_code_of_two_numbers_is_a_map_of_pictures(code, digits) -> None:
    model = im.PictureAutoencoder(code, width=8, steps=30).fit(digits[0][:200])
    assert model.manifold(5).shape == (25, 8, 8)
    assert len(np.unique(model.manifold(5).reshape(25, -1), axis=0)) > 10


def test_colours_and_odd_sizes_and_noise(tmp_path) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (12, 13, 21, 3), dtype=np.uint8)
    model = im.PictureAutoencoder(4, noise="gaussian:0-50", width=8, steps=3).fit(pictures)
    assert model.reconstruct(pictures).shape == pictures.shape
    assert model.error_map(pictures).shape == (12, 13, 21)
    twin = clone(model).fit(pictures)
    assert np.array_equal(twin.encode(pictures), model.encode(pictures))
    assert not np.array_equal(clone(model).set_params(seed=1).fit(pictures).encode(pictures), model.encode(pictures))
    assert model.get_feature_names_out().tolist()[:2] == ["pictureautoencoder0", "pictureautoencoder1"]


def test_a_fit_that_was_stopped_goes_on(tmp_path, digits, monkeypatch) -> None:
    from isthmus.training import checkpoints, run

    pictures = digits[0][:100]
    whole = im.PictureAutoencoder(3, width=8, steps=60).fit(pictures)
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0)
    path, save = tmp_path / "c", run.Run.save

    def stop(run) -> None:
        save(run)
        if run.step >= 30:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(run.Run, "save", stop)
        im.PictureAutoencoder(3, width=8, steps=60, checkpoint=path).fit(pictures)
    assert path.exists()
    again = im.PictureAutoencoder(3, width=8, steps=60, checkpoint=path, resume=True).fit(pictures)
    assert np.array_equal(again.encode(pictures), whole.encode(pictures))
    assert not path.exists()


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    code = CODES["gaussian"](4)
    net = PictureHourglass(1, (12, 12), code, kinds=2, noises=(Gaussian(),), width=4)
    for block in net.modules():
        if isinstance(block, torch.nn.Conv2d):
            torch.nn.init.normal_(block.weight, std=0.2)
    batch = torch.randint(0, 256, (16, 2, 12, 12), dtype=torch.uint8)
    batch[:, -1] = torch.arange(16)[:, None, None] % 2
    sum(net.losses(batch, torch.Generator().manual_seed(0)).values()).backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (lambda m: m.encode(np.zeros((1, 9, 8), np.uint8)), DataError, "was fitted to 8 x 8 and 1"),
        (lambda m: m.decode(np.zeros((1, 3))), DataError, r"\(n, 8\) are expected"),
        (lambda m: m.sample(0), UsageError, "n is 0"),
        (lambda m: m.sample(1, given="x"), UsageError, "there is no such label"),
        (lambda m: m.manifold(), UsageError, "a code of 2 numbers; this one has 8"),
        (lambda m: m.interpolate(np.zeros((2, 8, 8), np.uint8), (0, 5)), UsageError, "there is no picture 5"),
        (lambda m: m.interpolate(np.zeros((2, 8, 8), np.uint8), (0, 1), 0), UsageError, "steps is 0"),
        (lambda _: im.PictureAutoencoder().encode(np.zeros((1, 8, 8))), NotFittedError, "not fitted"),
        (lambda _: im.PictureAutoencoder("x:3").fit(np.zeros((2, 8, 8), np.uint8)), UsageError, "is unknown"),
        (lambda _: im.PictureAutoencoder().fit(np.zeros((2, 200, 8), np.uint8)), DataError, "at most 128 x 128"),
        (
            lambda _: im.PictureAutoencoder(condition=True).fit(np.zeros((2, 8, 8), np.uint8)),
            DataError,
            "nothing says what the pictures show",
        ),
        (lambda _: im.PictureAutoencoder(width=0).fit(np.zeros((2, 8, 8), np.uint8)), UsageError, "width is 0"),
        (lambda _: im.PictureAutoencoder(seed=-1).fit(np.zeros((2, 8, 8), np.uint8)), UsageError, "seed is -1"),
        (lambda _: im.PictureAutoencoder(resume=True).fit(np.zeros((2, 8, 8), np.uint8)), UsageError, "resume needs"),
    ],
)
def test_bad_input_gets_one_line(vae, act, kind, words) -> None:
    with pytest.raises(kind, match=words):
        act(vae)


def test_a_dense_code_has_no_prior_but_what_is_learnt(digits) -> None:
    model = im.PictureAutoencoder(2, width=8, steps=2).fit(digits[0][:20])
    assert model.sample(3).shape == (3, 8, 8)
    with pytest.raises(UsageError, match="has no prior"):
        model.sample(1, prior="normal")
    with pytest.raises(UsageError, match="prior is 'x'"):
        model.sample(1, prior="x")
    sparse = im.PictureAutoencoder("sparse:8:k=2", width=8, steps=2).fit(digits[0][:20])
    with pytest.raises(UsageError, match="are not drawn"):
        sparse.sample(1)
    with pytest.raises(UsageError, match="was not told what"):
        model.decode(np.zeros((1, 2)), given=3)
