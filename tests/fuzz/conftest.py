"""The mutator and its targets are scripts of the benchmark's folder: they are found beside each other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
