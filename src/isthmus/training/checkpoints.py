"""Checkpoints of a run in progress, on disk, against `kill -9`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from isthmus.errors import FileError
from isthmus.tensors import save_tensors

SECONDS_BETWEEN = 10.0


def write(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any], identity: dict[str, Any]) -> None:
    """Write the state of a run; a kill at any moment leaves either the old file or the new one."""
    meta = {"facts": json.dumps(facts), "identity": json.dumps(identity, sort_keys=True)}
    save_tensors(path, tensors, meta)


def read(path: Path, identity: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the state of a run, and refuse one that belongs to other data or other settings."""
    try:
        with safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        saved, facts = json.loads(meta["identity"]), json.loads(meta["facts"])
        if not isinstance(saved, dict) or not isinstance(facts, dict):
            raise ValueError("it says nothing of its run")
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise FileError(f"{path}: not a usable checkpoint ({error}); delete it to start anew") from None
    wanted = json.loads(json.dumps(identity))
    differing = sorted(key for key in saved.keys() | wanted.keys() if saved.get(key) != wanted.get(key))
    if differing:
        raise FileError(
            f"{path}: checkpoint of another run ({', '.join(differing)} differ); use the same data and settings, "
            "or delete it to start anew"
        )
    return tensors, facts
