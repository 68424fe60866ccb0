"""Laws of files: what is saved and loaded, here or in another process, is the same model."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

from isthmus import load

READER = """
import sys
from pathlib import Path
import numpy as np
import isthmus

table = Path(sys.argv[1])
for line in sys.stdin:
    folder = Path(line.strip())
    codes = isthmus.load(folder / "whole").encode(table)
    np.save(folder / "whole.npy", codes)
    np.save(folder / "encoder.npy", isthmus.load(folder / "encoder").encode(table))
    for name in ("whole", "decoder"):
        isthmus.load(folder / name).decode(codes, given=table).to_parquet(folder / f"{name}.parquet")
    print("done", flush=True)
"""


@pytest.fixture(scope="session")
def loaded(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "houses.isthmus"
    model.save(path)
    return load(path)


def test_a_loaded_model_does_every_job_alike(case, model, loaded, frame):
    codes = model.encode(frame)
    assert np.array_equal(loaded.encode(frame), codes)
    assert np.array_equal(loaded.score_samples(frame), model.score_samples(frame))
    assert np.array_equal(loaded.outliers(frame).scores, model.outliers(frame).scores)
    assert np.array_equal(loaded.map(frame), model.map(frame))
    pd.testing.assert_frame_equal(loaded.reconstruct(frame), model.reconstruct(frame))
    pd.testing.assert_frame_equal(loaded.impute(frame, uncertainty=True), model.impute(frame, uncertainty=True))
    pd.testing.assert_frame_equal(loaded.decode(codes), model.decode(codes))
    if case.draws:
        pd.testing.assert_frame_equal(loaded.sample(20), model.sample(20))


def test_a_loaded_model_tells_the_same_facts(model, loaded):
    assert json.dumps(loaded.inspect()) == json.dumps(model.inspect())


@pytest.fixture(scope="session")
def reader(houses_csv):
    """Another process, which reads the models in a folder and answers when it has used them."""
    command = [sys.executable, "-c", READER, str(houses_csv)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:

        def read(folder):
            process.stdin.write(f"{folder}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield read
        process.stdin.close()


def test_another_process_gives_the_same_codes_and_rows(model, reader, houses_csv, tmp_path):
    model.save(tmp_path / "whole")
    model.encoder.save(tmp_path / "encoder")
    model.decoder.save(tmp_path / "decoder")
    assert reader(tmp_path) == "done"
    codes = model.encode(houses_csv)
    model.decode(codes, given=houses_csv).to_parquet(tmp_path / "here.parquet")
    here = pd.read_parquet(tmp_path / "here.parquet")
    for name in ("whole", "encoder"):
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), codes)
    for name in ("whole", "decoder"):
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), here)


def test_halves_hold_no_weight_of_each_other(model, tmp_path):
    model.encoder.save(tmp_path / "encoder")
    model.decoder.save(tmp_path / "decoder")
    held = {}
    for name in ("encoder", "decoder"):
        with safe_open(tmp_path / name, framework="pt") as file:
            held[name] = {key.split(".")[1] for key in file.keys()}  # noqa: SIM118
    assert held["encoder"] & {"encoder", "decoder"} == {"encoder"}
    assert held["decoder"] & {"encoder", "decoder"} == {"decoder"}
