"""Whether isthmus can work here: what is installed, what there is to compute with, and a fit from end to end.

No package of weight is imported before it is looked at, so that a broken installation is told and not tripped over.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from isthmus import __version__
from isthmus.memory import free_memory

LEAST_DISK = 100 * 2**20
"""Bytes below which a disk is as good as full: a checkpoint and a model beside it."""
LEAST_MEMORY = 500 * 2**20
"""Bytes of memory below which a fit is likely to be ended by the system; torch alone takes half of them."""
ROWS = 120
FOR_DEVELOPERS = ("bench", "dev", "docs")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, and what is wrong with it and to be done, if anything."""

    what: str
    found: str
    wrong: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def examine(folder: Path) -> Iterator[Finding]:
    """Look at one thing after another; `folder` is where models are to be kept."""
    yield _look("python", _python)
    yield _look("packages", _packages)
    yield _look("extras", _extras)
    yield _look("device", _device)
    yield _look("memory", _memory)
    yield _look("models", lambda: _disk(folder.resolve()))
    yield _look("temporary", lambda: _disk(Path(tempfile.gettempdir())))
    yield _look("self-test", _self_test)


Answer = tuple[str, str, dict[str, Any]]


def _look(what: str, at: Callable[[], Answer]) -> Finding:
    """Look at one thing; whatever goes wrong there is a finding as well."""
    try:
        return Finding(what, *at())
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Finding(what, "failed", f"{reason[:300]}; install isthmus again if nothing else helps")


def _python() -> Answer:
    found = platform.python_version()
    wrong = "" if sys.version_info >= (3, 11) else f"isthmus needs Python 3.11 or newer, this is {found}"
    return f"isthmus {__version__}, Python {found}, {platform.platform()}", wrong, {"version": __version__}


def _packages() -> Answer:
    """Compare what is installed with what isthmus needs."""
    needed = [need for need in _needs() if _asked(need, "")]
    found = {need.name: _installed(need.name) for need in needed}
    wrong = [
        f"{need.name} {found[need.name] or 'is missing'}, {need} is needed"
        for need in needed
        if (there := found[need.name]) is None or not need.specifier.contains(there, prereleases=True)
    ]
    told = ", ".join(f"{name} {there or 'missing'}" for name, there in found.items())
    return told, "; ".join(wrong) + (": pip install --upgrade isthmus" if wrong else ""), found


def _extras() -> Answer:
    """Tell which extras are whole, and what the others lack; none has to be there."""
    lacking: dict[str, list[str]] = {}
    for extra in metadata("isthmus").get_all("Provides-Extra") or []:
        if extra not in FOR_DEVELOPERS:
            wanted = [need.name for need in _needs() if _asked(need, extra) and not _asked(need, "")]
            lacking[extra] = [name for name in wanted if _installed(name) is None]
    whole = [extra for extra, names in lacking.items() if not names]
    rest = [f"{extra} (lacks {', '.join(names)})" for extra, names in lacking.items() if names]
    told = f"{', '.join(whole) or 'none'}{'; not installed: ' if rest else ''}{', '.join(rest)}"
    return told, "", {"installed": whole, "lacking": {extra: names for extra, names in lacking.items() if names}}


def _needs() -> list[Requirement]:
    return [Requirement(line) for line in requires("isthmus") or []]


def _asked(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _device() -> Answer:
    """Tell what a fit would be computed on, and by how many threads."""
    import torch

    from isthmus.tasks.fit import pick_device

    device = pick_device("auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    facts = {"device": str(device), "name": name, "threads": torch.get_num_threads(), "cores": os.cpu_count()}
    return f"{device} ({name}), {facts['threads']} threads of {facts['cores']} cores", "", facts


def _memory() -> Answer:
    """Tell how much memory is free, where the system says so."""
    free = free_memory()
    if free is None:
        return "not told by this system", "", {"free": None}
    wrong = "" if free >= LEAST_MEMORY else f"only {_size(free)} of memory are free: close other programs"
    return f"{_size(free)} free", wrong, {"free": free}


def _disk(folder: Path) -> Answer:
    """Write to a folder, and tell how much more there is room for."""
    if not folder.is_dir():
        return f"{folder}", f"there is no folder '{folder}': make it, or name another with --folder", {"folder": folder}
    free = _free(folder)
    facts = {"folder": folder, "free": free}
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"isthmus")
    except OSError as error:
        return f"{folder}", f"'{folder}' cannot be written to ({error.strerror}): choose another folder", facts
    wrong = "" if free >= LEAST_DISK else f"only {_size(free)} are free in '{folder}': make room, or choose another"
    return f"{folder}: {_size(free)} free", wrong, facts


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _size(count: int) -> str:
    """Say a number of bytes as people do.

    >>> _size(3 * 2**30), _size(5 * 2**20)
    ('3.0 GiB', '5 MiB')
    """
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count // 2**20} MiB"


def _self_test() -> Answer:
    """Fit a tiny table, save, load, compare, and fill a gap."""
    import numpy as np
    import pyarrow as pa

    import isthmus

    began = time.monotonic()
    x = np.random.default_rng(0).normal(size=ROWS)
    table = pa.table({"x": x, "double": 2 * x, "sign": np.where(x > 0, "plus", "minus")})
    model = isthmus.Autoencoder(2, width=16, blocks=1, epochs=20, batch_size=32, device="cpu").fit(table)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        again = isthmus.load(Path(folder) / "model")
    wrong = []
    if not np.array_equal(again.encode(table), model.encode(table)):  # type: ignore[union-attr]
        wrong.append("a model that was saved and loaded gives other codes")
    gap = table.set_column(2, "sign", pa.array([None, *table["sign"].to_pylist()[1:]]))
    full = model.impute(gap)
    if full["sign"].null_count or not full.slice(1).equals(gap.slice(1)):
        wrong.append("a missing cell was not filled, or others were changed")
    seconds = time.monotonic() - began
    advice = ": compare the packages above with those that isthmus was tested with" if wrong else ""
    return f"fitted, saved, loaded and filled in {seconds:.1f} s", "; ".join(wrong) + advice, {"seconds": seconds}
