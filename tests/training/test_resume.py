"""A run that is killed in the middle and resumed ends in the very weights it would have had."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from isthmus import Autoencoder, load
from isthmus.errors import FileError, UsageError

SETTINGS = {"width": 32, "blocks": 1, "epochs": 10, "batch_size": 16}

# A real process that saves at every check and is killed, as by `kill -9`, when it has taken some steps.
KILLED = f"""
import os, signal, sys
from isthmus import Autoencoder
from isthmus.training import checkpoints
from isthmus.training.run import Run

checkpoints.SECONDS_BETWEEN = 0.0
advance = Run.advance

def mortal(run, share):
    if run.step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return advance(run, share)

Run.advance = mortal
Autoencoder(4, checkpoint=sys.argv[2], resume=True, **{SETTINGS!r}).fit(sys.argv[1]).save(sys.argv[2] +
".model")
"""


def run(table, checkpoint, until):
    command = [sys.executable, "-c", KILLED, str(table), str(checkpoint), str(until)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def checkpoint(houses_csv, tmp_path):
    """What a killed run leaves."""
    path = tmp_path / "run.checkpoint"
    assert run(houses_csv, path, 47).returncode == -signal.SIGKILL
    return path


def test_killed_twice_and_resumed_is_the_undisturbed_run(houses_csv, checkpoint, tmp_path):
    assert run(houses_csv, checkpoint, 71).returncode == -signal.SIGKILL
    ended = run(houses_csv, checkpoint, -1)
    assert ended.returncode == 0, ended.stderr
    resumed = load(f"{checkpoint}.model")
    assert run(houses_csv, tmp_path / "undisturbed", -1).returncode == 0  # as many threads, so a process of its own
    undisturbed = load(f"{tmp_path / 'undisturbed'}.model")
    weights = undisturbed.net_.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in resumed.net_.state_dict().items())
    assert resumed.history_.checks == undisturbed.history_.checks
    assert resumed.history_.best_step == undisturbed.history_.best_step
    assert np.array_equal(resumed.encode(houses_csv), undisturbed.encode(houses_csv))
    assert not checkpoint.exists()


def test_a_checkpoint_of_other_data_or_settings_is_refused_in_one_line(houses_csv, checkpoint, tmp_path):
    other = tmp_path / "other.csv"
    pd.read_csv(houses_csv).iloc[::-1].to_csv(other, index=False)
    with pytest.raises(FileError, match=r"checkpoint of another run \(data.* differ\)") as error:
        Autoencoder(4, checkpoint=checkpoint, resume=True, **SETTINGS).fit(other)
    assert "\n" not in str(error.value)
    with pytest.raises(FileError, match="checkpoint of another run") as error:
        Autoencoder(5, checkpoint=checkpoint, resume=True, **SETTINGS).fit(houses_csv)
    assert "\n" not in str(error.value)
    assert checkpoint.exists()


def test_a_damaged_checkpoint_is_refused_in_one_line(houses_csv, checkpoint):
    whole = checkpoint.read_bytes()
    for part in (b"", whole[:7], whole[: len(whole) // 2], b"\x89PNG\r\n\x1a\n" * 40):
        checkpoint.write_bytes(part)
        with pytest.raises(FileError, match="not a usable checkpoint") as error:
            Autoencoder(4, checkpoint=checkpoint, resume=True, **SETTINGS).fit(houses_csv)
        assert "\n" not in str(error.value)


def test_without_a_checkpoint_to_resume_from_a_run_starts_anew(houses_csv, tmp_path):
    path = tmp_path / "none"
    fresh = Autoencoder(4, checkpoint=path, resume=True, **SETTINGS).fit(houses_csv)
    assert np.array_equal(fresh.encode(houses_csv), Autoencoder(4, **SETTINGS).fit(houses_csv).encode(houses_csv))


def test_resume_asks_for_a_checkpoint(houses_csv):
    with pytest.raises(UsageError, match="resume needs checkpoint"):
        Autoencoder(4, resume=True).fit(houses_csv)
