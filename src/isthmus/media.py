"""Pictures and sounds in files as small as how near they are to be, and back."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from isthmus.container import BLOCK, Container, Writer
from isthmus.endings import PICTURE, PICTURES, SOUNDS, kind_of
from isthmus.errors import FileError, UsageError

QUALITY = 4.0
"""Of what no quality is asked for."""


def write(
    source: str | PathLike[str],
    path: str | PathLike[str],
    *,
    quality: float | None = None,
    size: int | None = None,
    perceptual: bool = False,
) -> None:
    """Compress a picture or a sound; see `isthmus.compress`."""
    kind = kind_of(source)
    make = _picture if kind == PICTURE else _sound
    facts, blocks = make(source, quality, size, perceptual)
    with Writer(path, {"kind": kind, **facts}) as writer:
        for block in blocks:
            writer.add(BLOCK, block)


def read(container: Container) -> Any:
    """Give the pixels (height, width, channels) of a picture, or the samples (n, channels) and rate of a sound."""
    from isthmus.tasks.images import decompress_image
    from isthmus.tasks.signals import decompress_signal

    facts, blocks = container.facts, list(container.each(range(container.blocks)))
    try:
        if facts["kind"] == PICTURE:
            return decompress_image(facts, blocks)
        return decompress_signal(facts, blocks), int(facts["rate"])
    except FileError as error:
        raise FileError(f"'{container.name}': {error}") from None


def save(container: Container, path: str | PathLike[str]) -> str:
    """Write what a container holds as a picture's or a sound's file; give its size in words."""
    from isthmus.data.images import save_picture
    from isthmus.data.signals import Signal, write_signal, write_wholes

    facts = container.facts
    if kind_of(path) != facts["kind"]:
        known = PICTURES if facts["kind"] == PICTURE else SOUNDS
        raise UsageError(f"'{fspath(path)}': '{container.name}' holds a {facts['kind']}; known are {', '.join(known)}")
    if facts["kind"] == PICTURE:
        pixels = read(container)
        save_picture(path, pixels)
        return f"{pixels.shape[1]:,} x {pixels.shape[0]:,} pixels"
    samples, rate = read(container)
    if "bits" in facts:
        write_wholes(path, samples, rate, int(facts["bits"]))
    else:
        write_signal(path, Signal(samples, rate, str(facts.get("subtype", "PCM_16"))))
    return f"{len(samples) / rate:,.1f} s at {rate:,} samples a second"


def _picture(
    source: str | PathLike[str], quality: float | None, size: int | None, perceptual: bool
) -> tuple[dict[str, Any], list[bytes]]:
    from isthmus.data.images import open_picture
    from isthmus.tasks.images import compress_image

    return compress_image(open_picture(source), QUALITY if quality is None else quality, perceptual, size)


def _sound(
    source: str | PathLike[str], quality: float | None, size: int | None, perceptual: bool
) -> tuple[dict[str, Any], list[bytes]]:
    """Write a sound: exactly where no quality is asked for and its samples are whole numbers."""
    from isthmus.data.signals import open_signal, open_wholes
    from isthmus.tasks.signals import compress_signal

    if size is not None:
        raise UsageError("size: a sound is compressed to a quality; give that, from 1 to 8")
    signal = open_signal(source)
    if quality is None and not perceptual and signal.bits:
        wholes, rate, bits = open_wholes(source)
        return compress_signal(wholes, rate, None, bits=bits)
    facts, blocks = compress_signal(signal.samples, signal.rate, QUALITY if quality is None else quality, perceptual)
    return {**facts, "subtype": signal.subtype}, blocks
