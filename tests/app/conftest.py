"""A folder of small models and data, and the app on it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from sklearn.datasets import load_digits

import isthmus as im

pytest.importorskip("fastapi", reason="the app needs isthmus[app]")

from fastapi.testclient import TestClient

from isthmus.app.folder import Folder
from isthmus.app.server import create_app

TOKEN = "test-token"
Open = Callable[..., TestClient]


@pytest.fixture(scope="session")
def shelf(houses_csv: Path, houses_model: Path, notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table and a model of it, a sparse one of it, digits and sounds by label, and models of those."""
    folder = tmp_path_factory.mktemp("shelf")
    shutil.copy(houses_csv, folder / "houses.csv")
    shutil.copy(houses_model, folder / "houses.isthmus")
    sparse = im.Autoencoder(code="sparse:16:k=4", width=16, blocks=1, epochs=2, batch_size=64)
    sparse.fit(houses_csv).save(folder / "sparse.isthmus")
    found = load_digits()
    for i, (pixels, label) in enumerate(zip(found.images[:120], found.target[:120], strict=True)):
        (folder / "digits" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.uint8(pixels * 15.9)).save(folder / "digits" / str(label) / f"{i:03}.png")
    im.PictureAutoencoder("gaussian:4", condition=True, steps=60).fit(folder / "digits").save(folder / "digits.isthmus")
    load = np.sin(np.arange(300) / 6)
    load[200:212] = load[200]
    (folder / "log.csv").write_text("load\n" + "\n".join(f"{value:.4f}" for value in load) + "\n")
    im.SeriesAutoencoder(reach=4, epochs=20).fit(folder / "log.csv").save(folder / "log.isthmus")
    voices = [(_vowel(high), 8000) for high in (100, 150)]
    im.SpeechDenoiser(widths=(8, 8), depths=(1, 1), steps=20, learning_rate=1e-2).fit(voices).save(
        folder / "voices.isthmus"
    )
    shutil.copytree(notes, folder / "notes")
    im.PictureAutoencoder(2, width=8, steps=2).fit(notes).save(folder / "notes.isthmus")
    return folder


def _vowel(high: float) -> np.ndarray:
    """Two seconds of a voice of so many turns a second, that swells and falls."""
    time = np.arange(16000) / 8000
    return 0.3 * sum(np.sin(2 * np.pi * high * k * time) / k for k in range(1, 20)) * np.sin(9 * time) ** 2


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a voice."""
    path = tmp_path_factory.mktemp("spoken") / "vowel.wav"
    soundfile.write(path, _vowel(120), 8000)
    return path


@pytest.fixture
def folder(shelf: Path, tmp_path: Path) -> Path:
    """A copy of the folder that a test may change."""
    return Path(shutil.copytree(shelf, tmp_path / "shelf"))


@pytest.fixture
def opened(folder: Path) -> Open:
    """Open a model with data, or nothing, and give a client that knows the token."""

    def opening(model: str | None = None, data: str | None = None) -> TestClient:
        app = create_app(Folder(folder), token=TOKEN)
        client = TestClient(app, base_url="http://127.0.0.1", headers={"authorization": f"Bearer {TOKEN}"})
        if model is not None:
            answer = client.post("/api/library/open", json={"model": model, "data": data})
            assert answer.status_code == 200, answer.text
        return client

    return opening
