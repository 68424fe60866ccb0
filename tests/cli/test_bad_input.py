"""Whatever is wrong with what a user brings ends in one clear line, exit 1 or 2, and no half-written file."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

HEADER = "area,rooms,zone,pool,sold,price\n"
ROW = "120.5,3,hill,N,2010-05-01,250000\n"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(64)


def furnish(folder: Path, good_table: Path) -> None:
    """Put a good table and the broken ones into `folder`."""
    shutil.copy(good_table, folder / "houses.csv")
    texts = {
        "empty.csv": "",
        "header-only.csv": HEADER,
        "ragged.csv": HEADER + ROW + "1,2\n" + ROW,
        "not-parquet.parquet": HEADER + ROW,
        "unknown.xlsx": HEADER + ROW,
        "double.csv": "area,area\n1,2\n3,4\n",
        "identifiers.csv": "id,code\n" + "".join(f"{i},k{i:06d}x\n" for i in range(50)),
        "infinite.csv": "a,b\n1,2\ninf,3\n4,4\n5,1\n",
        "all-missing.csv": "a,b\n?,NA\n,\n",
        "strangers.csv": "height,weight\n1,2\n3,4\n",
        "words-for-numbers.csv": HEADER + ROW + ROW.replace("120.5", "large"),
        "text-codes.csv": "z0,z1,z2,z3\na,b,c,d\n",
        "broken.json": '{"variables": [',
        "broken.toml": "[[variables]\n",
        "unknown-kind.json": json.dumps({"variables": [{"kind": "colour", "name": "area"}]}),
        "schema.yaml": "variables: []\n",
        "note.isthmus": "this is no model\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "latin1.csv").write_bytes((HEADER + ROW.replace("hill", "hügel")).encode("latin-1"))
    (folder / "picture.isthmus").write_bytes(PNG)
    (folder / "picture.npy").write_bytes(PNG)
    np.save(folder / "narrow.npy", np.zeros((5, 3), dtype=np.float32))
    np.save(folder / "pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (folder / "a-folder.csv").mkdir()


def break_model(good: Path, folder: Path) -> None:
    """Put a good model and the broken ones into `folder`."""
    data = good.read_bytes()
    (folder / "good.isthmus").write_bytes(data)
    (folder / "cut.isthmus").write_bytes(data[: len(data) * 2 // 3])
    (folder / "stump.isthmus").write_bytes(data[:5])
    flipped = bytearray(data)
    flipped[-100] ^= 0b00010000
    (folder / "flipped.isthmus").write_bytes(flipped)
    with safe_open(good, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = file.metadata()
    save_file(tensors, folder / "other-program.isthmus", metadata={"format": "pt"})
    save_file(tensors, folder / "newer.isthmus", metadata={**about, "isthmus": "999"})


FIT = "-o m.isthmus --epochs 1"

# What is wrong: (command, exit code, what its one line must say)
DATA = {
    "missing file": (f"fit nowhere.csv {FIT}", 1, "no such file"),
    "empty file": (f"fit empty.csv {FIT}", 1, "empty"),
    "header only": (f"fit header-only.csv {FIT}", 1, "0 sample"),
    "unknown extension": (f"fit unknown.xlsx {FIT}", 2, "unknown extension"),
    "data is a folder": (f"fit a-folder.csv {FIT}", 1, "is a folder"),
    "ragged line": (f"fit ragged.csv {FIT}", 1, "line 3"),
    "not UTF-8": (f"fit latin1.csv {FIT}", 1, "UTF-8"),
    "not Parquet": (f"fit not-parquet.parquet {FIT}", 1, "no Parquet file"),
    "duplicate columns": (f"fit double.csv {FIT}", 1, "'area'"),
    "all columns identifiers": (f"fit identifiers.csv {FIT}", 1, "no column is left"),
    "all cells missing": (f"fit all-missing.csv {FIT}", 1, "no column is left"),
    "infinite number": (f"fit infinite.csv {FIT}", 1, "column 'a'"),
    "unknown column in --drop": (f"fit houses.csv {FIT} --drop ara", 2, "did you mean 'area'"),
    "unknown column in --columns": (f"fit houses.csv {FIT} --columns aera", 2, "did you mean 'area'"),
    "unknown column in --condition": (f"fit houses.csv {FIT} --condition nope", 2, "'nope'"),
    "all columns dropped": (
        f"fit houses.csv {FIT} --drop area rooms zone pool sold price",
        1,
        "no column is left",
    ),
    "unknown prior": (f"fit houses.csv {FIT} --prior flat", 2, "'flat'"),
    "a prior beside masks": (f"fit houses.csv {FIT} --prior learnt --corrupt mask", 2, "leave one of them out"),
    "unknown code": (f"fit houses.csv {FIT} --code thick:4", 2, "'thick:4'"),
    "code size 0": (f"fit houses.csv {FIT} --code dense:0", 2, "size is 0"),
    "bad word in code": (f"fit houses.csv {FIT} --code sparse:8:q=2", 2, "'q=2'"),
    "bad corruption": (f"fit houses.csv {FIT} --corrupt acid", 2, "'acid'"),
    "bad noise": (f"fit houses.csv {FIT} --corrupt noise:0.5-0.1", 2, "noise"),
    "bad budget": (f"fit houses.csv {FIT} --budget soon", 2, "'soon'"),
    "zero budget": ("fit houses.csv -o m.isthmus --budget 0s", 2, "budget"),
    "bad epochs": ("fit houses.csv -o m.isthmus --epochs none", 2, "'none' is not a whole number"),
    "bad seed": (f"fit houses.csv {FIT} --seed -1", 2, "--seed"),
    "bad device": (f"fit houses.csv {FIT} --device abacus", 2, "'abacus'"),
    "nothing to resume": (f"fit houses.csv {FIT} --resume yes", 2, "unrecognized arguments: yes"),
    "JSON schema broken": (f"fit houses.csv {FIT} --schema broken.json", 1, "broken.json"),
    "TOML schema broken": (f"fit houses.csv {FIT} --schema broken.toml", 1, "broken.toml"),
    "unknown kind in schema": (
        f"fit houses.csv {FIT} --schema unknown-kind.json",
        1,
        "unknown kind 'colour'",
    ),
    "schema missing": (f"fit houses.csv {FIT} --schema nowhere.toml", 1, "nowhere.toml"),
    "schema of unknown extension": (f"fit houses.csv {FIT} --schema schema.yaml", 2, "unknown extension"),
    "output folder missing": ("fit houses.csv -o nowhere/m.isthmus", 1, "there is no folder"),
    "output is a folder": ("fit houses.csv -o a-folder.csv", 1, "is a folder"),
    "output is the input": ("fit houses.csv -o houses.csv", 2, "is read by this command"),
}

SAMPLE = "sample good.isthmus -n 3 -o out.csv"
AMPLIFY = "amplify good.isthmus houses.csv -o out.csv"
MODEL = {
    "model missing": ("inspect nowhere.isthmus", 1, "nowhere.isthmus"),
    "model is a folder": ("inspect a-folder.csv", 1, "a-folder.csv"),
    "model cut short": ("inspect cut.isthmus", 1, "cut"),
    "model all but gone": ("inspect stump.isthmus", 1, "stump.isthmus"),
    "model with a flipped bit": ("inspect flipped.isthmus", 1, "flipped.isthmus"),
    "model of a newer version": ("inspect newer.isthmus", 1, "newer"),
    "safetensors of another program": ("inspect other-program.isthmus", 1, "other-program.isthmus"),
    "a picture for a model": ("inspect picture.isthmus", 1, "picture.isthmus"),
    "a text for a model": ("inspect note.isthmus", 1, "note.isthmus"),
    "a table for a model": ("inspect houses.csv", 1, "houses.csv"),
    "no column of the model": ("encode good.isthmus strangers.csv -o out.npy", 1, "none of the"),
    "text in a number column": ("impute good.isthmus words-for-numbers.csv -o out.csv", 1, "'large'"),
    "interval of percent": ("impute good.isthmus houses.csv -o out.csv --uncertainty --interval 90", 2, "'90'"),
    "unknown impute method": ("impute good.isthmus houses.csv -o out.csv --method median", 2, "'median'"),
    "draws of means": ("impute good.isthmus houses.csv -o out.csv --draws 2 --method mean", 2, "--method mean"),
    "codes of the wrong width": ("decode good.isthmus narrow.npy -o out.csv", 1, "3"),
    "codes of text": ("decode good.isthmus text-codes.csv -o out.csv", 1, "holds text"),
    "codes with a pickle": ("decode good.isthmus pickled.npy -o out.csv", 1, "pickled.npy"),
    "a picture for codes": ("decode good.isthmus picture.npy -o out.csv", 1, "picture.npy"),
    "unknown output extension": ("encode good.isthmus houses.csv -o out.doc", 2, "unknown extension"),
    "unknown --color": ("map good.isthmus houses.csv -o out.png --color hue", 2, "--color hue"),
    "unknown --given column": (f"{SAMPLE} --given garage=1", 2, "no such column"),
    "impossible --given value": (f"{SAMPLE} --given zone=moon", 2, "'moon' was never seen"),
    "impossible --given range": (f"{SAMPLE} --given price=9..1", 2, "holds no value"),
    "--given out of all range": (f"{SAMPLE} --given price=90000000..", 2, "holds no value"),
    "text for a --given number": (f"{SAMPLE} --given price=cheap", 2, "'cheap'"),
    "malformed --given": (f"{SAMPLE} --given zone", 2, "write COL=VALUE"),
    "a prior of a model without": (f"{SAMPLE} --prior learnt", 2, "this model has none"),
    "--rows of one row": ("interpolate good.isthmus houses.csv --rows 3 -o out.csv", 2, "'3' is not two row numbers"),
    "--rows beyond the table": ("interpolate good.isthmus houses.csv --rows 3,900 -o out.csv", 2, "no row 900"),
    "no --steps": ("interpolate good.isthmus houses.csv --rows 3,9 --steps 0 -o out.csv", 2, "--steps"),
    "unknown --target": ("evaluate good.isthmus houses.csv --target hue", 2, "'hue'"),
    "two made-up rows": ("evaluate good.isthmus houses.csv --synthetic strangers.csv", 1, "made-up rows are too few"),
    "unknown extension of an evaluation": ("evaluate good.isthmus houses.csv -o a.txt", 2, "unknown ext"),
    "one model to compare": ("compare good.isthmus houses.csv", 2, "two models or more"),
    "unknown extension of a comparison": ("compare good.isthmus good.isthmus houses.csv -o a.txt", 2, "unknown ext"),
    "codes of another width to align": ("align good.isthmus good.isthmus narrow.npy -o out.npy", 1, "numbers a row"),
    "rows align with no codes file": ("align good.isthmus good.isthmus nowhere.npy -o out.npy", 1, "no such file"),
    "a linear map learnt from nothing": (
        "align good.isthmus good.isthmus narrow.npy -o out.npy --method linear",
        1,
        "numbers a row",
    ),
    "malformed --where": (f"{AMPLIFY} --where pool --to 0.5", 2, "--where pool: write COL=VALUE"),
    "unknown --where column": (f"{AMPLIFY} --where garage=1 --to 0.5", 2, "no such column"),
    "share of more than all": (f"{AMPLIFY} --where pool=Y --to 1.5", 2, "not a share"),
    "share that is there already": (f"{AMPLIFY} --where pool=Y --to 0.01", 2, "already"),
    "mark that is a column": (f"{AMPLIFY} --where pool=Y --to 0.5 --mark zone", 2, "'zone'"),
    "impossible share of false repairs": (
        "clean good.isthmus houses.csv -o out.csv --share-of-false-repairs 5",
        2,
        "'5' is not a share",
    ),
    "unknown --denoise column": ("clean good.isthmus houses.csv -o out.csv --denoise garage", 2, "denoise 'garage'"),
    "words to --denoise": ("clean good.isthmus houses.csv -o out.csv --denoise zone", 2, "no column of numbers"),
    "changes named as the table": ("clean good.isthmus houses.csv -o out.csv --changes out.csv", 2, "another name"),
    "--suggest beside --denoise": (
        "clean good.isthmus houses.csv -o out.csv --suggest --denoise area",
        2,
        "say one of them",
    ),
    "negative -n": ("sample good.isthmus -n -3 -o out.csv", 2, "-3 is not a whole number"),
    "share of all": ("outliers good.isthmus houses.csv -o out.csv --share 1", 2, "is not a share"),
    "two thresholds": (
        "outliers good.isthmus houses.csv -o out.csv --share 0.1 --false-alarms 0.1",
        2,
        "give one of --share",
    ),
    "output folder missing": ("sample good.isthmus -n 3 -o nowhere/out.csv", 1, "there is no folder"),
}


def assert_one_clear_line(ended, code, says):
    assert ended.err.count("\n") == 1, ended.err
    assert ended.err.startswith("isthmus: ")
    assert "unexpected" not in ended.err
    assert says in ended.err
    assert ended.code == code
    assert ended.out == ""


@pytest.mark.parametrize("fault", DATA)
def test_a_fault_in_the_data_or_options(isthmus, tmp_path, houses_csv, fault):
    furnish(tmp_path, houses_csv)
    before = sorted(tmp_path.rglob("*"))
    command, code, says = DATA[fault]
    assert_one_clear_line(isthmus(*command.split()), code, says)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("fault", MODEL)
def test_a_fault_in_what_a_fitted_model_is_given(isthmus, tmp_path, houses_csv, houses_model, fault):
    furnish(tmp_path, houses_csv)
    break_model(houses_model, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    command, code, says = MODEL[fault]
    assert_one_clear_line(isthmus(*command.split()), code, says)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failed_run_leaves_the_old_file(isthmus, tmp_path, houses_csv):
    furnish(tmp_path, houses_csv)
    (tmp_path / "m.isthmus").write_text("the old model")
    assert isthmus("fit", "ragged.csv", "-o", "m.isthmus").code == 1
    assert (tmp_path / "m.isthmus").read_text() == "the old model"
