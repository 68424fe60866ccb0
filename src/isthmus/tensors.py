"""Tensors to a safetensors file, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import save_file

from isthmus.files import writing

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["save_tensors"]


def save_tensors(
    path: str | PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write named tensors and words beside them; `FileError` where the system refuses, or the disk is full.

    >>> import tempfile
    >>> import torch
    >>> save_tensors(tempfile.mkdtemp() + "/one.safetensors", {"one": torch.ones(1)})
    """
    with writing(path) as temporary:
        try:
            save_file(dict(tensors), temporary, metadata=None if metadata is None else dict(metadata))
        except SafetensorError as error:  # which is how it tells what the system said
            raise OSError(str(error).rpartition("I/O error: ")[2].partition(" (os error")[0]) from error
