import struct
import sys

import numpy as np
import pytest

from isthmus.data.signals import Signal, open_signal, open_wholes, write_signal, write_wholes
from isthmus.errors import DataError, FileError, UsageError

pytest.importorskip("soundfile")


def tone(length=500, channels=1):
    return (0.5 * np.sin(np.arange(length * channels) / 7)).astype(np.float32).reshape(length, channels)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.aiff"])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_goes_to_a_file_and_back(tmp_path, name, channels):
    write_signal(tmp_path / name, Signal(tone(4000, channels), 22050))
    again = open_signal(tmp_path / name)
    assert again.rate == 22050
    assert again.samples.shape == (4000, channels)
    assert np.abs(again.samples - tone(4000, channels)).max() < (0.1 if name == "a.ogg" else 1e-4)


@pytest.mark.parametrize(("bits", "name"), [(8, "a.wav"), (16, "a.wav"), (24, "a.flac"), (32, "a.wav"), (8, "a.flac")])
def test_whole_samples_come_back_exactly(tmp_path, bits, name):
    samples = np.random.default_rng(0).integers(-(1 << (bits - 1)), 1 << (bits - 1), (300, 2)).astype(np.int32)
    write_wholes(tmp_path / name, samples, 8000, bits)
    again, rate, found = open_wholes(tmp_path / name)
    assert np.array_equal(again, samples)
    assert (rate, found) == (8000, bits)


def test_what_is_too_loud_is_clipped(tmp_path):
    write_signal(tmp_path / "a.wav", Signal(np.array([[2.0], [-3.0]], np.float32), 8000))
    assert np.abs(open_signal(tmp_path / "a.wav").samples).max() <= 1


def test_a_format_that_cannot_be_kept_becomes_one_that_can(tmp_path):
    write_signal(tmp_path / "a.flac", Signal(tone(), 8000, "FLOAT"))
    assert open_signal(tmp_path / "a.flac").bits == 16


def spoilt(kind):
    header = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    return {
        "empty": b"",
        "text": b"this is no sound at all, and it is longer than a header",
        "cut in the header": header[:20],
        "no samples": header + b"data" + struct.pack("<I", 0),
        "no channels": header[:22] + b"\0\0" + header[24:] + b"data" + struct.pack("<I", 4) + b"abcd",
    }[kind]


@pytest.mark.parametrize("kind", ["empty", "text", "cut in the header", "no samples", "no channels"])
def test_a_broken_file_is_one_line(tmp_path, kind):
    path = tmp_path / "broken.wav"
    path.write_bytes(spoilt(kind))
    with pytest.raises(DataError) as caught:
        open_signal(path)
    assert "broken.wav" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_that_says_too_much_ends_where_the_file_does_or_in_a_line(tmp_path):
    header = b"RIFF" + struct.pack("<I", 0xFFFFFFF0) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack("<I", 0xFFFFFF00)
    (tmp_path / "huge.wav").write_bytes(header + b"\1\0" * 50)
    assert open_signal(tmp_path / "huge.wav").samples.shape == (50, 1)


@pytest.mark.parametrize("name", ["cut.flac", "cut.ogg"])
def test_a_file_cut_short_is_read_as_far_as_it_goes_or_is_one_line(tmp_path, name):
    write_signal(tmp_path / name, Signal(tone(30000), 8000))
    whole = (tmp_path / name).read_bytes()
    for end in (10, 60, len(whole) // 2):
        (tmp_path / name).write_bytes(whole[:end])
        try:
            assert len(open_signal(tmp_path / name).samples) <= 30000
        except DataError as error:
            assert name in str(error)
            assert "\n" not in str(error)


def test_samples_that_are_no_numbers_are_refused(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), 8000, subtype="FLOAT")
    with pytest.raises(DataError, match="not numbers"):
        open_signal(tmp_path / "nan.wav")
    with pytest.raises(DataError, match="not whole numbers"):
        open_wholes(tmp_path / "nan.wav")


def test_no_file_another_ending_and_too_many_bits_are_one_line_each(tmp_path):
    with pytest.raises(FileError, match="no file"):
        open_signal(tmp_path / "none.wav")
    with pytest.raises(UsageError, match=r"\.wav"):
        write_signal(tmp_path / "a.txt", Signal(tone(), 8000))
    with pytest.raises(UsageError, match="32-bit"):
        write_wholes(tmp_path / "a.flac", np.zeros((3, 1), np.int32), 8000, 32)


def test_without_soundfile_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(UsageError, match="pip install"):
        open_signal(tmp_path / "a.wav")
