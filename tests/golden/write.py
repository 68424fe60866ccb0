"""Write the golden files: one small file of each kind, and what it answers.

    python tests/golden/write.py

To be run when the format's number goes up, which writes all anew, or when there is a new kind, which writes that alone:
`test_golden.py` holds that files written by an earlier isthmus of the same format open, and answer the same.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

import isthmus
from isthmus.compression import look
from isthmus.data.images import save_picture
from isthmus.data.signals import write_wholes
from isthmus.mapping import Map
from isthmus.store import FORMAT

HERE = Path(__file__).parent
TOLD = HERE / "expected.json"


def table(rows: int = 60) -> pa.Table:
    """Rows with columns of every kind, from sums alone: no generator of numbers may ever change them."""
    n = np.arange(rows)
    area = 40 + (37 * n) % 211 + 0.5
    zone = [["hill", "port", "centre", None][(i * i + i // 7) % 4] for i in n]
    return pa.table(
        {
            "area": area,
            "rooms": 1 + (area // 40).astype(np.int64),
            "zone": zone,
            "pool": area > 180,
            "sold": pa.array(14610 + 11 * n, pa.int32()).cast(pa.date32()),
            "price": pa.array([None if i % 13 == 5 else round(float(3.1 * area[i] + i), 1) for i in n]),
        }
    )


def pictures() -> np.ndarray:
    """Waves (24, 16, 16) of several lengths."""
    rows, columns = np.mgrid[:16, :16]
    return np.uint8([128 + 100 * np.sin((rows * (i % 5 + 1) + columns * (i % 3)) / 6) for i in range(24)])


def log() -> pa.Table:
    """Two readings (60 rows) that go up and down together."""
    n = np.arange(60)
    return pa.table({"load": np.sin(n / 4) + n % 3 / 9, "heat": np.cos(n / 4) * 5})


def vectors() -> np.ndarray:
    """Rows of numbers (120, 6)."""
    n = np.arange(120.0)[:, None]
    return np.asarray(np.sin(n * [0.3, 0.7, 1.1, 1.9, 2.3, 3.1]) ** 3, np.float32)


def voices() -> list[tuple[np.ndarray, int]]:
    """Buzzes of 0.2 seconds that swell, at 8,000 samples a second."""
    time = np.arange(1600) / 8000
    buzz = [sum(np.sin(2 * np.pi * 130 * n * k * time) / k for k in range(1, 12)) for n in (1.0, 1.3)]
    return [(each * np.sin(15 * time) ** 2, 8000) for each in buzz]


def noisy_voice() -> np.ndarray:
    """The beginning of a voice with a whine in it (700,)."""
    return np.float32(voices()[0][0] + 0.3 * np.sin(np.arange(1600) ** 2 / 7))[:700]


def fitted() -> dict[str, object]:
    """Fit one model of each kind that the library saves."""
    cpu = {"device": "cpu"}
    model = isthmus.Autoencoder(3, epochs=3, width=12, blocks=1, batch_size=16, **cpu).fit(table())
    labels = [str(i % 3) for i in range(24)]
    nets = {"widths": (8, 8), "depths": (1, 1), "steps": 10}
    return {
        "autoencoder": model,
        "autoencoder-gaussian": isthmus.Autoencoder(
            "gaussian:2", prior="learnt", condition=["zone"], epochs=2, width=8, blocks=1, **cpu
        ).fit(table()),
        "encoder": model.encoder,
        "decoder": model.decoder,
        "pictures": isthmus.PictureAutoencoder("gaussian:2", width=4, steps=10, **cpu).fit(pictures()),
        "dictionary": isthmus.SparseAutoencoder("sparse:4x:k=3", epochs=2, **cpu).fit(vectors()),
        "denoiser": isthmus.Denoiser(start=None, **nets, **cpu).fit(pictures()),
        "diffusion": isthmus.Diffusion(**nets, **cpu).fit(pictures(), labels),
        "diffusion-code": isthmus.Diffusion(2, **nets | {"widths": (4, 4)}, **cpu).fit(pictures(), labels),
        "speech": isthmus.SpeechDenoiser(**nets, **cpu).fit(voices()),
        "series": isthmus.SeriesAutoencoder(reach=2, epochs=3, width=8, **cpu).fit(log()),
        "map": Map().fit(vectors()),
    }


def compress(folder: Path) -> None:
    """Compress a table with a model of its own, one of words, a picture and a sound."""
    isthmus.compress(table(3000), folder / "table.isz", budget=2)
    words = [hashlib.sha256(bytes([i])).hexdigest()[:40] for i in range(50)] * 40
    numbered = [f"{i}" * 3 for i in range(len(words))]
    isthmus.compress(pa.table({"words": words, "numbered": numbered}), folder / "words.isz", budget=1)
    with tempfile.TemporaryDirectory() as place:
        save_picture(Path(place) / "waves.png", pictures()[1][..., None])
        isthmus.compress(Path(place) / "waves.png", folder / "picture.isz")
        tone = np.int64(9000 * np.sin(np.arange(4000)[:, None] / 9))
        write_wholes(Path(place) / "tone.wav", tone, 8000, 16)
        isthmus.compress(Path(place) / "tone.wav", folder / "sound.isz")


def answers(path: Path) -> dict[str, object]:
    """Open a file and ask of it all that its kind can tell, as JSON holds it."""
    if path.suffix == ".isz":
        held = isthmus.decompress(path)
        facts = {"kind": look(path)["kind"]}
        if isinstance(held, pa.Table):
            return facts | {"rows": len(held), "cells": plain(held.slice(0, 12))}
        return facts | {"values": plain(held[0] if isinstance(held, tuple) else held)}
    if path.suffix == ".index":
        index = isthmus.Index(path)
        return {"kind": "index", "rows": len(index), "found": plain(index.search(row=7, n=3))}
    model = isthmus.load(path)
    told = {"kind": model.kind}
    if hasattr(model, "inspect"):
        told["weights"] = model.inspect()["weights"]
    return told | {name: plain(answer) for name, answer in _ASKED[model.kind](model).items()}


def plain(value: object) -> object:
    """Turn an answer into what JSON has: lists, and a column's cells as words where they are no numbers."""
    if isinstance(value, pa.Table):
        return {name: plain(value[name].to_pylist()) for name in value.column_names}
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        return {"bytes": value.flatten().tolist()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _table(model: object) -> dict[str, object]:
    few = table().slice(0, 12)
    codes = model.encode(few)
    return {
        "encode": codes,
        "decode": model.decode(codes),
        "impute": model.impute(few),
        "outliers": model.outliers(few).scores,
        "sample": model.sample(4, seed=1),
    }


_CODES = np.float32([[0.5, -1, 2], [0, 0, 0], [-0.25, 3, 1]])
_ASKED = {
    "autoencoder": _table,
    "encoder": lambda model: {"encode": model.encode(table().slice(0, 12))},
    "decoder": lambda model: {"decode": model.decode(_CODES)},
    "pictures": lambda model: {"encode": model.encode(pictures()[:4]), "decode": model.decode(_CODES[:, :2])},
    "dictionary": lambda model: {"encode": model.encode(vectors()[:8]), "rebuilt": model.reconstruct(vectors()[:8])},
    "denoiser": lambda model: {"denoise": model.denoise(np.float32(pictures()[3] / 255), level=25)},
    "speech": lambda model: {"denoise": model.denoise(noisy_voice(), 8000)},
    "diffusion": lambda model: {"sample": model.sample(1, given="1", steps=3, seed=2)},
    "series": lambda model: {"encode": model.encode(log()), "outliers": model.outliers(log()).scores},
    "map": lambda model: {"transform": model.transform(vectors()[:8] + np.float32(0.01))},
}


def main() -> None:
    """Write what is missing; all, where the format's number went up."""
    kept = json.loads(TOLD.read_text("utf-8"))
    told = kept["files"] if kept["format"] == FORMAT else {}
    with tempfile.TemporaryDirectory() as place:
        made = Path(place)
        models = fitted()
        for name, model in models.items():
            model.save(made / f"{name}.isthmus")
        compress(made)
        isthmus.Index.create(made / "rows.index", models["autoencoder"], table())
        for path in made.iterdir():
            if path.name not in told:
                shutil.rmtree(HERE / path.name, ignore_errors=True)
                shutil.move(path, HERE / path.name)
                told[path.name] = answers(HERE / path.name)
    files = dict(sorted(told.items()))
    TOLD.write_text(json.dumps({"format": FORMAT, "files": files}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
