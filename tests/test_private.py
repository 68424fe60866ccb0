"""A model fitted with differential privacy holds nothing of its rows but what noise lets through, and says so."""

import dataclasses
import json
import struct

import numpy as np
import pandas as pd
import pytest

import isthmus as im
from isthmus import store
from isthmus.cli.main import main
from isthmus.data.parts import Parts
from isthmus.errors import IsthmusWarning, UsageError
from isthmus.settings import read_settings
from isthmus.tasks import fit_private
from isthmus.tasks.privacy import Wanted

pytest.importorskip("opacus")

QUICK = {"width": 16, "blocks": 1, "epochs": 1, "batch_size": 64}
ROWS = 400
SCHEMA = im.Schema.from_dict(
    {
        "variables": [
            {
                "kind": "category",
                "name": "job",
                "dtype": "string",
                "missing": False,
                "values": ["cook", "nurse", "tiler"],
            },
            {"kind": "number", "name": "pay", "dtype": "double", "missing": True, "low": 0.0, "high": 100.0},
            {"kind": "count", "name": "rooms", "dtype": "int64", "missing": True, "low": 0.0, "high": 20.0},
            {"kind": "boolean", "name": "late", "dtype": "string", "missing": False, "values": ["no", "yes"]},
            {"kind": "text", "name": "note", "dtype": "string", "missing": False, "reason": "a person's name"},
        ]
    }
)


def people(seed=0, rows=ROWS):
    """Make people, one of whom is like no other."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "job": rng.choice(["cook", "nurse", "tiler"], rows),
            "pay": rng.uniform(10, 60, rows),
            "rooms": rng.integers(1, 6, rows),
            "late": rng.choice(["no", "yes"], rows),
            "note": [f"person {seed} {i}" for i in range(rows)],
        }
    )
    frame.loc[7, ["job", "pay", "note"]] = ["spymaster", 4321.0987, "Mata Hari"]
    return frame


def fitted(frame, seed=None, epsilon=5.0, **more):
    model = im.Autoencoder(schema=SCHEMA, dp_epsilon=epsilon, **QUICK | more)
    asked = read_settings(model)
    return model.learn(frame, dataclasses.replace(asked, private=Wanted(epsilon, None, seed)))


@pytest.fixture(scope="module", autouse=True)
def fewer():
    """Make few rows up: enough for whether a promise is kept, and quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_private, "trial_cells", lambda settings: 2000)
        patch.setattr(fit_private, "DRAWN", 512)
        patch.setattr(fit_private, "MADE", 512)
        yield


@pytest.fixture(scope="module")
def model(fewer):
    with pytest.warns(IsthmusWarning):  # what the schema does not have is told to who holds the rows
        return fitted(people())


def told(model, path):
    model.save(path)
    return path.read_bytes()


def numbers_in(data, numbers):
    """Count the numbers that stand in a file, as float64, float32 or in words."""
    forms = [[struct.pack("<d", x), struct.pack("<f", x), repr(float(x)).encode()] for x in numbers]
    return sum(any(form in data for form in each) for each in forms)


def values_of(path):
    """All numbers of a file: those among its facts, then those of its tensors, as one array."""
    _, facts, tensors = store.read(path)

    def walk(fact):
        if isinstance(fact, dict):
            fact = list(fact.values())
        if isinstance(fact, list):
            return [number for part in fact for number in walk(part)]
        return [float(fact)] if isinstance(fact, int | float) else []

    return np.concatenate([walk(facts), *(tensor.double().numpy().ravel() for tensor in tensors.values())])


def test_no_value_of_a_row_is_in_the_file(model, tmp_path):
    data = told(model, tmp_path / "private.isthmus")
    for word in (b"spymaster", b"Mata", b"person 0", b"4321.0987"):
        assert word not in data
    # The odd pay rounded to a whole number would tell who it is too. Digits alone prove nothing: among thousands of
    # digits of a sum of noise, four in a row come by chance in one file of five.
    assert not np.isin(np.floor(values_of(tmp_path / "private.isthmus")), [4321]).any()
    assert numbers_in(data, people()["pay"]) == 0
    made = model.sample(500)
    assert set(made["job"]) <= {"cook", "nurse", "tiler"}
    assert made["pay"].max() <= 100


def test_the_same_search_finds_them_in_a_usual_model(tmp_path):
    data = told(im.Autoencoder(**QUICK).fit(people()), tmp_path / "usual.isthmus")
    assert b"spymaster" in data
    assert np.isin(np.floor(values_of(tmp_path / "usual.isthmus")), [4321]).any()
    assert numbers_in(data, people()["pay"]) > ROWS / 2


def test_rows_reach_a_model_through_noise_alone(tmp_path, monkeypatch):
    """With what is counted and stepped on exchanged for other rows, two tables give the same model, bit by bit."""
    other = np.column_stack([np.arange(ROWS) % 3, np.linspace(1, 99, ROWS), np.arange(ROWS) % 20, np.arange(ROWS) % 2])
    count, tree, private = fit_private.count, fit_private.Tree, fit_private.Private
    torch = fit_private.torch
    monkeypatch.setattr(fit_private, "count", lambda x, *rest: count(other, *rest))
    monkeypatch.setattr(tree, "learn", lambda c, i, x, *rest, learn=tree.learn: learn(c, i, other, *rest))
    monkeypatch.setattr(fit_private, "Private", lambda net, x, *rest: private(net, torch.from_numpy(other), *rest))
    odd = people(5)
    odd.loc[3:9, "rooms"] = np.nan  # a column of fractions then
    odd.index = [f"label {i}" for i in range(ROWS)]
    files = []
    for number, frame in enumerate((people(1), odd)):
        with pytest.warns(IsthmusWarning):
            fitted(frame, seed=3).save(tmp_path / f"{number}.isthmus")
        files.append(store.fingerprint(tmp_path / f"{number}.isthmus"))  # of every fact and every bit
    assert files[0] == files[1]


def test_what_jobs_compare_with_is_made_up(model):
    x = model.codec_.numbers(model._open(people()))
    assert not np.isin(model.reference_.rows[:, 1], x[:, 1]).any()
    assert not len(model.net_.rules.pairs)
    assert not len(model.net_.rules.determined)
    facts = model.inspect()
    assert facts["seconds"] is None
    assert facts["notes"] == SCHEMA.notes
    assert all("gradient" not in check["train"] for check in facts["history"])


def test_noise_follows_from_no_seed():
    with pytest.warns(IsthmusWarning):
        first, second = (fitted(people(), epochs=0.2) for _ in range(2))
    assert not np.array_equal(first.sample(50).to_numpy(str), second.sample(50).to_numpy(str))


def test_facts_are_told_and_kept(model, tmp_path):
    facts = model.inspect()["privacy"]
    assert 4.6 < facts["epsilon"] <= 5.0
    assert facts["delta"] == 1e-4
    assert abs(model.inspect()["rows"] - ROWS) < 400
    model.save(tmp_path / "m.isthmus")
    again = im.load(tmp_path / "m.isthmus")
    assert again.inspect() == model.inspect()
    assert (again.dp_epsilon, again.dp_delta) == (5.0, 1e-4)
    pd.testing.assert_frame_equal(again.sample(30), model.sample(30))
    frame = people()
    pd.testing.assert_frame_equal(again.impute(frame), model.impute(frame))
    np.testing.assert_array_equal(again.outliers(frame).scores, model.outliers(frame).scores)
    assert list(model.sample(3, given={"job": "cook"})["job"]) == ["cook"] * 3


REFUSED = [
    ({"schema": None}, "needs a schema"),
    ({"schema": {"job": "category"}}, "needs a schema"),
    ({"dp_epsilon": 0}, "dp_epsilon is 0; give"),
    ({"dp_epsilon": "much"}, "dp_epsilon is 'much'"),
    ({"dp_epsilon": 1e-9}, "no noise is enough"),
    ({"dp_delta": 0.5}, "dp_delta is 0.5"),
    ({"dp_epsilon": None, "dp_delta": 1e-6}, "without dp_epsilon"),
    ({"budget": "10s"}, "budget does not go with dp_epsilon"),
    ({"condition": ["job"]}, "condition does not go"),
    ({"code": "gaussian:4"}, "code does not go"),
    ({"prior": "learnt"}, "prior does not go"),
    ({"corruption": "mask+noise"}, "corruption does not go"),
    ({"corruption": "none"}, "corruption does not go"),
    ({"checkpoint": "c"}, "checkpoint does not go"),
    ({"checkpoint": "c", "resume": True}, "resume does not go"),
]


@pytest.mark.parametrize("wrong, line", REFUSED, ids=lambda each: str(each)[:30])
def test_what_does_not_go_with_it_is_refused_in_one_line(wrong, line):
    given = {"schema": SCHEMA, "dp_epsilon": 3.0, **QUICK} | wrong
    with pytest.raises(UsageError, match=line) as caught:
        im.Autoencoder(**given).fit(people())
    assert "\n" not in str(caught.value)


def test_tables_in_parts_are_refused(tmp_path):
    people().to_csv(tmp_path / "people.csv", index=False)
    parts = Parts.open(tmp_path / "people.csv")
    with pytest.raises(UsageError, match="a table in parts does not go"):
        im.Autoencoder(schema=SCHEMA, dp_epsilon=3.0, **QUICK).fit(parts)


def test_a_schema_read_off_the_rows_is_warned_of():
    frame = people()
    with pytest.warns(IsthmusWarning) as caught:
        im.Autoencoder(schema=im.Schema.learn(im.data.sources.open_table(frame)), dp_epsilon=3.0, **QUICK).fit(frame)
    lines = [str(one.message) for one in caught]
    assert any("exactly the rows' ('pay')" in line for line in lines)
    assert any("fewer than 5 rows have ('job')" in line for line in lines)


def test_the_command_line_fits_and_inspects(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people().to_csv("people.csv", index=False)
    (tmp_path / "schema.toml").write_text(SCHEMA.to_toml(), "utf-8")
    assert main(["fit", "people.csv", "-o", "m.isthmus", "--dp-epsilon", "3"]) == 2
    assert "needs a schema" in capsys.readouterr().err
    words = ["fit", "people.csv", "-o", "m.isthmus", "--schema", "schema.toml", "--dp-epsilon", "3", "--epochs", "1"]
    assert main([*words, "--dp-delta", "1e-5", "--quiet"]) == 0
    assert not list(tmp_path.glob("*.checkpoint"))
    capsys.readouterr()
    assert main(["inspect", "m.isthmus"]) == 0
    shown = capsys.readouterr().out
    assert "fitted with differential privacy" in shown
    assert "delta 1e-05" in shown
    assert main(["inspect", "m.isthmus", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["privacy"]["asked"] == 3.0
    assert (
        main(["fit", "people.csv", "-o", "n.isthmus", "--schema", "schema.toml", "--dp-epsilon", "3", "--resume"]) == 2
    )
    assert main(["fit", "people.csv", "-o", "n.isthmus", "--dp-delta", "1e-5"]) == 2
