"""Sparse autoencoders in the layout of SAELens: a folder with cfg.json and sae_weights.safetensors."""

from __future__ import annotations

import json
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from isthmus.errors import NONSENSE, FileError
from isthmus.files import writing
from isthmus.nets.saelens import dictionary_of, to_saelens
from isthmus.sparse import SparseAutoencoder
from isthmus.tensors import save_tensors

__all__ = ["export_saelens", "import_saelens"]

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
SPARSITY = "sparsity.safetensors"
SCALER = "activation_scaler.json"


def export_saelens(sae: SparseAutoencoder, folder: str | PathLike[str]) -> dict[str, Any]:
    """Write a folder that ``sae_lens.SAE.load_from_disk`` opens, with the same codes, and give its settings.

    How often each feature fires goes to sparsity.safetensors as a log10, as in SAELens.

    Raises
    ------
    UsageError
        The autoencoder has no counterpart: a transcoder whose code goes by rank, or is gated.
    FileError
        The folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> rows = np.random.default_rng(0).normal(size=(200, 8)).astype("float32")
    >>> sae = SparseAutoencoder("topk:2x:k=3", epochs=1).fit(rows)
    >>> folder = tempfile.mkdtemp()
    >>> export_saelens(sae, folder)["architecture"]
    'topk'
    >>> bool(np.allclose(import_saelens(folder).encode(rows), sae.encode(rows), atol=1e-5))
    True
    """
    path = Path(folder)
    settings, weights = to_saelens(sae.net, sae.facts_)
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"'{path}' cannot be written: {error.strerror or error}") from None
    if np.isfinite(sae.density_).all():
        save_tensors(path / SPARSITY, {"sparsity": torch.from_numpy(np.log10(sae.density_ + np.float32(1e-10)))})
    save_tensors(path / WEIGHTS, weights)
    with writing(path / CONFIG) as temporary:
        temporary.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return settings


def import_saelens(folder: str | PathLike[str]) -> SparseAutoencoder:
    """Read a folder in SAELens' layout, of any version, as an autoencoder with the same codes.

    Raises
    ------
    FileError
        When a file is missing or cut short, or says something that cannot be written in our terms: activations
        normalised row by row, a skip connection, an architecture that is unknown here.
    """
    path = Path(folder)
    name = fspath(folder)
    if not (path / CONFIG).is_file() or not (path / WEIGHTS).is_file():
        raise FileError(f"'{name}' is no autoencoder of SAELens: it takes a folder with {CONFIG} and {WEIGHTS}")
    try:
        settings = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        scaler = json.loads((path / SCALER).read_text(encoding="utf-8")) if (path / SCALER).is_file() else {}
        sparsity = load_file(path / SPARSITY).get("sparsity") if (path / SPARSITY).is_file() else None
        factor = scaler.get("scaling_factor")
        net, facts = dictionary_of(settings, load_file(path / WEIGHTS), None if factor is None else float(factor))
    except FileError as error:
        raise FileError(f"'{name}': {error}") from None
    except (SafetensorError, OSError, *NONSENSE) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise FileError(f"'{name}' was cut short or altered, or is no autoencoder of SAELens ({reason})") from None
    density = None
    if sparsity is not None and sparsity.shape == (net.size,):
        density = (10.0 ** sparsity.double()).clamp(0, 1).float().numpy()
    return SparseAutoencoder.of(net, facts, density)
