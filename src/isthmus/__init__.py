"""One autoencoder, fitted once, does every job on a table.

Reduce, impute, find outliers, sample and reconstruct with the same fitted model; see ``Autoencoder``.

Importing this package is light: the module of a name, and torch with it, is imported on the name's first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus import errors as errors
    from isthmus.agreement import align as align
    from isthmus.agreement import compare as compare
    from isthmus.amplifier import Amplifier as Amplifier
    from isthmus.compression import compress as compress
    from isthmus.compression import decompress as decompress
    from isthmus.data.parts import Parts as Parts
    from isthmus.data.schema import Schema as Schema
    from isthmus.denoiser import Denoiser as Denoiser
    from isthmus.denoising import denoise as denoise
    from isthmus.detector import OutlierDetector as OutlierDetector
    from isthmus.diffusion import Diffusion as Diffusion
    from isthmus.exporting import export as export
    from isthmus.imputer import Imputer as Imputer
    from isthmus.index import Index as Index
    from isthmus.language import LanguageModel as LanguageModel
    from isthmus.mapping import Map as Map
    from isthmus.model import Autoencoder as Autoencoder
    from isthmus.nets.codes import Dense as Dense
    from isthmus.nets.codes import Gaussian as Gaussian
    from isthmus.nets.codes import Quantized as Quantized
    from isthmus.nets.codes import Sparse as Sparse
    from isthmus.nets.corruptions import Mask as Mask
    from isthmus.nets.corruptions import Noise as Noise
    from isthmus.on_ray.engine import Ray as Ray
    from isthmus.pictures import PictureAutoencoder as PictureAutoencoder
    from isthmus.pooling import pool as pool
    from isthmus.report.evaluation import evaluate as evaluate
    from isthmus.series import SeriesAutoencoder as SeriesAutoencoder
    from isthmus.sparse import SparseAutoencoder as SparseAutoencoder
    from isthmus.sparse import fit_together as fit_together
    from isthmus.speech import SpeechDenoiser as SpeechDenoiser
    from isthmus.store import load as load

__version__ = "0.1.0"

# Public name -> the module that holds it (PEP 562).
_HOMES = {
    "Amplifier": "isthmus.amplifier",
    "Autoencoder": "isthmus.model",
    "Dense": "isthmus.nets.codes",
    "Denoiser": "isthmus.denoiser",
    "Diffusion": "isthmus.diffusion",
    "Gaussian": "isthmus.nets.codes",
    "Imputer": "isthmus.imputer",
    "Index": "isthmus.index",
    "LanguageModel": "isthmus.language",
    "Map": "isthmus.mapping",
    "Mask": "isthmus.nets.corruptions",
    "Noise": "isthmus.nets.corruptions",
    "OutlierDetector": "isthmus.detector",
    "Parts": "isthmus.data.parts",
    "PictureAutoencoder": "isthmus.pictures",
    "Quantized": "isthmus.nets.codes",
    "Ray": "isthmus.on_ray.engine",
    "Schema": "isthmus.data.schema",
    "SeriesAutoencoder": "isthmus.series",
    "Sparse": "isthmus.nets.codes",
    "SparseAutoencoder": "isthmus.sparse",
    "SpeechDenoiser": "isthmus.speech",
    "align": "isthmus.agreement",
    "compare": "isthmus.agreement",
    "compress": "isthmus.compression",
    "decompress": "isthmus.compression",
    "denoise": "isthmus.denoising",
    "evaluate": "isthmus.report.evaluation",
    "export": "isthmus.exporting",
    "fit_together": "isthmus.sparse",
    "load": "isthmus.store",
    "pool": "isthmus.pooling",
}

__all__ = ["__version__", "errors", *_HOMES]  # noqa: PLE0604 (every element is a string)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name == "errors":
        return import_module("isthmus.errors")
    if name not in _HOMES:
        raise AttributeError(f"module 'isthmus' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
