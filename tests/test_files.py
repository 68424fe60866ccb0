"""A file is written whole or not at all."""

import numpy as np
import pytest

from isthmus.errors import FileError
from isthmus.files import writing


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "t.csv.gz"
    with writing(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".csv.gz")
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"


def test_the_old_file_survives_a_failure(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), writing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with writing(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_others_may_read_a_file_as_they_may_any_new_one_or_as_they_could_before(tmp_path):
    (tmp_path / "any").touch()
    new = tmp_path / "new"
    for mode in ((tmp_path / "any").stat().st_mode, 0o100640):
        with writing(new) as temporary:
            temporary.touch(0o600)
        assert new.stat().st_mode == mode
        new.chmod(0o640)


def test_a_device_is_written_to_and_not_replaced():
    with writing("/dev/null") as temporary:
        temporary.write_text("gone")
        assert str(temporary) == "/dev/null"


def test_what_cannot_be_written_gets_one_line(tmp_path):
    with pytest.raises(FileError, match="is a folder"), writing(tmp_path):
        pass
    with pytest.raises(FileError, match="there is no folder"), writing(tmp_path / "none" / "t"):
        pass
    with pytest.raises(FileError, match="cannot be written: disk full"), writing(tmp_path / "t"):
        raise OSError(28, "disk full")


def test_what_a_killed_run_left_half_written_is_nobodys_picture_sound_or_table(tmp_path):
    from isthmus.data.gallery import open_pictures
    from isthmus.data.images import save_picture
    from isthmus.data.parts import Parts
    from isthmus.endings import media_in

    (tmp_path / "deep").mkdir()
    save_picture(tmp_path / "deep" / "whole.png", np.zeros((16, 16, 1), np.uint8))
    for name in ("whole.png", "tone.wav"):
        (tmp_path / f".0a1b2c3d.{name}").write_bytes(b"half")
    assert [path.name for path in media_in(tmp_path)] == ["whole.png"]
    assert len(open_pictures(tmp_path).planes) == 1
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / ".0a1b2c3d.t.csv").write_text("a,")
    assert Parts.open(tmp_path).rows == 1
