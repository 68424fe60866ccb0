"""Features of a sparse code of pictures or sounds as a page: the patch each draws, and patches it fires on most."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.data.patches import Patches, open_patches
from isthmus.endings import PICTURE
from isthmus.errors import DataError
from isthmus.report.browser import Browser, write_browser
from isthmus.report.features_page import histogram_of, rounded
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret.best import Best
from isthmus.tasks.interpret.features import OCTAVE, Collected, collect, nearest

__all__ = ["atom_label", "browse_patches"]

Floats = npt.NDArray[np.float32]

_MOST = 40_000
"""Patches read for the page."""
_MOVES = "What one unit of the feature adds to a patch; grey is nothing."


def browse_patches(
    model: SparseAutoencoder, folder: str | PathLike[str], out: str | PathLike[str], *, examples: int = 20
) -> dict[str, Any]:
    """Write a page of the features of a sparse code of pictures or sounds.

    Parameters
    ----------
    model
        Fitted to the patches that `isthmus.data.patches.read_patches` gives.
    folder
        Pictures or sounds, of which patches are read.
    out
        The .html file to write.
    examples
        Strongest patches of each feature, at most one a file.

    Returns
    -------
    dict
        `features`, `rows` (patches), `dead`, `l0`, `bytes`, `seconds`.
    """
    began = time.perf_counter()
    patches = open_patches(folder, most=_MOST, seed=1, like=model.facts_.get("patches"))
    if patches.matrix.shape[1] != model.net.width:
        raise DataError(
            f"'{folder}' gives patches of {patches.matrix.shape[1]} numbers; the autoencoder reads {model.net.width}"
        )
    found = collect(_Store(patches), model.net.cpu(), np.ones(len(patches), bool), examples=examples, drawn=8)
    page = _Page(patches, model.directions, found)
    return {
        "features": model.net.size,
        "rows": found.rows,
        "dead": float(np.mean(found.count == 0)),
        "l0": float(found.count.sum() / max(found.rows, 1)),
        "bytes": write_browser(out, page.browser(model)),
        "seconds": time.perf_counter() - began,
    }


def atom_label(atom: Floats, facts: dict[str, Any]) -> str:
    """Say what an atom (height, width, channels) looks like: its stripes' direction and width, or its pitch.

    Examples
    --------
    >>> x = np.arange(8) * np.ones((8, 1))
    >>> atom_label(np.sin(np.pi * x / 2)[:, :, None].astype(np.float32), {"kind": "picture"})
    'upright stripes, 4 px'
    """
    if facts["kind"] != PICTURE:
        bands, frames = np.square(atom[:, :, 0]).sum(1), np.square(atom[:, :, 0]).sum(0)
        hertz = float(facts["hertz"][::-1][int(bands.argmax())])
        strongest = atom.flat[int(np.abs(atom).argmax())]
        sudden = "steady" if frames.max() < 0.25 * frames.sum() else "short"
        return f"{sudden}, {'around' if strongest > 0 else 'less around'} {hertz:,.0f} Hz"
    grey = atom.mean(2)
    if np.square(atom - grey[:, :, None]).sum() > 0.5 * np.square(atom).sum():
        return "a change of colour"
    sides = (32, 32)
    power = np.abs(np.fft.fft2(grey - grey.mean(), sides)) ** 2
    down, right = np.unravel_index(int(power[:, : sides[1] // 2 + 1].argmax()), (sides[0], sides[1] // 2 + 1))
    fy, fx = np.fft.fftfreq(sides[0])[down], right / sides[1]
    period = 1 / max(float(np.hypot(fy, fx)), 1e-9)
    degrees = np.degrees(np.arctan2(fy, fx)) % 180
    words = ("upright", "falling", "level", "rising")[int(((180 - degrees) % 180 + 22.5) // 45) % 4]
    size = max(grey.shape)
    return f"{words} edge or shade" if period >= size else f"{words} stripes, {period:.0f} px"


class _Store:
    """Patches as rows; a file is a passage, so that examples come from different files where there are several."""

    def __init__(self, patches: Patches) -> None:
        self._patches = patches
        self._single = len(patches.names) < 50

    def __len__(self) -> int:
        return len(self._patches)

    def block(self, start: int, stop: int) -> Floats:
        return self._patches.matrix[start:stop]

    def passages(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        return (rows if self._single else self._patches.file[rows]).astype(np.int32)

    def texts(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        return np.zeros(len(rows), np.int32)


@dataclass(frozen=True)
class _Page:
    """What the page is made of."""

    patches: Patches
    directions: Floats
    found: Collected

    def browser(self, model: SparseAutoencoder) -> Browser:
        facts, found = self.patches.facts, self.found
        shape = (facts["height"], facts["width"], facts["channels"])
        atoms = self.directions.reshape(-1, *shape)
        unit = "patches" if facts["kind"] == PICTURE else "moments"
        drawn = [_bytes(0.5 + 0.5 * atom / max(float(np.abs(atom).max()), 1e-12)) for atom in atoms]
        return Browser(
            "patches",
            f"{len(atoms):,} features of {facts['kind']}s",
            unit,
            _MOVES,
            {
                "label": [
                    atom_label(atom, facts) if count else "never fires"
                    for atom, count in zip(atoms, found.count.tolist(), strict=True)
                ],
                "density": [rounded(each, 3) for each in (found.count / max(found.rows, 1)).tolist()],
                "peak": [rounded(each) for each in found.peak.tolist()],
                "clear": [0.0] * len(atoms),
                "words": [""] * len(atoms),
                "atoms": drawn,
            },
            self._features(drawn, model),
            lead=[
                f"Each feature is a small picture; a patch of {shape[0]} x {shape[1]} is rebuilt as its own mean and a"
                " sum of few of them. Labels describe the picture by its spectrum."
            ],
            facts=[
                (f"{unit} read", f"{found.rows:,}"),
                ("features", f"{len(atoms):,}"),
                (f"fire on one of the {unit}", f"{found.count.sum() / max(found.rows, 1):.1f}"),
                ("never fire here", f"{100 * float(np.mean(found.count == 0)):.1f} %"),
            ],
            extra={"octave": OCTAVE, "patch": dict(zip(("height", "width", "channels"), shape, strict=True))},
        )

    def _features(self, drawn: list[str], model: SparseAutoencoder) -> Iterator[dict[str, Any]]:
        others, cosines = nearest(model.net.directions())
        for j, atom in enumerate(drawn):
            top = set(self.found.top.row[j].tolist())
            yield {
                "count": int(self.found.count[j]),
                "peak": rounded(float(self.found.peak[j])),
                "told": "",
                "histogram": histogram_of(self.found, j),
                "atom": atom,
                "examples": self._examples(self.found.top, j, set()),
                "drawn": self._examples(self.found.drawn, j, top),
                "near": [[int(k), round(float(c), 3)] for k, c in zip(others[j], cosines[j], strict=True)],
            }

    def _examples(self, best: Best, j: int, but: set[int]) -> list[dict[str, Any]]:
        places = [k for k in range(best.keep) if best.row[j, k] >= 0 and int(best.row[j, k]) not in but]
        places.sort(key=lambda k: -best.value[j, k])
        return [
            {"value": rounded(float(best.value[j, k])), "patch": self._shown(row), "source": self._from(row)}
            for k in places
            for row in [int(best.row[j, k])]
        ]

    def _shown(self, row: int) -> str:
        """Give a patch as it was in its picture; of a sound, from its quietest to its loudest."""
        patch = self.patches.matrix[row] + self.patches.mean[row]
        if self.patches.facts["kind"] != PICTURE:
            patch = (patch - patch.min()) / max(float(np.ptp(patch)), 1e-12)
        return _bytes(patch)

    def _from(self, row: int) -> str:
        name = self.patches.names[int(self.patches.file[row])]
        place = self.patches.place[row]
        return name if self.patches.facts["kind"] == PICTURE else f"{name}, {place[1]:.2f} s"


def _bytes(values: Floats) -> str:
    return b64encode(np.clip(255 * values, 0, 255).round().astype(np.uint8).tobytes()).decode()
