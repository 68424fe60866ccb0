"""A model on disk: one safetensors file with facts as JSON in its header; opening it can run nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from isthmus.errors import NONSENSE, FileError
from isthmus.tasks.fit import pick_device
from isthmus.tensors import save_tensors

if TYPE_CHECKING:
    from typing import TypeAlias

    from isthmus.denoiser import Denoiser
    from isthmus.diffusion import Diffusion
    from isthmus.halves import Decoder, Encoder
    from isthmus.mapping import Map
    from isthmus.model import Autoencoder
    from isthmus.pictures import PictureAutoencoder
    from isthmus.sparse import SparseAutoencoder
    from isthmus.speech import SpeechDenoiser

    Model: TypeAlias = (
        Autoencoder
        | Encoder
        | Decoder
        | SparseAutoencoder
        | Denoiser
        | SpeechDenoiser
        | Diffusion
        | PictureAutoencoder
        | Map
    )

FORMAT = 4
"""Goes up when what is written changes; a model is fitted in minutes, so older files are refused and not translated."""


def write(path: str | PathLike[str], kind: str, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a model of some kind: JSON-able facts and named tensors, with a checksum over both."""
    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts)
    checksum = _checksum(str(FORMAT), kind, text, held)
    meta = {"isthmus": str(FORMAT), "kind": kind, "facts": text, "sha256": checksum}
    save_tensors(path, held, meta)


def read(path: str | PathLike[str]) -> tuple[str, dict[str, Any], dict[str, Tensor]]:
    """Read a model: its kind, facts and tensors.

    Raises
    ------
    FileError
        When the file is missing, is no model, is cut short, altered, or from a newer version.
    """
    name = fspath(path)
    if not Path(name).is_file():
        found = "is a folder, not a model" if Path(name).is_dir() else "is no file"
        raise FileError(f"'{name}' {found}" if Path(name).exists() else f"'{name}': no such file")
    try:
        with safe_open(name, framework="pt") as file:
            meta = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError, RuntimeError) as error:
        reason = _first_line(error)
        raise FileError(f"'{name}' is no isthmus model, or was cut short or altered ({reason})") from None
    if "isthmus" not in meta:
        raise FileError(f"'{name}' is a safetensors file, but no isthmus model")
    if not meta["isthmus"].isdigit() or int(meta["isthmus"]) > FORMAT:
        newer = f"format {meta['isthmus'][:20]!r}; this one reads {FORMAT}"
        raise FileError(f"'{name}' is from a newer isthmus ({newer}): upgrade")
    if int(meta["isthmus"]) < FORMAT:
        raise FileError(
            f"'{name}' is from an older isthmus (format {meta['isthmus']}; this one reads {FORMAT}): fit anew"
        )
    kind, text = meta.get("kind", ""), meta.get("facts", "")
    if meta.get("sha256") != _checksum(meta["isthmus"], kind, text, tensors):
        raise FileError(f"'{name}' was altered: its checksum does not match; fetch or make it again")
    try:
        return kind, json.loads(text), tensors
    except ValueError:
        raise FileError(f"'{name}': its facts are not JSON; fetch or make it again") from None


def fingerprint(path: str | PathLike[str]) -> str:
    """Give the checksum that a model's file carries: the same for the same model, however often it is saved."""
    with safe_open(fspath(path), framework="pt") as file:
        return str((file.metadata() or {})["sha256"])


def load(path: str | PathLike[str], device: str = "cpu") -> Model:
    """Load a model of any kind, an encoder or a decoder from a file; nothing else is needed, and nothing in it can run.

    Parameters
    ----------
    path
        A file that `save` wrote.
    device
        Where to put the weights: "cpu", "cuda", "mps" or "auto".

    Raises
    ------
    FileError
        When the file is missing, is no model, is cut short, altered, or from a newer version.
    """
    kind, facts, tensors = read(path)
    if kind not in (known := kinds()):
        raise FileError(f"'{fspath(path)}' holds a model of kind {kind!r}, unknown here: upgrade isthmus")
    place = pick_device(device)
    try:
        return known[kind].from_file(facts, tensors, place)
    except NONSENSE as error:
        raise FileError(f"'{fspath(path)}': its parts do not fit together ({_first_line(error)})") from None


def check_depth(blocks: int, tensors: Mapping[str, Tensor]) -> None:
    """Refuse more blocks than a file's tensors can be of: all would be made first, which may take for ever."""
    if blocks > len(tensors):
        raise ValueError(f"{blocks} blocks of {len(tensors)} tensors")


def kinds() -> dict[str, type[Model]]:
    """Give the classes of what a model file can hold, by the word for each kind that is in the file.

    >>> list(kinds())[:3]
    ['autoencoder', 'encoder', 'decoder']
    """
    from isthmus.denoiser import Denoiser
    from isthmus.diffusion import Diffusion
    from isthmus.mapping import Map
    from isthmus.model import KINDS
    from isthmus.pictures import PictureAutoencoder
    from isthmus.series import SeriesAutoencoder
    from isthmus.sparse import SparseAutoencoder
    from isthmus.speech import SpeechDenoiser

    others = (SparseAutoencoder, Denoiser, SpeechDenoiser, Diffusion, PictureAutoencoder, SeriesAutoencoder, Map)
    return KINDS | {other.kind: other for other in others}


def _checksum(version: str, kind: str, text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(f"{version} {kind} {text}".encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
