"""What every benchmark's command line is: which sets, where from, where to, and what the figures depend on."""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import results
import torch
from results import Page, Result, Section
from threadpoolctl import threadpool_limits

import isthmus
from isthmus.errors import IsthmusWarning

ROOT = Path(__file__).resolve().parents[1]


class MissingSourceError(Exception):
    """Data that cannot be had here; the message says what to do."""


class Named(Protocol):
    """Data to measure on: `load`, given the folder of data files, reads them or raises `MissingSourceError`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def load(self) -> Callable[[Path], Any]: ...  # noqa: D102
    @property
    def goals(self) -> Mapping[str, str]: ...  # noqa: D102


@dataclass(frozen=True)
class Bench:
    """One benchmark.

    Parameters
    ----------
    page
        What its results are called, and what is said above them.
    sources
        By name, what is measured on.
    measure
        Source, what it loaded and settings to sections of figures.
    settings, quick
        A dataclass with at least `seed`: the benchmark, and the same made small, to see that it runs.
    packages
        The peers, whose versions are noted.
    """

    page: Page
    sources: Mapping[str, Any]
    measure: Callable[[Any, Any, Any], list[Section]]
    settings: Any
    quick: Any
    packages: Sequence[str] = ()


def main(bench: Bench, arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark by its command line; give the exit code."""
    options = _parser(bench).parse_args(arguments)
    settings = dataclasses.replace(bench.quick if options.quick else bench.settings, seed=options.seed)
    out = options.out or (None if options.quick else ROOT / "benchmarks" / "results")
    torch.set_num_threads(options.threads)
    done: dict[str, Result] = {}
    with threadpool_limits(options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", IsthmusWarning)  # some held-out numbers lie outside the training range
        for name in options.only or bench.sources:
            try:
                loaded = bench.sources[name].load(options.data)
            except MissingSourceError as reason:
                print(f"{name}: skipped, {reason}", file=sys.stderr)
                continue
            print(f"{name}: {bench.sources[name].title}", file=sys.stderr, flush=True)
            done[name] = _run(bench, bench.sources[name], loaded, options.threads, settings)
            if out is not None:
                _keep(bench, done[name], out, quoted=options.out is None)
    if done and out is None:
        print(results.markdown(done, bench.page), end="")
    return 0 if done else 1


def _run(bench: Bench, source: Named, loaded: Any, threads: int, settings: Any) -> Result:
    """Measure everything on one source."""
    about, started = _about(bench, threads, settings), time.monotonic()
    result = Result(source.name, source.title, about, bench.measure(source, loaded, settings))
    about["minutes"] = round((time.monotonic() - started) / 60, 1)
    result.set_goals(source.goals)
    return result


def _keep(bench: Bench, found: Result, out: Path, quoted: bool) -> None:
    """Save one source's results beside the others', in their usual order, and quote them all in the README."""
    known = results.read(out / f"{bench.page.name}.json") | {found.name: found}
    kept = {name: known[name] for name in bench.sources if name in known}
    results.save(kept, out, bench.page)
    if quoted:
        results.quote(kept, ROOT / "README.md", bench.page)


def _about(bench: Bench, threads: int, settings: Any) -> dict[str, Any]:
    """Note what the figures depend on."""
    changed = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if getattr(settings, field.name) != getattr(bench.settings, field.name)
    }
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": threads,
        "load at the start": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "unknown",
        "Python": platform.python_version(),
        "isthmus": isthmus.__version__,
        **{package: _version(package) for package in ("torch", "numpy", "scikit-learn", *bench.packages)},
        "settings": ", ".join(f"{key}={value}" for key, value in changed.items()) or "defaults",
        "seed": settings.seed,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _parser(bench: Bench) -> argparse.ArgumentParser:
    data = Path(os.environ.get("ISTHMUS_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(prog=f"bench-{bench.page.name}", description=bench.page.intro)
    names = ", ".join(bench.sources)
    parser.add_argument("--only", nargs="+", choices=bench.sources, metavar="NAME", help=f"of {names}")
    parser.add_argument("--quick", action="store_true", help="made small, to see that it runs; results to the screen")
    parser.add_argument("--data", type=Path, default=data, help="folder of data files (default: $ISTHMUS_DATA)")
    parser.add_argument("--out", type=Path, help=f"folder for {bench.page.name}.json and {bench.page.name}.md")
    parser.add_argument("--threads", type=int, default=2, help="threads for everyone (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the fits and the samples")
    return parser
