"""``isthmus amplify``: the data first and unchanged, then made-up rows of the kind."""

import json

import pandas as pd
import pytest


def read(path):
    return pd.read_csv(path)


def test_the_kind_gets_its_share(isthmus, tmp_path, houses_csv, houses_model):
    ended = isthmus("amplify", houses_model, houses_csv, "-o", "more.csv", "--where", "pool=Y", "--to", 0.5)
    assert ended.code == 0, ended.err
    before, after = read(houses_csv), read(tmp_path / "more.csv")
    assert list(after) == [*before, "synthetic"]
    assert abs((after["pool"] == "Y").sum() - len(after) / 2) <= 1
    assert after["synthetic"].sum() == len(after) - len(before)
    assert (after.loc[after["synthetic"], "pool"] == "Y").all()
    pd.testing.assert_frame_equal(after.iloc[: len(before)][list(before)], before, check_dtype=False)


def test_several_columns_and_ranges_make_a_kind(isthmus, tmp_path, houses_csv, houses_model):
    words = ["--where", "zone=hill|centre", "price=300000..", "--to", 0.4, "--mark", "made_up", "--json", "--quiet"]
    ended = isthmus("amplify", houses_model, houses_csv, "-o", "more.csv", *words)
    assert ended.code == 0, ended.err
    after = read(tmp_path / "more.csv")
    made = after[after["made_up"]]
    assert made["zone"].isin(["hill", "centre"]).all()
    assert (made["price"] >= 300_000).all()
    assert json.loads(ended.out) == {"out": "more.csv", "rows": len(after), "added": len(made)}


@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)])
def test_the_seed_decides(isthmus, tmp_path, houses_csv, houses_model, seeds):
    for name, seed in zip("ab", seeds, strict=True):
        words = ["--where", "pool=Y", "--to", 0.4, "--seed", seed]
        assert isthmus("amplify", houses_model, houses_csv, "-o", f"{name}.csv", *words).code == 0
    same = (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert same == (seeds[0] == seeds[1])
