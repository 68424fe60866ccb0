"""Pictures as squares to learn from."""

import numpy as np
import pytest
from PIL import Image

from isthmus.data.gallery import SIDE, open_gallery
from isthmus.errors import DataError, FileError


def test_squares_cover_all_of_every_picture() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (200, 345), dtype=np.uint8), rng.integers(0, 256, (160, 160), dtype=np.uint8)]
    found = open_gallery(pictures)
    assert found.squares.shape == (2 * 3 + 1, 1, SIDE, SIDE)
    assert found.picture.tolist() == [0] * 6 + [1]
    assert {*pictures[0][0], *pictures[0][-1]} <= {*found.squares[found.picture == 0].ravel()}
    assert np.array_equal(found.squares[-1, 0], pictures[1])


def test_grey_and_coloured_are_made_alike(tmp_path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (20, 30), dtype=np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(tmp_path / "colour.png")
    found = open_gallery(tmp_path)
    assert found.channels == 3
    assert found.names == ["colour.png", "grey.png"]
    assert (found.squares[1, 0] == found.squares[1, 2]).all()
    assert open_gallery(tmp_path, channels=1).channels == 1


def test_arrays_in_files_are_read(tmp_path) -> None:
    pictures = np.random.default_rng(0).random((3, 10, 12, 1))
    np.save(tmp_path / "a.npy", pictures)
    np.savez(tmp_path / "b.npz", names=np.arange(3), pictures=pictures)
    for name in ("a.npy", "b.npz"):
        assert open_gallery(tmp_path / name).squares.shape == (6, 1, 10, 10)
    np.savez(tmp_path / "c.npz", names=np.arange(3))
    with pytest.raises(FileError, match="holds no array of pictures"):
        open_gallery(tmp_path / "c.npz")
    (tmp_path / "d.npy").write_bytes(b"nothing of the kind")
    with pytest.raises(FileError, match="can be read"):
        open_gallery(tmp_path / "d.npy")
    with pytest.raises(DataError, match="holds no pictures"):
        open_gallery(np.zeros((2, 3)))
