"""Models of every kind, small and hardly trained, and their graphs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import isthmus
from isthmus.exporting import export


@dataclass(frozen=True)
class Exported:
    """A model and what was written of it."""

    model: Any
    folder: Path

    @property
    def told(self) -> dict[str, Any]:
        return json.loads((self.folder / "model.json").read_text("utf-8"))

    def run(self, name: str, **inputs: np.ndarray) -> list[np.ndarray]:
        """Run a graph on one thread."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(self.folder / f"{name}.onnx", options).run(None, inputs)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Give a function that exports."""

    def write(model):
        folder = tmp_path_factory.mktemp("exported") / "model"
        export(model, folder)
        return Exported(model, folder)

    return write


@pytest.fixture(scope="session")
def frame(houses):
    return pd.DataFrame(houses)


@pytest.fixture(scope="session")
def small(exported, houses_model):
    """The model that other tests use, exported."""
    return exported(isthmus.load(houses_model))


TABLES = {
    "dense": ("dense:4", {"corruption": "mask"}),
    "gaussian-given": ("gaussian:4", {"condition": ("zone", "area", "sold")}),
    "sparse": ("sparse:24:k=8", {"corruption": "mask+noise"}),
    "quantized": ("quantized:4", {"corruption": "none"}),
}


@pytest.fixture(scope="session", params=TABLES)
def table(request, frame, exported):
    code, settings = TABLES[request.param]
    quick = {"epochs": 3, "width": 24, "blocks": 1, "batch_size": 32, "device": "cpu"}
    return exported(isthmus.Autoencoder(code, **quick, **settings).fit(frame))


@pytest.fixture(scope="session", params=["dense:3-grey", "gaussian:3-colour", "sparse:12:k=3-grey", "quantized:3-told"])
def pictures(request, exported):
    code, _, how = request.param.partition("-")
    random = np.random.default_rng(0)
    seen = random.integers(0, 256, (60, 12, 10, 3) if how == "colour" else (60, 12, 10), dtype=np.uint8)
    settings = {"condition": how == "told", "width": 8, "steps": 4, "device": "cpu"}
    model = isthmus.PictureAutoencoder(code, **settings).fit(seen, [str(i % 3) for i in range(60)])
    return exported(model)


SPARSE = ("sparse:4x:k=3", "topk:4x:k=3", "matryoshka:4x:k=3", "relu:4x", "jumprelu:4x:l0=3", "gated:4x")
TRANSCODER = "transcoder"


@pytest.fixture(scope="session", params=[*SPARSE, TRANSCODER])
def sparse(request, exported):
    rows = np.random.default_rng(0).laplace(size=(300, 8)).astype(np.float32)
    other = request.param == TRANSCODER
    model = isthmus.SparseAutoencoder(SPARSE[0] if other else request.param, epochs=2, device="cpu")
    return exported(model.fit(rows, target=rows[:, :5] ** 2 if other else None))


@pytest.fixture(scope="session")
def waves():
    rows, columns = np.mgrid[:32, :32]
    return np.uint8([128 + 100 * np.sin((rows * i + columns * 5) / 25) for i in range(12)])


@pytest.fixture(scope="session")
def coloured(waves):
    return np.stack([waves, waves[::-1], 255 - waves], 3)


@pytest.fixture(scope="session", params=["grey", "colour"])
def denoiser(request, exported, waves, coloured):
    settings = {"start": None, "widths": (8, 8, 8), "depths": (1, 1, 1), "steps": 4, "device": "cpu"}
    return exported(isthmus.Denoiser(**settings).fit(waves if request.param == "grey" else coloured))


@pytest.fixture(scope="session")
def voice(exported):
    """A denoiser of speech, whose U-Net has steps at which few rates' rows are whole blocks."""
    time = np.arange(8000) / 8000
    buzz = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 12)) * np.sin(9 * time) ** 2
    settings = {"widths": (8, 8, 8, 8), "depths": (1, 1, 1, 1), "steps": 4, "device": "cpu"}
    return exported(isthmus.SpeechDenoiser(**settings).fit([(buzz, 8000)]))


@pytest.fixture(scope="session", params=["told", "not told, in colour", "told, by a code"])
def diffusion(request, exported, waves, coloured):
    settings = {"widths": (8, 8), "depths": (1, 1), "steps": 4, "device": "cpu"}
    model = isthmus.Diffusion(3 if "code" in request.param else None, **settings)
    labels = [str(i % 2) for i in range(len(waves))]
    return exported(model.fit(coloured) if "colour" in request.param else model.fit(waves[:, :30], labels))
