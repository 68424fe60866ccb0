import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from isthmus.data.images import open_picture, save_picture
from isthmus.errors import FileError, IsthmusWarning, UsageError

COLOURED = np.random.default_rng(0).integers(0, 256, (13, 7, 3), np.uint8)


@pytest.mark.parametrize("ending", [".png", ".bmp", ".webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_saved_without_loss_is_opened_again(tmp_path, ending, channels):
    pixels = np.repeat(COLOURED[..., :1], channels, 2) if ending == ".webp" else COLOURED[..., :channels]
    save_picture(tmp_path / f"a{ending}", pixels)
    again = open_picture(tmp_path / f"a{ending}")
    assert (again == pixels).all()
    assert again.dtype == np.uint8


def test_jpeg_is_near_and_a_dot_is_a_picture(tmp_path):
    save_picture(tmp_path / "a.jpg", np.full((1, 1, 3), 90, np.uint8))
    assert np.abs(open_picture(tmp_path / "a.jpg").astype(int) - 90).max() < 4


@pytest.mark.parametrize(
    ("mode", "name", "word"),
    [
        ("CMYK", "a.jpg", "CMYK"),
        ("RGBA", "a.png", "transparent"),
        ("LA", "a.png", "transparent"),
        ("I;16", "a.png", "8 bits"),
    ],
)
def test_what_bytes_cannot_hold_is_converted_with_a_warning(tmp_path, mode, name, word):
    Image.new(mode, (5, 4)).save(tmp_path / name)
    with pytest.warns(IsthmusWarning, match=word):
        pixels = open_picture(tmp_path / name)
    assert pixels.shape == (4, 5, 1 if mode in {"LA", "I;16"} else 3)


def test_sixteen_bits_keep_the_highest(tmp_path):
    Image.fromarray(np.array([[0, 0x1234, 0xFFFF]], np.uint16)).save(tmp_path / "a.png")
    with pytest.warns(IsthmusWarning):
        assert open_picture(tmp_path / "a.png")[0, :, 0].tolist() == [0, 0x12, 0xFF]


def test_palettes_and_bits_need_no_warning(tmp_path):
    Image.new("P", (3, 2)).save(tmp_path / "p.png")
    Image.new("1", (3, 2), 1).save(tmp_path / "1.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_picture(tmp_path / "p.png").shape == (2, 3, 3)
        assert (open_picture(tmp_path / "1.png") == 255).all()


def test_of_an_animation_the_first_is_taken(tmp_path):
    Image.new("RGB", (8, 8), "red").save(
        tmp_path / "a.png", save_all=True, append_images=[Image.new("RGB", (8, 8), "blue")]
    )
    with pytest.warns(IsthmusWarning, match="first"):
        assert open_picture(tmp_path / "a.png")[0, 0].tolist() == [255, 0, 0]


def test_a_camera_that_was_turned_is_heeded(tmp_path):
    picture = Image.new("RGB", (6, 4))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert open_picture(tmp_path / "a.jpg").shape == (6, 4, 3)


def test_bad_files_are_told_in_one_line(tmp_path):
    save_picture(tmp_path / "whole.png", COLOURED)
    whole = (tmp_path / "whole.png").read_bytes()
    header = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    bomb = whole[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]
    for name, content, word in (
        ("empty.png", b"", "empty"),
        ("text.png", b"this is no picture at all", "not a picture"),
        ("short.png", whole[: len(whole) // 2], "cut short"),
        ("bomb.png", bomb, "claims"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError, match=word) as raised:
            open_picture(tmp_path / name)
        assert name in str(raised.value)
        assert "\n" not in str(raised.value)
    with pytest.raises(FileError, match="there is no file"):
        open_picture(tmp_path / "none.png")
    with pytest.raises(FileError, match="folder"):
        open_picture(tmp_path)


def test_an_unknown_ending_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"\.png"):
        save_picture(tmp_path / "a.xyz", COLOURED)
