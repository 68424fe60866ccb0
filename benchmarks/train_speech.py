"""`make train-speech`: learn anew the denoiser of speech that comes with isthmus.

python benchmarks/train_speech.py                  by steps, the same weights on the same machine and threads
python benchmarks/train_speech.py --budget 15min   by time

What is learnt from is said by `learnt_from`: four of the six speakers of `fsdd`, four of the five folds of `esc10`, and
three recordings of `speech_music`. What is held out is what benchmarks/denoise.py measures on.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import torch

from isthmus import SpeechDenoiser
from isthmus.data.signals import open_signal

ROOT = Path(__file__).resolve().parents[1]
SPEAKERS = ("theo", "yweweler")
"""Of fsdd, held out."""
FOLD = "5"
"""Of esc10, held out; all that was cut out of one recording is in one fold."""
UTTERANCES = ("198-209-0000.ogg", "3436-172162-0000.ogg", "aboutSpeechSdk.wav")
"""Of speech_music, learnt from; 5703-47212-0000 and speechService are held out."""


def learnt_from(folder: Path) -> tuple[list[Any], list[Any]]:
    """Give speech and noises, as pairs of samples and rate."""
    digits = [path for path in sorted((folder / "fsdd").glob("*.wav")) if path.stem.split("_")[1] not in SPEAKERS]
    noises = [
        path for path in sorted((folder / "esc10").glob("*.wav")) if path.stem.split("__")[1].split("-")[0] != FOLD
    ]
    paths = [*digits, *(folder / "speech_music" / name for name in UTTERANCES)]
    return [_pair(path) for path in paths], [_pair(path) for path in noises]


def _pair(path: Path) -> Any:
    sound = open_signal(path)
    return sound.samples, sound.rate


def main() -> int:
    """Read, learn, write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", default=os.environ.get("ISTHMUS_DATA", "../shared/data"), type=Path)
    parser.add_argument("--to", default=ROOT / "src" / "isthmus" / "weights", type=Path)
    parser.add_argument("--steps", default=1300, type=int, help="batches of eight clips of two seconds")
    parser.add_argument("--budget", help="time to take, in place of steps")
    parser.add_argument("--threads", default=2, type=int)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    denoiser = SpeechDenoiser(steps=options.steps, budget=options.budget, device="cpu", verbose=True)
    speech, noises = learnt_from(options.data)
    denoiser.fit(speech, noises=noises).save(options.to / "denoiser-speech.safetensors", half=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
