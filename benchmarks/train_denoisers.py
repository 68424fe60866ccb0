"""`make train-denoisers`: learn anew the denoiser of photos that comes with isthmus.

python benchmarks/train_denoisers.py                   in about an hour on two cores
python benchmarks/train_denoisers.py --budget 2h       for longer, and better
python benchmarks/train_denoisers.py --resume          go on where a run was stopped

Pictures are those of `images/train400`; a twentieth of them tells when to stop. Pictures of `set12`, `bsd68` and
`kodak24` are not read: benchmarks/denoise.py measures on them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch

from isthmus import Denoiser

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Read, learn, write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", default=os.environ.get("ISTHMUS_DATA", "../shared/data"), type=Path)
    parser.add_argument("--to", default=ROOT / "src" / "isthmus" / "weights", type=Path)
    parser.add_argument("--steps", default=15_000, type=int, help="batches of 64,000 pixels")
    parser.add_argument("--budget", help="time to take, in place of steps")
    parser.add_argument("--threads", default=2, type=int)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    path = options.to / "denoiser-photos.safetensors"
    denoiser = Denoiser(
        start=None,
        steps=options.steps,
        budget=options.budget,
        device="cpu",
        checkpoint=path.with_suffix(".checkpoint"),
        resume=options.resume,
        verbose=True,
    )
    denoiser.fit(options.data / "images" / "train400").save(path, half=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
