"""Peers and measures of benchmarks/images.py: what Pillow writes, how far it is off, and rates at equal quality."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from isthmus.nets.similarity import ms_ssim
from isthmus.tasks.images import compress_image, decompress_image

Pixels = npt.NDArray[np.uint8]

HEADER = 100
"""Bytes counted for what a file of isthmus holds beside its blocks."""
_JPEG = (5, 8, 12, 18, 26, 38, 54, 70, 82, 90, 95)
PEERS: Mapping[str, tuple[str, Sequence[Mapping[str, Any]]]] = {
    "JPEG": ("JPEG", [{"quality": q, "optimize": True, "subsampling": "4:2:0"} for q in _JPEG]),
    "JPEG 4:4:4": ("JPEG", [{"quality": q, "optimize": True, "subsampling": "4:4:4"} for q in _JPEG]),
    "WebP": ("WEBP", [{"quality": q, "method": 6} for q in (1, 5, 12, 25, 45, 65, 80, 90, 95)]),
    "JPEG 2000": (
        "JPEG2000",
        [
            {"quality_mode": "rates", "quality_layers": [r], "irreversible": True, "mct": 1}
            for r in (160, 100, 60, 36, 22, 13, 8, 5)
        ],
    ),
    "AVIF": ("AVIF", [{"quality": q, "speed": 6, "max_threads": 1} for q in (10, 25, 40, 55, 70, 82, 90)]),
}


@dataclass(frozen=True)
class Point:
    """One picture written once: bits a pixel, decibels of PSNR and of MS-SSIM, seconds to write and to read."""

    bits: float
    psnr: float
    likeness: float
    writing: float
    reading: float


def judged(pixels: Pixels, back: Pixels, size: int, writing: float, reading: float) -> Point:
    """Measure what was read back."""
    error = np.square(pixels.astype(np.float64) - back).mean()
    both = [torch.from_numpy(each.astype(np.float32)).movedim(2, 0)[None] for each in (pixels, back)]
    alike = float(ms_ssim(*both))
    psnr = 10 * np.log10(255**2 / max(error, 1e-3))
    return Point(8 * size / pixels[..., 0].size, psnr, -10 * np.log10(max(1 - alike, 1e-6)), writing, reading)


def ours(pixels: Pixels, quality: float, perceptual: bool) -> Point:
    """Write and read as isthmus does."""
    started = time.perf_counter()
    facts, blocks = compress_image(pixels, quality, perceptual)
    written = time.perf_counter()
    back = decompress_image(facts, blocks)
    done = time.perf_counter()
    return judged(pixels, back, sum(map(len, blocks)) + HEADER, written - started, done - written)


def peer(pixels: Pixels, kind: str, options: Mapping[str, Any]) -> tuple[Point, Pixels]:
    """Write and read as a peer does."""
    picture = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])
    if picture.mode == "L":
        options = {name: value for name, value in options.items() if name != "subsampling"}
    started = time.perf_counter()
    file = io.BytesIO()
    picture.save(file, kind, **options)
    written = time.perf_counter()
    back = np.asarray(Image.open(io.BytesIO(file.getvalue())).convert(picture.mode))
    done = time.perf_counter()
    back = back.reshape(pixels.shape)
    return judged(pixels, back, len(file.getvalue()), written - started, done - written), back
