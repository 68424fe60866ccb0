"""A few spoilt inputs for readers that are quick; `make fuzz` throws as many as there is time for at all of them."""

import fuzz
import pytest
from fuzzed import TARGETS

QUICK = {"csv": 60, "npy": 40, "parquet": 40, "png": 40, "pictures": 20, "texts": 30, "checkpoint": 40}


@pytest.mark.parametrize("name", QUICK)
def test_spoilt_input_is_read_or_refused_in_one_line(name, tmp_path):
    target, found = TARGETS[name], fuzz.Found()
    (tmp_path / "seeds").mkdir()
    (tmp_path / "here").mkdir()
    target.make(tmp_path / "seeds")
    for case in range(QUICK[name]):
        held, source = fuzz.case_of(target, tmp_path / "seeds", case, seed=0)
        found.note(case, fuzz.try_case(target, held, tmp_path / "here" / source))
    assert found.faults == {}
    assert found.refused > 0
    assert found.cases == QUICK[name]


def test_whatever_else_a_reader_does_is_found(tmp_path):
    def read(path):
        {b"a": None, b"b": [].pop}[path.read_bytes()]()

    target = fuzz.Target("broken", "", "", lambda folder: None, read)
    says = [fuzz.try_case(target, held, tmp_path / "x") for held in (b"a", b"b", b"c")]
    assert [each.split()[0] for each in says] == ["TypeError", "IndexError", "KeyError"]
