"""A disk that is full, a folder that may not be written to, a clock that jumps: one line, nothing half written."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from isthmus import Autoencoder

SYSTEM = Path("/sys/kernel")
"""No user may make files here, not even root."""

# Runs command lines one after another in one process, each of whose files may take so many bytes.
LIMITED = """
import contextlib, io, json, resource, sys
from isthmus.cli.main import main

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
told = []
for words in json.loads(sys.argv[2]):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main(words)
    told.append([code, said.getvalue()])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps(told))
"""


def limited(folder, size, lines):
    command = [sys.executable, "-c", LIMITED, str(size), json.dumps([line.split() for line in lines])]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def lines(table, model, out):
    """Give a command line for each way in which files are written."""
    fit = f"fit {table} -o {out}/m.isthmus --epochs 1 --code 2 -q"
    return [
        fit,
        f"encode {model} {table} -o {out}/codes.npy",
        f"impute {model} {table} -o {out}/full.csv",
        f"impute {model} {table} -o {out}/full.parquet",
        f"compress {table} -o {out}/t.isz --budget 1 -q",
        f"index {model} {table} -o {out}/rows.index -q",
        f"schema {table} -o {out}/s.toml -q",
    ]


def test_a_full_disk_is_one_line_and_leaves_nothing(houses_csv, houses_model, tmp_path):
    """Where a file may take no more than some bytes, writing fails in the middle as it does on a full disk."""
    words = lines(houses_csv, houses_model, ".")
    for line, (code, said) in zip(words, limited(tmp_path, 300, words), strict=True):
        assert code == 1, (line, said)
        assert [each.partition(":")[0] for each in said.splitlines()].count("isthmus") >= 1, (line, said)
        assert "cannot be written" in said.splitlines()[-1], (line, said)
        assert "unexpected" not in said, (line, said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not SYSTEM.is_dir(), reason="needs a folder that may not be written to")
def test_a_folder_that_may_not_be_written_to_is_one_line(houses_csv, houses_model, tmp_path):
    words = lines(houses_csv, houses_model, SYSTEM)
    for line, (code, said) in zip(words, limited(tmp_path, resource.RLIM_INFINITY, words), strict=True):
        assert code == 1, (line, said)
        assert "cannot be written" in said.splitlines()[-1], (line, said)
        assert "unexpected" not in said, (line, said)


def test_a_clock_that_jumps_changes_nothing(houses_csv, tmp_path, monkeypatch):
    """Time is read off a clock that nobody sets: neither a budget nor the times of checkpoints depend on the date."""
    settings = {"code": 2, "width": 8, "blocks": 1, "epochs": 3, "corruption": "none"}
    plain = Autoencoder(**settings).fit(houses_csv)
    hours = iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: 1e9 * (-1) ** next(hours))
    jumping = Autoencoder(**settings, checkpoint=tmp_path / "c", resume=True).fit(houses_csv)
    assert np.array_equal(plain.encode(houses_csv), jumping.encode(houses_csv))
    assert 0 < jumping.history_.seconds < 600


def test_no_module_reads_the_date_where_it_wants_a_duration():
    source = Path(__file__).parents[2] / "src"
    assert [path.name for path in source.rglob("*.py") if "time.time(" in path.read_text("utf-8")] == []
