"""Pictures made out of noise, of what they are to show."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import isthmus as im
from isthmus.errors import DataError, FileError, UsageError
from isthmus.nets.diffusion import DiffusionNet
from isthmus.nets.grids import GridAutoencoder
from isthmus.nets.noises import Noisy
from isthmus.nets.unet import UNet
from isthmus.tasks.diffuse import diffuse, levels


def stripes(n: int = 64) -> tuple[np.ndarray, list[str]]:
    """Stripes across and down, bright or dark (n, 16, 16)."""
    rows, columns = np.mgrid[:16, :16]
    shift = np.random.default_rng(0).integers(0, 8, n)
    across = np.arange(n) % 2 == 0
    place = np.where(across[:, None, None], rows, columns) + shift[:, None, None]
    return np.where(place % 8 < 4, 230, 20).astype(np.uint8), np.where(across, "across", "down").tolist()


@pytest.fixture(scope="module")
def fitted() -> im.Diffusion:
    return im.Diffusion(widths=(32, 48), depths=(1, 1), steps=260, learning_rate=4e-3).fit(*stripes())


def variation(pictures: np.ndarray) -> np.ndarray:
    """How much more pictures vary downwards than across, in logarithms."""
    values = pictures.astype(float)
    down, across = (np.abs(np.diff(values, axis=axis)).mean((1, 2)) + 1 for axis in (1, 2))
    return np.log(down / across)


def test_pictures_show_what_they_are_asked_to(fitted) -> None:
    assert fitted.labels_ == ["across", "down"]
    across, down = (fitted.sample(12, given=label) for label in fitted.labels_)
    assert (variation(across) > 0).mean() > 0.9
    assert (variation(down) < 0).mean() > 0.9
    each = fitted.sample(4, given=["across", "down"] * 2, sampler="ddim", steps=12, churn=0.1, guidance=1.5)
    assert (np.sign(variation(each)) == [1, -1, 1, -1]).mean() >= 0.75
    assert {*np.sign(variation(fitted.sample(24)))} == {1, -1}


def test_the_same_seed_gives_the_same_pictures_and_a_file_the_same_model(fitted, tmp_path) -> None:
    made = fitted.sample(3, given="down", steps=5, seed=4)
    assert np.array_equal(made, fitted.sample(3, given="down", steps=5, seed=4))
    assert not np.array_equal(made, fitted.sample(3, given="down", steps=5, seed=5))
    fitted.save(tmp_path / "d.isthmus")
    again = im.load(tmp_path / "d.isthmus")
    assert np.array_equal(made, again.sample(3, given="down", steps=5, seed=4))
    assert again.inspect()["labels"] == ["across", "down"]
    small = clone(fitted).set_params(steps=3)
    one, two = (clone(small).fit(*stripes()).sample(1, steps=3) for _ in range(2))
    assert np.array_equal(one, two)


def test_what_is_known_stays_and_the_rest_fits_it(fitted) -> None:
    pictures, labels = stripes(16)
    hidden = np.zeros((16, 16), bool)
    hidden[4:12, 4:12] = True
    made = fitted.inpaint(pictures, hidden)
    assert np.array_equal(made[:, ~hidden], pictures[:, ~hidden])
    off = np.abs(made.astype(float) - pictures)[:, hidden].mean(1)
    assert np.median(off) < 40  # a blind guess is off by a hundred
    whole = im.denoise(pictures[0], model=fitted, hidden=hidden)
    assert np.array_equal(whole, made[0]) or np.abs(whole.astype(float) - made[0]).mean() < 30
    with pytest.raises(UsageError, match="a diffusion model makes what is missing"):
        im.denoise(pictures[0], model=fitted)
    del labels


def test_noise_is_seen_turning_into_a_picture(fitted) -> None:
    frames = fitted.watch(2, "down", steps=6)
    assert frames.shape == (7, 2, 16, 16)
    assert np.array_equal(frames[-1], fitted.sample(2, "down", steps=6))
    alike = [np.corrcoef(frame.ravel(), frames[-1].ravel())[0, 1] for frame in frames]
    assert alike[0] < 0.3
    assert alike[-2] > 0.9


@pytest.fixture(scope="module")
def coded() -> im.Diffusion:
    """A model of pictures of 16 x 16 pixels that makes codes of 2 x 2 places, and pictures of them."""
    return im.Diffusion(6, widths=(32,), depths=(2,), steps=700, learning_rate=4e-3).fit(*stripes())


def test_what_is_made_through_a_code_shows_what_it_is_asked_to(coded) -> None:
    across, down = (coded.sample(30, given=label) for label in coded.labels_)
    assert (variation(across) > 0).mean() > 0.8
    assert (variation(down) < 0).mean() > 0.8
    assert coded.inspect()["code"]["planes"] == 6
    assert 0 < coded.inspect()["code"]["error"] < 60  # a guess of the mean is off by a hundred
    frames = coded.watch(2, "down", steps=6)
    assert frames.shape == (7, 2, 16, 16)
    assert np.array_equal(frames[-1], coded.sample(2, "down", steps=6))


def test_what_is_known_stays_where_a_code_is_between(coded) -> None:
    pictures, _ = stripes(8)
    hidden = np.zeros((16, 16), bool)
    hidden[3:9, 4:12] = True
    made = coded.inpaint(pictures, hidden, steps=6)
    assert np.array_equal(made[:, ~hidden], pictures[:, ~hidden])
    assert not np.array_equal(made[:, hidden], pictures[:, hidden])


def test_a_file_holds_the_code_too(coded, tmp_path) -> None:
    made = coded.sample(3, given="down", steps=5, seed=4)
    coded.save(tmp_path / "d.isthmus")
    again = im.load(tmp_path / "d.isthmus")
    assert np.array_equal(made, again.sample(3, given="down", steps=5, seed=4))
    assert again.code == 6
    assert again.inspect() == coded.inspect()


def test_large_pictures_go_through_a_code_by_themselves_in_colour_and_of_any_size() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 70, 93, 3), dtype=np.uint8)
    model = im.Diffusion(widths=(8,), depths=(1,), steps=2).fit(pictures)
    assert model.sample(2, steps=2).shape == (2, 70, 93, 3)
    assert model.inspect()["code"]["planes"] == 4


def test_a_fit_that_was_stopped_goes_on_with_the_code_it_had_learnt(tmp_path, monkeypatch) -> None:
    pictures, labels = stripes()
    model = im.Diffusion(2, widths=(8,), depths=(1,), steps=6, checkpoint=tmp_path / "state")
    whole = clone(model).fit(pictures, labels).sample(2, steps=3)
    assert not list(tmp_path.iterdir())

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("isthmus.diffusion.to_codes", stop)
        clone(model).fit(pictures, labels)
    assert [path.name for path in tmp_path.iterdir()] == ["state.code"]
    resumed = clone(model).set_params(resume=True)
    with monkeypatch.context() as patched:
        patched.setattr("isthmus.tasks.grid.train_on", stop)  # what was learnt is not learnt again
        assert np.array_equal(resumed.fit(pictures, labels).sample(2, steps=3), whole)
    assert not list(tmp_path.iterdir())
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("isthmus.diffusion.to_codes", stop)
        clone(model).fit(pictures, labels)
    with pytest.raises(FileError, match="another run"):
        clone(resumed).fit(255 - pictures, labels)
    (tmp_path / "state.code").write_bytes(b"no checkpoint")
    with pytest.raises(FileError, match="delete it to start anew"):
        resumed.fit(pictures, labels)


def test_gradients_reach_every_weight_of_a_code() -> None:
    torch.manual_seed(0)
    net = GridAutoencoder(3, 4, width=8)
    for block in net.modules():
        if isinstance(block, torch.nn.Conv2d):
            torch.nn.init.normal_(block.weight, std=0.1)
    batch = torch.randint(0, 256, (2, 4, 48, 40), dtype=torch.uint8)
    losses = net.losses(batch, torch.Generator().manual_seed(0))
    sum(losses.values()).backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


def test_pictures_too_small_to_compare_at_one_scale_are_learnt_too() -> None:
    assert im.Diffusion(1, widths=(4,), depths=(1,), steps=2).fit(np.zeros((3, 5, 7), np.uint8)).sample(1).shape == (
        1,
        5,
        7,
    )


def test_levels_fall_and_known_answers_are_reached() -> None:
    schedule = levels(20)
    assert (schedule.diff() < 0).all()

    class Perfect(DiffusionNet):
        """Knows that every picture is one of two."""

        def forward(self, noisy: Noisy, kind: torch.Tensor | None = None) -> torch.Tensor:
            del kind
            return torch.sign(noisy.values.mean((1, 2, 3), keepdim=True)).expand_as(noisy.values)

    net = Perfect(1, 0, UNet(1, 1, widths=(2,), depths=(1,), told=64))
    for sampler in ("heun", "ddim"):
        made = diffuse(net, 8, (4, 4), sampler=sampler)
        assert torch.allclose(made.abs(), torch.ones(1), atol=1e-2)
        assert 0 < (made.mean((1, 2, 3)) > 0).sum() < 8


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    net = DiffusionNet(1, 2, UNet(1, 1, widths=(8, 8), depths=(1, 1), told=64))
    for block in net.modules():
        if isinstance(block, torch.nn.Conv2d):
            torch.nn.init.normal_(block.weight, std=0.1)
    batch = torch.randint(0, 2, (8, 2, 12, 12), dtype=torch.uint8)
    net.losses(batch, torch.Generator().manual_seed(0))["error"].backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (lambda m: m.sample(0), UsageError, "n is 0"),
        (lambda m: m.sample(1, steps=1), UsageError, "steps is 1"),
        (lambda m: m.sample(1, sampler="x"), UsageError, "sampler is 'x'"),
        (lambda m: m.sample(1, given="up"), UsageError, "there are across, down"),
        (lambda m: m.sample(3, given=["down"]), UsageError, "names 1 things for 3 pictures"),
        (lambda m: m.inpaint(np.zeros((1, 8, 8), np.uint8), np.zeros((16, 16))), DataError, "must be of 16 x 16"),
        (lambda _: im.Diffusion().sample(1), NotFittedError, "not fitted"),
        (lambda _: im.Diffusion().fit(np.zeros((2, 8, 260), np.uint8)), DataError, "at most 256 x 256"),
        (lambda _: im.Diffusion(2.5).fit(np.zeros((2, 8, 8), np.uint8)), UsageError, "code is 2.5"),
        (lambda _: im.Diffusion(0).fit(np.zeros((2, 8, 8), np.uint8)), UsageError, "code is 0; give 1 to 64"),
        (lambda _: im.Diffusion().fit(np.zeros((2, 8, 8), np.uint8), ["a"]), DataError, "1 labels for 2 pictures"),
        (lambda _: im.Diffusion().fit([np.zeros((8, 8)), np.zeros((9, 8))]), DataError, "must be of one size"),
        (lambda _: im.Diffusion(steps=0).fit(np.zeros((2, 8, 8), np.uint8)), UsageError, "steps is 0"),
        (lambda _: im.Diffusion(resume=True).fit(np.zeros((2, 8, 8), np.uint8)), UsageError, "resume needs"),
    ],
)
def test_bad_input_gets_one_line(fitted, act, kind, words) -> None:
    with pytest.raises(kind, match=words):
        act(fitted)
