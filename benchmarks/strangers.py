"""Imputers whose packages do not go with isthmus's: each fills in a process of its own, by a Python of its own.

`make peers-impute` makes the Pythons in .peers/; others are named by the folder in $ISTHMUS_PEERS. This file is also
what these run, as `python strangers.py NAME FOLDER`, and so imports nothing that they may not have.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
PYTHONS = Path(os.environ.get("ISTHMUS_PEERS", Path(__file__).resolve().parents[1] / ".peers"))


class StrangerError(Exception):
    """A peer is not here, fails or takes too long; the message says which."""


def find(name: str) -> Path:
    """Give a peer's Python."""
    python = PYTHONS / name.lower() / "bin" / "python"
    if not python.is_file():
        raise StrangerError(f"{name}: skipped, there is no {python}; `make peers-impute` makes it")
    return python


def fill(name: str, train: Matrix, holed: Matrix, categorical: list[int], *, seconds: float, seed: int) -> Matrix:
    """Have a peer learn from both tables at once (NaN missing, categories positions), and give the second filled."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        np.savez(place / "in.npz", x=np.vstack([train, holed]), categorical=np.array(categorical, dtype=int), seed=seed)
        command = [str(find(name)), str(Path(__file__).resolve()), name, folder]
        try:
            done = subprocess.run(command, timeout=seconds, capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired:
            raise StrangerError(f"{name}: given up after {seconds:.0f} s") from None
        if done.returncode:
            raise StrangerError(f"{name}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        filled: Matrix = np.load(place / "out.npy")[len(train) :]
    return filled


def _midaspy(x: Matrix, categorical: list[int], seed: int) -> Matrix:
    """Ask MIDASpy, a denoising autoencoder on one-hot columns, ten draws averaged (Lall and Robinson 2022)."""
    import pandas as pd

    np.bool = bool  # type: ignore[assignment,misc]  # MIDASpy still asks numpy for its old name
    from MIDASpy import Midas

    numbers = [j for j in range(x.shape[1]) if j not in categorical]
    mean, spread = np.nanmean(x, 0), np.nanstd(x, 0)
    spread[spread == 0] = 1
    parts, softmax = [pd.DataFrame((x - mean) / spread)[numbers].set_axis([f"n{j}" for j in numbers], axis=1)], []
    for j in categorical:
        hot = (x[:, [j]] == np.arange(np.nanmax(x[:, j]) + 1)).astype(float)
        hot[np.isnan(x[:, j])] = np.nan
        parts.append(pd.DataFrame(hot, columns=[f"c{j}_{k}" for k in range(hot.shape[1])]))
        softmax.append(list(parts[-1].columns))
    imputer = Midas(layer_structure=[256, 256], vae_layer=False, seed=seed, input_drop=0.75)
    imputer.build_model(pd.concat(parts, axis=1), softmax_columns=softmax, verbose=False)
    imputer.train_model(training_epochs=20, verbose=False)
    said = sum(imputer.generate_samples(m=10, verbose=False).output_list) / 10
    out = x.copy()
    for j in numbers:
        out[:, j] = said[f"n{j}"] * spread[j] + mean[j]
    for j, names in zip(categorical, softmax, strict=True):
        out[:, j] = said[names].to_numpy().argmax(1)
    return out


def _hyperimpute(x: Matrix, categorical: list[int], seed: int) -> Matrix:
    """Ask hyperimpute's missForest, with its defaults, categories as positions (Jarrett et al. 2022)."""
    import pandas as pd
    from hyperimpute.plugins.imputers import Imputers

    filled: Any = Imputers().get("missforest", random_state=seed).fit_transform(pd.DataFrame(x))
    out: Matrix = np.asarray(filled, dtype=np.float64)
    return out


STRANGERS = {"MIDASpy": _midaspy, "hyperimpute": _hyperimpute}


def _main(name: str, folder: Path) -> None:
    given = np.load(folder / "in.npz")
    np.save(folder / "out.npy", STRANGERS[name](given["x"], given["categorical"].tolist(), int(given["seed"])))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
