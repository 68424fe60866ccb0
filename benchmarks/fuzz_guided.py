"""`make fuzz-guided TARGET=csv`: a reader of `make fuzz`, led by atheris to lines that no input reached before.

python benchmarks/fuzz_guided.py csv -max_total_time=600     ten minutes; all other words are libFuzzer's

Inputs begin as the valid files of the reader, and are spoilt as there or by libFuzzer. What neither is read nor refused
in one line ends the run, and is kept in the folder `fuzz-found`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["isthmus"]):
    import fuzz
    from fuzzed import TARGETS, Target

import numpy as np

FOUND = Path("fuzz-found")
LIMITS = ("-timeout=20", "-rss_limit_mb=6000", "-print_final_stats=1")


class Case:
    """An input: a first byte that says which valid file's name it has, and the file's bytes."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target, self.folder = target, folder
        target.make(folder)
        self.names = sorted(path.name for path in folder.iterdir() if path.is_file())
        target.warm()

    def corpus(self) -> Path:
        """Write the valid files as inputs."""
        place = self.folder / "corpus"
        place.mkdir()
        for number, name in enumerate(self.names):
            (place / name).write_bytes(bytes([number]) + (self.folder / name).read_bytes())
        return place

    def test(self, held: bytes) -> None:
        """Read an input; whatever is neither read nor refused ends the run."""
        if held:
            name = self.names[held[0] % len(self.names)]
            says = fuzz.try_case(self.target, held[1:], self.folder / f"case-{name}")
            if says not in (fuzz.READ, fuzz.REFUSED):
                raise AssertionError(f"{self.target.name}: {says}")

    def mutate(self, held: bytes, longest: int, seed: int) -> bytes:
        """Spoil an input as `make fuzz` does, which knows the format, or as libFuzzer does, which knows the way."""
        draw = np.random.default_rng(seed)
        if held and draw.random() < 0.5:
            try:
                return (held[:1] + self.target.spoil(held[1:], draw))[:longest]
            except Exception:  # what was spoilt before may be no file of the format that `spoil` takes apart
                return bytes(atheris.Mutate(held, longest))
        return bytes(atheris.Mutate(held, longest))


def main() -> None:
    """Run the command line: the reader's name, then libFuzzer's words."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"name a reader, one of {', '.join(TARGETS)}")
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        case = Case(TARGETS[sys.argv[1]], Path(folder))
        words = [sys.argv[0], *LIMITS, f"-artifact_prefix={FOUND}/{sys.argv[1]}-", *sys.argv[2:], str(case.corpus())]
        atheris.Setup(words, case.test, custom_mutator=case.mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
