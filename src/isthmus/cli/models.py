"""Loads the model that a verb needs."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from isthmus.errors import FileError

if TYPE_CHECKING:
    from isthmus.model import Autoencoder


def load_for(job: str, path: Path) -> "Autoencoder":
    """Load a model that can do `job`; an encoder or decoder that was saved alone does only its own."""
    from isthmus import load

    model = load(path)
    if model.kind == "dictionary" and job != "inspect":
        raise FileError(f"'{path}' is a sparse autoencoder of activations: see `isthmus lm --help` for what it does")
    if not hasattr(model, job) and model.kind in ("denoiser", "diffusion", "pictures"):
        raise FileError(f"'{path}' is a {type(model).__name__} of pictures, which cannot {job}")
    if not hasattr(model, job) and model.kind == "series":
        raise FileError(f"'{path}' is a model of a series, which cannot {job}: fit without --series for that")
    if not hasattr(model, job) and model.kind == "speech":
        raise FileError(f"'{path}' is a {type(model).__name__}, which cannot {job}: `isthmus denoise` uses it")
    if not hasattr(model, job):
        raise FileError(f"'{path}' holds only the {type(model).__name__.lower()} of a model, which cannot {job}")
    return cast("Autoencoder", model)
