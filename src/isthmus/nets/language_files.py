"""Opening a language model from a folder or a .gguf file, never from a network; what fails is told in one line."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from isthmus.errors import FileError, UsageError

__all__ = ["fingerprint", "open_language"]

_PROBES, _PROBE = 64, 1 << 16
"""How much of a file of weights its fingerprint reads: so many places, so many bytes at each."""
_TOKENIZERS = ("tokenizer.json", "vocab.*", "*.model", "tekken.json", "*.tiktoken")


def open_language(path: Path, device: torch.device) -> tuple[Any, Any]:
    """Open a causal language model and its tokenizer, in float32 on a processor and bfloat16 on CUDA.

    Parameters
    ----------
    path
        A folder in transformers' layout with safetensors, or a .gguf file.
    device
        Where its weights go.

    Raises
    ------
    FileError
        Something is missing, broken, of a kind that transformers does not know, or no causal language model.
    UsageError
        transformers, or what it needs to read a .gguf file, is not installed.
    """
    _check(path)
    gguf = path.is_file()
    try:
        for name in ("transformers", "gguf", "accelerate") if gguf else ("transformers",):
            import_module(name)
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError:
        raise UsageError("language models need the package transformers: pip install 'isthmus[lm]'") from None
    folder = path.parent if gguf else path
    keep: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if gguf:
        keep["gguf_file"] = path.name
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    with _quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, **keep)
            kind: Any = AutoModelForCausalLM
            model = kind.from_pretrained(folder, dtype=dtype, use_safetensors=None if gguf else True, **keep)
        except MemoryError:
            raise
        except Exception as error:  # each model class of transformers fails in its own way
            raise FileError(f"'{path}' cannot be opened as a causal language model: {_reason(error)}") from None
    return model.eval().requires_grad_(False).to(device), tokenizer


def fingerprint(path: Path) -> str:
    """Tell models apart: a hash of the configuration, and of the size and 64 places of each file of weights."""
    digest = hashlib.sha256()
    if path.is_file():
        files = [path]
    else:
        digest.update((path / "config.json").read_bytes())
        files = sorted(path.glob("*.safetensors"))
    for file in files:
        size = file.stat().st_size
        digest.update(str(size).encode())
        with file.open("rb") as stream:
            for place in sorted({size * number // _PROBES for number in range(_PROBES)}):
                stream.seek(place)
                digest.update(stream.read(_PROBE))
    return digest.hexdigest()


def _check(path: Path) -> None:
    """Refuse what is no language model before anything heavy is imported."""
    if not path.exists():
        raise FileError(f"'{path}': no such folder or .gguf file")
    if path.is_file():
        with path.open("rb") as stream:
            if stream.read(4) != b"GGUF":
                raise FileError(f"'{path}' is no .gguf file; give that, or a folder in transformers' layout")
        return
    config = path / "config.json"
    if not config.is_file():
        inside = next(iter(sorted(path.glob("*.gguf"))), None)
        hint = f"; give the file '{inside}' in it" if inside else ": it lacks config.json"
        raise FileError(f"'{path}' is no folder in transformers' layout{hint}")
    try:
        facts = json.loads(config.read_text(encoding="utf-8"))
        encodes = bool(facts.get("is_encoder_decoder"))
    except (OSError, ValueError, AttributeError):
        raise FileError(f"'{config}' is broken: it is no JSON object") from None
    if encodes:
        raise FileError(f"'{path}' is no causal language model: it has an encoder and a decoder")
    if not any(path.glob("*.safetensors")):
        other = next(iter(sorted(path.glob("*.bin"))), None)
        what = f"only '{other.name}', which can run code when it is opened" if other else "no weights"
        raise FileError(f"'{path}' holds {what}: *.safetensors is needed")
    if not any(True for pattern in _TOKENIZERS for _ in path.glob(pattern)):
        raise FileError(f"'{path}' holds no tokenizer: tokenizer.json is needed, or what the model has in its place")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from talking, and from drawing bars, while it loads."""
    logging: Any = import_module("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _reason(error: Exception) -> str:
    """Give the first line of what went wrong, without advice that does not help here."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:160]
