"""``isthmus fit --corrupt diffusion`` and ``isthmus sample`` of pictures."""

import numpy as np
from PIL import Image


def test_the_command_line_fits_makes_and_shows(isthmus, tmp_path) -> None:
    rows, columns = np.mgrid[:16, :16]
    for number, label in enumerate(["across", "down"] * 8):
        picture = np.where((rows if label == "across" else columns) % 8 < 4, 230, 20).astype(np.uint8)
        (tmp_path / "in" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "in" / label / f"{number}.png")
    folder = str(tmp_path / "in")
    assert isthmus("fit", folder, "-o", "m.isthmus", "--corrupt", "diffusion", "--budget", "2s", "-q").code == 0
    assert "2 labels: across, down" in isthmus("inspect", "m.isthmus").out
    short = ("--steps", "3")
    for out in ("a.png", "a.gif", "a.npy", "folder"):
        ended = isthmus("sample", "m.isthmus", "-n", "4", "-o", out, "--given", "label=down", *short)
        assert (ended.code, ended.err.strip()) == (0, f"wrote {out}: 4 pictures")
    assert Image.open("a.gif").n_frames == 4
    assert np.load("a.npy").shape == (4, 256)
    assert Image.open("folder/3.png").size == (16, 16)
    assert isthmus("sample", "m.isthmus", "-n", "2", "-o", "way.png", "--watch", *short).code == 0
    for words, message in (
        (("sample", "m.isthmus", "-n", "4", "-o", "a.csv"), "makes pictures"),
        (("sample", "m.isthmus", "-n", "4", "-o", "a.png", "--given", "label=up"), "there is no such label"),
        (("sample", "m.isthmus", "-n", "4", "-o", "a.png", "--given", "x=1"), "write label=NAME"),
        (("sample", "m.isthmus", "-n", "4", "-o", "b", "--watch"), "name a .png or a .gif"),
        (("fit", folder, "-o", "n.isthmus", "--corrupt", "diffusion", "--code", "2"), "--code is not for diffusion"),
    ):
        ended = isthmus(*words)
        assert ended.code in (1, 2)
        assert message in ended.err
