"""`make train-images`: learn the models of pictures that isthmus ships, in under an hour on two cores.

python benchmarks/train_images.py --data ../shared/data            both models, to src/isthmus/weights
python benchmarks/train_images.py --data ../shared/data --minutes 5  less of everything

Grey pictures are those of `images/train400`; coloured ones come with scikit-learn, matplotlib and scikit-image, which
is left out where it is not installed. Pictures of `set12`, `bsd68` and `kodak24` are not read: benchmarks/images.py
measures on them.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from isthmus.nets.images import WORTH, PictureNet
from isthmus.tasks.picture.fit import save
from isthmus.training.loop import train
from isthmus.training.plan import Plan

ROOT = Path(__file__).resolve().parents[1]
SIDE = 176  # the least that has all scales of MS-SSIM, in whole blocks
COLOURED = {
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
    "matplotlib": ("mpl-data/sample_data/grace_hopper.jpg",),
    "skimage": tuple(
        f"data/{name}" for name in ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
    ),
}
CROPS = 60
HELD_OUT = 20
SEED = 0
Bytes = npt.NDArray[np.uint8]


class Told:
    """Progress as lines."""

    def start(self, steps: int, seconds: float, done: int) -> None:
        """Say how long it will take."""
        print(f"{steps} steps, about {seconds:.0f} s", flush=True)
        self.began, self.at = time.monotonic(), done

    def step(self, step: int) -> None:
        """Count."""
        self.at = step

    def check(self, losses: dict[str, float]) -> None:
        """Say how well it goes."""
        told = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
        print(f"{time.monotonic() - self.began:6.0f} s, step {self.at}: {told}", flush=True)

    def stop(self) -> None:
        """Nothing to clear away."""


def grey(folder: Path) -> list[Bytes]:
    """Read grey pictures, (height, width, 3) with three planes alike."""
    paths = sorted((folder / "images" / "train400").glob("*.png"))
    if not paths:
        raise SystemExit(f"there are no pictures in {folder / 'images' / 'train400'}: name the shared data with --data")
    return [np.asarray(Image.open(path).convert("L").convert("RGB")) for path in paths]


def coloured() -> list[Bytes]:
    """Read coloured pictures of installed packages, as they are and at half their size."""
    found = []
    for package, names in COLOURED.items():
        spec = importlib.util.find_spec(package)
        for name in names if spec and spec.origin else ():
            picture = Image.open(Path(str(spec.origin)).parent / name).convert("RGB")  # type: ignore[union-attr]
            found += [np.asarray(picture), np.asarray(picture.reduce(2))]
    return [picture for picture in found if min(picture.shape[:2]) >= SIDE]


def crops(pictures: list[Bytes], each: int, rng: np.random.Generator) -> torch.Tensor:
    """Cut squares (n, 3, SIDE, SIDE) out of pictures, every other one mirrored."""
    cut = []
    for picture in pictures:
        for number in range(each):
            y, x = (int(rng.integers(0, length - SIDE + 1)) for length in picture.shape[:2])
            part = picture[y : y + SIDE, x : x + SIDE]
            cut.append(np.ascontiguousarray((part[:, ::-1] if number % 2 else part).transpose(2, 0, 1)))
    return torch.from_numpy(np.stack(cut))


def learn(net: PictureNet, data: torch.Tensor, held_out: torch.Tensor, minutes: float, rate: float) -> None:
    """Train for so long."""
    plan = Plan(steps=1, batch_size=4, learning_rate=rate, checks=16, patience=99, seed=SEED, budget=60 * minutes)
    train(net, data, held_out, plan, progress=Told())


def main() -> int:
    """Read, learn, write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", default=os.environ.get("ISTHMUS_DATA", "../shared/data"), type=Path)
    parser.add_argument("--to", default=ROOT / "src" / "isthmus" / "weights", type=Path)
    parser.add_argument("--minutes", default=15.0, type=float, help="for the first model; half for the second")
    options = parser.parse_args()
    rng = np.random.default_rng(SEED)
    pictures = grey(options.data)
    held_out = crops(pictures[-HELD_OUT:], 1, rng)
    data = torch.cat([crops(pictures[:-HELD_OUT], 4, rng), crops(coloured(), CROPS, rng)])
    print(len(data), "squares", flush=True)
    torch.manual_seed(SEED)
    net = PictureNet()
    learn(net, data, held_out, options.minutes, 2e-3)
    save(options.to / "images.safetensors", net, WORTH)
    net.perceptual = True
    learn(net, data, held_out, options.minutes / 2, 1e-3)
    save(options.to / "images-perceptual.safetensors", net, WORTH)
    return 0


if __name__ == "__main__":
    sys.exit(main())
