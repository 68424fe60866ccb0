"""``compress`` and ``decompress`` in the shell."""

import json

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import soundfile
from sklearn.datasets import load_sample_images


@pytest.fixture
def packed(isthmus, houses_csv):
    assert isthmus("compress", houses_csv, "-o", "h.isz", "-q").code == 0
    return "h.isz"


@pytest.mark.parametrize("out", ["again.csv", "again.parquet", "again.json", "again.csv.gz", "again.tsv"])
def test_a_table_comes_back_in_any_format(isthmus, packed, houses_csv, tmp_path, out):
    ended = isthmus("decompress", packed, "-o", out)
    if out.endswith(".tsv"):
        assert ended.code == 2
        return
    assert (ended.code, ended.err) == (0, f"wrote {out}: 160 rows\n")
    read = {"csv": pd.read_csv, "gz": pd.read_csv, "parquet": pd.read_parquet, "json": pd.read_json}
    again = read[out.rpartition(".")[2]](tmp_path / out)
    want = pd.read_csv(houses_csv)
    assert again["area"].tolist() == want["area"].tolist()
    assert again["zone"].fillna("").tolist() == want["zone"].fillna("").tolist()
    if out == "again.csv":
        pd.testing.assert_frame_equal(again, want)


def test_it_says_what_it_wrote_and_what_each_column_takes(isthmus, houses_csv):
    ended = isthmus("compress", houses_csv, "-o", "h.isz", "--json", "-q")
    facts = json.loads(ended.out)
    assert facts["was"] == houses_csv.stat().st_size > facts["bytes"]
    told = json.loads(isthmus("inspect", "h.isz", "--json").out)
    assert told["rows"] == 160
    assert [row["column"] for row in told["columns"]] == ["area", "rooms", "zone", "pool", "sold", "price"]
    shown = isthmus("inspect", "h.isz")
    assert shown.code == 0
    assert "160 rows" in shown.out
    assert "follows from" in shown.out


def test_some_rows_only(isthmus, packed, houses_csv, tmp_path):
    assert isthmus("decompress", packed, "-o", "few.csv", "--rows", "3:5").code == 0
    assert pd.read_csv(tmp_path / "few.csv")["area"].tolist() == pd.read_csv(houses_csv)["area"].iloc[3:5].tolist()


def test_within_a_tolerance(isthmus, houses_csv, tmp_path):
    assert isthmus("compress", houses_csv, "-o", "n.isz", "--tolerance", "area=2", "-q").code == 0
    assert isthmus("decompress", "n.isz", "-o", "n.csv", "-q").code == 0
    apart = (pd.read_csv(tmp_path / "n.csv")["area"] - pd.read_csv(houses_csv)["area"]).abs()
    assert 0 < apart.max() <= 2 + 1e-9


def test_a_curve_is_drawn(isthmus, houses_csv, tmp_path):
    ended = isthmus("compress", houses_csv, "-o", "h.isz", "--curve", "h.png", "--budget", 1, "--json", "-q")
    curve = json.loads(ended.out)["curve"]
    assert [row["tolerance"] for row in curve] == [0.0, 0.001, 0.003, 0.01, 0.03, 0.1]
    assert curve[-1]["isthmus"] < curve[0]["isthmus"]
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["decompress", "h.isz", "-o", "x.csv", "--rows", "5"], 2, "--rows 5: give A:B, rows counted from 0"),
        (["decompress", "h.isz", "-o", "x.csv", "--rows", "500:600"], 2, "'h.isz' has 160 rows, none of them from 500"),
        (["decompress", "nowhere.isz", "-o", "x.csv"], 1, "'nowhere.isz': no such file"),
        (["decompress", "h.isz", "-o", "x.docx"], 2, "'x.docx': unknown extension"),
        (["compress", "DATA", "-o", "x.zip"], 2, "'x.zip': unknown extension; known are .isz"),
        (["compress", "DATA", "-o", "x.isz", "--tolerance", "much"], 2, "--tolerance much: give a share such as 0.01"),
        (["compress", "DATA", "-o", "x.isz", "--tolerance", "0.1", "area=1"], 2, "give one share for all columns, or"),
        (["compress", "DATA", "-o", "x.isz", "--tolerance", "zone=1"], 2, "it holds no numbers; a category is always"),
    ],
)
def test_what_is_wrong_gets_one_line(isthmus, packed, houses_csv, tmp_path, words, code, line):
    ended = isthmus(*[houses_csv if word == "DATA" else word for word in words])
    assert ended.code == code
    assert line in ended.err
    assert ended.err.count("\n") == 1
    assert not [path for path in tmp_path.iterdir() if path.name != "h.isz"]


def test_a_damaged_file_is_salvaged_only_when_asked(isthmus, packed, tmp_path):
    data = (tmp_path / packed).read_bytes()
    (tmp_path / packed).write_bytes(data[:-10])
    ended = isthmus("decompress", packed, "-o", "x.csv")
    assert ended.code == 1
    assert "--salvage" in ended.err
    assert not (tmp_path / "x.csv").exists()
    ended = isthmus("decompress", packed, "-o", "x.csv", "--salvage")
    assert ended.code == 0
    assert "warning: 'h.isz': its end is missing or damaged, after 1 blocks" in ended.err
    assert len(pd.read_csv(tmp_path / "x.csv")) == 160


@pytest.fixture
def tone(tmp_path):
    time = np.arange(12_000) / 8000
    wave = 9000 * np.sin(2 * np.pi * 440 * time) + np.random.default_rng(0).normal(0, 300, len(time))
    soundfile.write(tmp_path / "tone.wav", wave.astype(np.int16), 8000)
    return tmp_path / "tone.wav"


@pytest.fixture
def photo(tmp_path):
    PIL.Image.fromarray(load_sample_images().images[0][100:228, 200:360]).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_sound_comes_back_exactly_where_no_quality_is_asked_for(isthmus, tone, tmp_path):
    assert isthmus("compress", tone, "-o", "t.isz").code == 0
    assert isthmus("decompress", "t.isz", "-o", "again.wav").err == "wrote again.wav: 1.5 s at 8,000 samples a second\n"
    was, now = (soundfile.read(path, dtype="int16")[0] for path in (tone, tmp_path / "again.wav"))
    assert np.array_equal(was, now)
    assert "sound" in isthmus("inspect", "t.isz").out


@pytest.mark.parametrize("words", [[], ["--perceptual"]])
def test_a_sound_of_a_quality_takes_less_the_lower_it_is(isthmus, tone, words):
    sizes = []
    for quality in (1, 4, 7):
        ended = isthmus("compress", tone, "-o", "t.isz", "--quality", quality, "--json", *words)
        sizes.append(json.loads(ended.out)["bytes"])
    assert sizes == sorted(sizes)
    assert isthmus("decompress", "t.isz", "-o", "again.flac").code == 0


@pytest.mark.parametrize("words", [["--quality", "2"], ["--quality", "6"], ["--perceptual"], ["--size", "2500"]])
def test_a_picture_comes_back_alike(isthmus, photo, tmp_path, words):
    facts = json.loads(isthmus("compress", photo, "-o", "p.isz", "--json", *words).out)
    assert facts["bytes"] < facts["was"] / 4
    assert facts["bytes"] < 3000 or "--size" not in words
    assert isthmus("decompress", "p.isz", "-o", "again.png").err == "wrote again.png: 160 x 128 pixels\n"
    was, now = (np.asarray(PIL.Image.open(path), float) for path in (photo, tmp_path / "again.png"))
    assert np.abs(was - now).mean() < 12


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["compress", "PHOTO", "-o", "x.isz", "--quality", "9"], 2, "there is no quality 9: choose one from 1 to 8"),
        (["compress", "PHOTO", "-o", "x.isz", "--tolerance", "0.1"], 2, "a picture or sound has a quality"),
        (["compress", "DATA", "-o", "x.isz", "--quality", "3"], 2, "a table has a tolerance"),
        (["compress", "TONE", "-o", "x.isz", "--size", "300"], 2, "a sound is compressed to a quality"),
        (["compress", "broken.png", "-o", "x.isz"], 1, "'broken.png' is not a picture that can be read"),
        (["compress", "broken.wav", "-o", "x.isz"], 1, "'broken.wav' cannot be read as sound"),
        (["compress", "no.png", "-o", "x.isz"], 1, "there is no file 'no.png'"),
        (["decompress", "p.isz", "-o", "x.csv"], 2, "'p.isz' holds a picture; known are .png"),
        (["decompress", "p.isz", "-o", "x.png", "--rows", "1:2"], 2, "'p.isz' holds a picture, not a table"),
        (["decompress", "h.isz", "-o", "x.png"], 2, "'h.isz' holds a table; known are .csv"),
    ],
)
def test_what_is_wrong_with_pictures_and_sounds_gets_one_line(
    isthmus, packed, houses_csv, photo, tone, tmp_path, words, code, line
):
    (tmp_path / "broken.png").write_bytes(b"no picture at all")
    (tmp_path / "broken.wav").write_bytes(b"no sound at all")
    assert isthmus("compress", photo, "-o", "p.isz", "-q").code == 0
    ended = isthmus(*[{"DATA": houses_csv, "PHOTO": photo, "TONE": tone}.get(word, word) for word in words])
    assert ended.code == code
    assert line in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "x.isz").exists()
