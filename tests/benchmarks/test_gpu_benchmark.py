"""The benchmark of a GPU runs on a machine without one, made small, and says where there is nothing to measure."""

from __future__ import annotations

import dataclasses
import json
from functools import partial

import gpu
import pytest
import torch
from gpu_cases import CASES
from results import OURS

from isthmus.training import run
from isthmus.training.compiling import compiled
from isthmus.training.plan import Plan

TINY = dataclasses.replace(gpu.QUICK, device="cpu", steps=2, warm=1, cpu_steps=1, judged_steps=2, rows=200)


def figures(sections):
    return {row.figure: row.values for section in sections for row in section.rows}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to measure")
def test_without_a_gpu_nothing_is_measured(capsys, tmp_path):
    assert gpu.run(["--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("no GPU here: nothing measured")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_is_trained_and_compared(case):
    found = figures(gpu.measure(case, case, TINY))
    assert found[gpu.SPEED].keys() >= {OURS, gpu.FLOAT32, gpu.CPU}
    assert all(value > 0 for value in found[gpu.SPEED].values())
    if case.apart is not None:
        assert set(found[gpu.APART].values()) == {0.0}  # the device measured is the CPU itself
        assert found[gpu.REPEATED] == {OURS: 0.0}
        assert set(case.goals) <= set(found)


def test_a_peer_learns_beside_the_sparse_autoencoder():
    case = next(case for case in CASES if case.name == "sae_576")
    assert "plain top-k" in figures(gpu.measure(case, case, TINY))[gpu.SPEED]


def test_compiling_is_measured_and_left_out_where_it_fails(monkeypatch, capsys):
    case, settings = CASES[-1], dataclasses.replace(TINY, compile=True)
    monkeypatch.setattr(run, "compiled", partial(compiled, backend="eager"))
    found = figures([gpu.speed(case, case.prepare(True, 0), settings)])
    assert gpu.COMPILED in found[gpu.SPEED]
    assert gpu.PAYS in found
    assert "compiling " in capsys.readouterr().err

    def broken(graph, inputs):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(run, "compiled", partial(compiled, backend=broken))
    found = figures([gpu.speed(case, case.prepare(True, 0), settings)])
    assert gpu.COMPILED not in found[gpu.SPEED]
    assert "left out, training is not compiled here" in capsys.readouterr().err


def test_use_is_measured_and_the_results_are_kept(tmp_path):
    assert gpu.run(["--device", "cpu", "--quick", "--threads", "1", "--only", "use", "--out", str(tmp_path)]) == 0
    kept = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["use"]
    rows = {row["figure"]: row for section in kept["sections"] for row in section["rows"]}
    assert rows[f"impute: {gpu.SPEED}"]["values"][OURS] > 0
    assert rows[gpu.CODES_APART]["values"] == {OURS: 0.0}
    assert rows[gpu.CODES_APART]["goal"] == "≤ 0.001"


def test_ways_differ_in_what_their_names_say():
    found = {way.name: way for way in gpu.ways(gpu.Settings())}
    assert list(found) == [OURS, gpu.FLOAT32, gpu.COMPILED, gpu.CPU]
    assert found[OURS].precision == Plan(steps=1).precision == "auto"
    assert (found[gpu.FLOAT32].precision, found[gpu.COMPILED].compile) == ("float32", True)
    assert found[gpu.CPU].device.type == "cpu"
