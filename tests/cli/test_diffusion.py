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
    coded = ("--corrupt", "diffusion", "--code", "3", "--budget", "2s", "-q")
    assert isthmus("fit", folder, "-o", "coded.isthmus", *coded).code == 0
    assert "through codes of 3 x 2 x 2, by which pixels are off by" in isthmus("inspect", "coded.isthmus").out
    assert not list(tmp_path.glob("coded.isthmus.*"))
    short = ("--steps", "3")
    assert isthmus("sample", "coded.isthmus", "-n", "4", "-o", "coded.png", *short).code == 0
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
        (
            ("fit", folder, "-o", "n.isthmus", "--corrupt", "diffusion", "--epochs", "2"),
            "--epochs is not for diffusion",
        ),
        (("fit", folder, "-o", "n.isthmus", "--corrupt", "diffusion", "--code", "dense"), "give how many, such as 4"),
    ):
        ended = isthmus(*words)
        assert ended.code in (1, 2)
        assert message in ended.err
