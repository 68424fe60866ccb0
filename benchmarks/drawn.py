"""Pictures of benchmarks/images.py and benchmarks/denoise.py: quality over bits, and one picture in several ways."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from pictures import PEERS, Pixels, Point, peer

import isthmus as im
from isthmus.tasks.images import compress_image, decompress_image

_BITS = 0.35
_PART = 260


def curves_of(curves: dict[str, list[list[Point]]], path: Path) -> None:
    """Draw PSNR and MS-SSIM over bits a pixel, means over pictures."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for axis, name, title in zip(axes, ("psnr", "likeness"), ("PSNR (dB)", "MS-SSIM (dB)"), strict=True):
        for who, found in curves.items():
            bits = np.mean([[point.bits for point in points] for points in found], 0)
            quality = np.mean([[getattr(point, name) for point in points] for points in found], 0)
            mine = who.startswith("isthmus")
            axis.plot(bits, quality, "o-" if mine else ".--", label=who, linewidth=2 if mine else 1, markersize=4)
        axis.set(xscale="log", xlabel="bits a pixel", ylabel=title)
        axis.set_xticks([0.25, 0.5, 1, 2, 4], ["1/4", "1/2", "1", "2", "4"])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def side_by_side(pixels: Pixels, path: Path) -> None:
    """Draw a part of a picture beside what is left of it at equal size: both models and JPEG."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    size = int(_BITS * pixels[..., 0].size / 8)
    shown = {"original": (pixels.size, pixels)}
    for title, perceptual in (("isthmus", False), ("isthmus, perceptual", True)):
        facts, blocks = compress_image(pixels, perceptual=perceptual, size=size)
        shown[title] = sum(map(len, blocks)), decompress_image(facts, blocks)
    for quality in range(1, 60):
        point, back = peer(pixels, "JPEG", PEERS["JPEG"][1][0] | {"quality": quality})
        if "JPEG" in shown and point.bits > _BITS:
            break
        shown["JPEG"] = round(point.bits * pixels[..., 0].size / 8), back
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
    top, left = (max(0, (length - _PART) // 2) for length in pixels.shape[:2])
    for axis, (title, (length, back)) in zip(axes, shown.items(), strict=True):
        axis.imshow(back[top : top + _PART, left : left + _PART].squeeze(), cmap="gray", vmin=0, vmax=255)
        axis.set_title(f"{title}, {length:,} bytes", fontsize=10)
        axis.axis("off")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def denoised(picture: Pixels, path: Path, seed: int = 0) -> None:
    """Draw a part of a picture, noisy, and what is made of it; and the same with four fifths missing."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    clean = picture[180:360, 240:480] / 255
    rng = np.random.default_rng(seed)
    noisy = clean + rng.normal(0, 35 / 255, clean.shape)
    hidden = rng.random(clean.shape[:2]) < 0.8
    sparse = np.where(hidden[..., None], 0.0, clean)
    found = im.denoise(sparse, hidden=hidden, level=0)
    shown = {
        "noisy": noisy,
        "by what was learnt": im.denoise(noisy),
        "by itself": im.denoise(noisy, model="self"),
        "as it was": clean,
        "four fifths missing": sparse,
        "filled": found,
    }
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 5.6), layout="constrained")
    for axis, (name, pixels) in zip(axes.flat, shown.items(), strict=True):
        error = float(np.square(pixels - clean).mean())
        axis.imshow(pixels.clip(0, 1), interpolation="nearest")
        axis.set_title(name if not error else f"{name}, {-10 * np.log10(error):.1f} dB", fontsize=10)
        axis.axis("off")
    figure.savefig(path, dpi=110)
    plt.close(figure)
