"""Patches of pictures and sounds are pieces of them, and a broken or mixed folder is refused in one line."""

import numpy as np
import pytest

from isthmus.data.images import save_picture
from isthmus.data.patches import BANDS, FRAMES, SIDE, open_patches, read_patches
from isthmus.errors import DataError, FileError


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    held = {}
    for name in ("a", "b"):
        held[f"{name}.png"] = rng.integers(0, 255, (20, 30, 1)).astype(np.uint8)
        save_picture(tmp_path / f"{name}.png", held[f"{name}.png"])
    return tmp_path, held


@pytest.fixture
def sounds(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    t = np.arange(16000) / 8000
    for name, hertz in (("low", 200), ("high", 2000)):
        loud = np.where(t < 1, 0.1, 1.0)
        soundfile.write(tmp_path / f"{name}.wav", 0.5 * loud * np.sin(2 * np.pi * hertz * t), 8000)
    return tmp_path


def test_patches_are_pieces_of_their_pictures(pictures):
    folder, held = pictures
    patches = open_patches(folder, most=40)
    assert patches.matrix.shape == (40, SIDE * SIDE)
    np.testing.assert_allclose(patches.matrix.mean(1), 0, atol=1e-6)
    for row in range(40):
        down, right = patches.place[row].astype(int)
        pixels = held[patches.names[patches.file[row]]][down : down + SIDE, right : right + SIDE, 0] / 255
        np.testing.assert_allclose(patches.matrix[row] + patches.mean[row], pixels.ravel(), atol=1e-6)


def test_the_same_seed_gives_the_same_patches(pictures):
    folder, _ = pictures
    first, facts = read_patches(folder, most=20, seed=3)
    again, _ = read_patches(folder, most=20, seed=3)
    other, _ = read_patches(folder, most=20, seed=4)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert facts == {"patches": {"kind": "picture", "height": SIDE, "width": SIDE, "channels": 1}}


def test_one_coloured_picture_makes_all_patches_coloured(pictures):
    folder, _ = pictures
    save_picture(folder / "c.png", np.random.default_rng(1).integers(0, 255, (16, 16, 3)).astype(np.uint8))
    patches = open_patches(folder, most=30)
    assert patches.facts["channels"] == 3
    assert patches.matrix.shape[1] == SIDE * SIDE * 3


def test_a_tone_is_loudest_in_its_own_band(sounds):
    patches = open_patches(sounds, most=60)
    assert patches.matrix.shape[1] == BANDS * FRAMES
    hertz = np.array(patches.facts["hertz"])[::-1]
    for name, wanted in (("low.wav", 200), ("high.wav", 2000)):
        rows = patches.matrix[patches.file == patches.names.index(name)].reshape(-1, BANDS, FRAMES)
        found = hertz[rows.mean((0, 2)).argmax()]
        assert 0.85 < found / wanted < 1.18


def test_a_mixed_an_empty_and_a_missing_folder_are_refused(pictures, tmp_path_factory):
    folder, _ = pictures
    (folder / "x.wav").write_bytes(b"x")
    with pytest.raises(DataError, match="pictures and sounds"):
        open_patches(folder)
    with pytest.raises(FileError, match="neither pictures"):
        open_patches(tmp_path_factory.mktemp("empty"))
    with pytest.raises(FileError, match="no folder"):
        open_patches(folder / "nothing")


def test_pictures_that_hold_nothing_to_learn_are_refused(tmp_path):
    save_picture(tmp_path / "flat.png", np.full((20, 20, 1), 7, np.uint8))
    with pytest.raises(DataError, match="contrast"):
        open_patches(tmp_path)
    save_picture(tmp_path / "flat.png", np.full((4, 4, 1), 7, np.uint8))
    with pytest.raises(DataError, match="too small"):
        open_patches(tmp_path)


def test_what_is_not_like_what_was_learnt_from_is_refused(pictures, sounds):
    (sounds / "low.wav").unlink()
    (sounds / "high.wav").unlink()
    with pytest.raises(DataError, match="fitted to sounds"):
        open_patches(pictures[0], like={"kind": "sound", "hertz": [100.0, 200.0]})
