"""Valid bytes, spoilt at random: flips, cuts, splices, and numbers where they hurt most."""

from __future__ import annotations

import copy
import gzip
import json
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Draw = np.random.Generator

NUMBERS = (0, 1, -1, 2, 127, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)
WORDS = ("-1", "0", "1e999", "-1e308", "nan", "99999999999999999999", "1e-320", "18446744073709551615", "", ".", "-")
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 2**31, 2**53, 2**63, 10**30, 0.5, 1e308, -1e308, float("nan"), float("inf")),
    *("", "x", "x" * 3000, "\x00", "\ud800", "é", "none", "1", [], {}, [[]], [0], [None], {"": 0}, ["x", 1]),
)


def spoilt(held: bytes, draw: Draw) -> bytes:
    """Spoil bytes in one to four ways, whatever they mean."""
    for _ in range(int(draw.integers(1, 5))):
        held = _WAYS[int(draw.integers(len(_WAYS)))](held, draw)
    return held


def _place(held: bytes, draw: Draw) -> int:
    """Draw a place; beginnings and ends, where headers are, more often."""
    size, edge = max(len(held), 1), min(len(held), 200)
    where = draw.random()
    if where < 0.35:
        return int(draw.integers(max(edge, 1)))
    return size - 1 - int(draw.integers(max(edge, 1))) if where < 0.55 else int(draw.integers(size))


def _flip(held: bytes, draw: Draw) -> bytes:
    new = bytearray(held)
    for _ in range(int(draw.integers(1, 9)) if held else 0):
        new[_place(held, draw)] ^= 1 << int(draw.integers(8))
    return bytes(new)


def _byte(held: bytes, draw: Draw) -> bytes:
    new = bytearray(held)
    if held:
        new[_place(held, draw)] = int(draw.integers(256))
    return bytes(new)


def _cut(held: bytes, draw: Draw) -> bytes:
    at = _place(held, draw)
    return held[:at] if draw.random() < 0.5 else held[:at] + held[at + int(draw.integers(1, 64)) :]


def _splice(held: bytes, draw: Draw) -> bytes:
    start, at = _place(held, draw), _place(held, draw)
    part = held[start : start + int(draw.integers(1, 256))]
    return held[:at] + part + held[at + (len(part) if draw.random() < 0.5 else 0) :]


def _add(held: bytes, draw: Draw) -> bytes:
    at = _place(held, draw)
    return held[:at] + draw.bytes(int(draw.integers(1, 16))) + held[at:]


def _number(held: bytes, draw: Draw) -> bytes:
    """Overwrite a whole number of one to eight bytes, of either order, with an extreme."""
    size, order = int(draw.choice([1, 2, 4, 8])), "little" if draw.random() < 0.7 else "big"
    value, at = NUMBERS[int(draw.integers(len(NUMBERS)))] % (1 << 8 * size), _place(held, draw)
    return held[:at] + value.to_bytes(size, order) + held[at + size :]  # type: ignore[arg-type]


def _word(held: bytes, draw: Draw) -> bytes:
    """Swap a number that is written in digits for an extreme."""
    found = [match.span() for match in re.finditer(rb"-?\d[\d.]*", held[: 1 << 16])]
    if not found:
        return _flip(held, draw)
    start, end = found[int(draw.integers(len(found)))]
    return held[:start] + WORDS[int(draw.integers(len(WORDS)))].encode() + held[end:]


_WAYS: tuple[Callable[[bytes, Draw], bytes], ...] = (_flip, _byte, _cut, _splice, _add, _number, _number, _word)


def spoilt_text(text: str, draw: Draw) -> str:
    """Spoil text; what becomes no UTF-8 is put in its place as a question mark."""
    return spoilt(text.encode("utf-8", "replace"), draw).decode("utf-8", "replace")


def spoilt_json(value: Any, draw: Draw, times: int | None = None) -> Any:
    """Spoil a few places of what JSON holds: other values and kinds, none, twice, wrong names, parts from elsewhere."""
    new = copy.deepcopy(value)
    for _ in range(times or int(draw.integers(1, 4))):
        boxes = list(_boxes(new))
        box = boxes[int(draw.integers(len(boxes)))] if boxes else None
        if not box:
            return _value(draw)
        keys = list(box) if isinstance(box, dict) else list(range(len(box)))
        _spoil(box, keys[int(draw.integers(len(keys)))], boxes, draw)
    return new


def _boxes(value: Any) -> Any:
    if isinstance(value, dict | list) and value:
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _boxes(each)


def _spoil(box: Any, key: Any, boxes: list[Any], draw: Draw) -> None:
    way, held = int(draw.integers(8)), box[key]
    if way == 0:
        del box[key]
    elif way == 1 and isinstance(held, int | float):
        box[key] = [held + 1, held - 1, -held, held * 1000, float(held), str(held)][int(draw.integers(6))]
    elif way == 2 and isinstance(held, str):
        box[key] = spoilt_text(held, draw)
    elif way == 3 and isinstance(box, dict):
        box[f"{key}x"] = box.pop(key)
    elif way == 4 and isinstance(box, list):
        box.insert(key, copy.deepcopy(held))
    elif way == 5:
        box[key] = copy.deepcopy(boxes[int(draw.integers(len(boxes)))])
    else:
        box[key] = _value(draw)


def _value(draw: Draw) -> Any:
    return copy.deepcopy(VALUES[int(draw.integers(len(VALUES)))])


def spoilt_json_text(held: bytes, draw: Draw) -> bytes:
    """Spoil a file of JSON, mostly so that it still is JSON."""
    if draw.random() < 0.25:
        return spoilt(held, draw)
    return json.dumps(spoilt_json(json.loads(held), draw)).encode("utf-8", "replace")


def spoilt_safetensors(held: bytes, draw: Draw) -> bytes:
    """Spoil a safetensors file: its bytes, or its header of JSON with the length put right."""
    if draw.random() < 0.4:
        return spoilt(held, draw)
    size = int.from_bytes(held[:8], "little")
    header = json.dumps(spoilt_json(json.loads(held[8 : 8 + size]), draw)).encode("utf-8", "replace")
    return len(header).to_bytes(8, "little") + header + held[8 + size :]


def spoilt_png(held: bytes, draw: Draw) -> bytes:
    """Spoil a PNG: its bytes, or a chunk with its checksum put right."""
    if draw.random() < 0.3:
        return spoilt(held, draw)
    chunks, at = [], 8
    while at + 12 <= len(held):
        size = int.from_bytes(held[at : at + 4], "big")
        chunks.append((held[at + 4 : at + 8], held[at + 8 : at + 8 + size]))
        at += 12 + size
    number = int(draw.integers(len(chunks)))
    kind, body = chunks[number]
    if kind == b"IDAT" and draw.random() < 0.5:
        body = zlib.compress(spoilt(zlib.decompress(body), draw))
    else:
        body = spoilt(body, draw)
    chunks[number] = (kind, body)
    if draw.random() < 0.2:
        chunks.insert(int(draw.integers(len(chunks))), chunks[int(draw.integers(len(chunks)))])
    return held[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def spoilt_gzip(held: bytes, draw: Draw) -> bytes:
    """Spoil a gzipped file: outside, or what it holds."""
    return spoilt(held, draw) if draw.random() < 0.4 else gzip.compress(spoilt(gzip.decompress(held), draw), 1)
