"""The file that `compress` writes: parts with a checksum each, so that damage is named and what is whole is saved.

    magic, version | part | part | ... | index | where the index is, magic

A part is its kind (one byte), its length (five), a checksum of both and of what it holds (eight), and what it holds.
The first part holds facts as JSON, others what those facts speak of, and the most are blocks. The index at the end
tells where each part begins, so that a block is read without those before it; where the end is gone, parts are found
from the front instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import zstandard

from isthmus.errors import NONSENSE, FileError, IsthmusError
from isthmus.files import writing

MAGIC = b"isthmus\xc5"
END = b"\xc5end"
VERSION = 1
FACTS, MODEL, BLOCK, TOTALS, INDEX = b"F", b"M", b"B", b"T", b"I"
_KINDS = (FACTS, MODEL, BLOCK, TOTALS, INDEX)
_HEAD = 1 + 5 + 8
_LONGEST_FACTS = 1 << 26


class Writer:
    """Writes a container, whole or not at all, part by part.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "some.isz"
    >>> with Writer(path, {"kind": "nothing"}) as writer:
    ...     writer.add(BLOCK, b"one")
    ...     writer.add(BLOCK, b"two")
    >>> with Container(path) as container:
    ...     container.facts, container.blocks, container.block(1)
    ({'kind': 'nothing'}, 2, b'two')
    """

    def __init__(self, path: str | PathLike[str], facts: dict[str, Any]) -> None:
        self._writing = writing(path)
        self._facts = facts
        self._places: list[int] = []
        self._kinds = b""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._file: IO[bytes] = stack.enter_context(stack.enter_context(self._writing).open("wb"))
            self._file.write(MAGIC + bytes([VERSION]))
            self.add(FACTS, _packed(self._facts))
            self._opened = stack.pop_all()
        return self

    def add(self, kind: bytes, held: bytes) -> None:
        """Append a part."""
        self._places.append(self._file.tell())
        self._kinds += kind
        self._file.write(_head(kind, held) + held)

    def totals(self, facts: dict[str, Any]) -> None:
        """Append facts that are known only at the end."""
        self.add(TOTALS, _packed(facts))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._opened.__exit__(kind, error, trace)
            return
        with self._opened:
            at = self._file.tell()
            steps = [b - a for a, b in zip([0, *self._places], self._places, strict=False)]
            self.add(INDEX, _packed({"steps": steps, "kinds": self._kinds.decode()}))
            self._file.write(at.to_bytes(6, "little") + END)


@dataclass(frozen=True)
class Part:
    """Where a part begins, what kind it is of, and how long what it holds is."""

    at: int
    kind: bytes
    length: int


class Container:
    """Reads what a `Writer` wrote.

    Attributes
    ----------
    facts, totals
        The facts written first, and those written last (empty where they are damaged).
    damage
        A line for each part that cannot be read.

    Raises
    ------
    FileError
        When the file is missing, is no container, is from a newer version, or its facts are damaged; and where it is
        damaged at all, unless it is to be salvaged.
    """

    def __init__(self, path: str | PathLike[str], salvage: bool = False) -> None:
        self.name, self.salvage = fspath(path), salvage
        self.damage: list[str] = []

    def __enter__(self) -> Self:
        path = Path(self.name)
        if not path.is_file():
            found = "is a folder, not a compressed file" if path.is_dir() else "no such file"
            raise FileError(f"'{self.name}': {found}")
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise FileError(f"'{self.name}' may not be read: {error.strerror}") from None
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _open(self) -> None:
        self.size = self._file.seek(0, 2)
        self._file.seek(0)
        start = self._file.read(len(MAGIC) + 1)
        if start[:-1] != MAGIC:
            raise FileError(f"'{self.name}' is nothing that `isthmus compress` wrote, or its beginning is damaged")
        if start[-1] > VERSION:
            newer = f"version {start[-1]}; this one reads {VERSION}"
            raise FileError(f"'{self.name}' is from a newer isthmus ({newer}): upgrade")
        self._parts = self._indexed() or self._walked()
        self._blocks = [part for part in self._parts if part.kind == BLOCK]
        first = self._parts[0] if self._parts else None
        held = None if first is None or first.kind != FACTS else self._held(first)
        if held is None:
            raise FileError(f"'{self.name}': the facts at its beginning are damaged; nothing can be read without them")
        self.facts = self._unpacked(held)
        totals = [self._held(part) for part in self._parts if part.kind == TOTALS]
        self.totals = self._unpacked(totals[0]) if totals and totals[0] is not None else {}

    @property
    def blocks(self) -> int:
        """Number of blocks, damaged ones among them."""
        return len(self._blocks)

    def models(self) -> list[bytes]:
        """Give what the model's parts hold; `FileError` where one is damaged."""
        held = [self._held(part) for part in self._parts if part.kind == MODEL]
        if any(each is None for each in held):
            raise FileError(f"'{self.name}': its model is damaged, and no block can be read without it")
        return [each for each in held if each is not None]

    def block(self, number: int) -> bytes | None:
        """Give what a block holds; None, and a line in `damage`, where it is damaged and is to be salvaged."""
        part = self._blocks[number]
        held = self._held(part)
        if held is None:
            self.spoilt(number, f"bytes {part.at:,} to {part.at + _HEAD + part.length:,}")
        return held

    def spoilt(self, number: int, why: str) -> None:
        """Note that a block cannot be read, or raise `FileError` where nothing is to be salvaged."""
        line = f"block {number + 1} of {self.blocks} is damaged ({why})"
        if not self.salvage:
            raise FileError(f"'{self.name}': {line}: `isthmus decompress --salvage` gives back the others")
        self.damage.append(line)

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Raise `FileError` where what is read of the facts makes no sense: their checksum tells of accidents only."""
        try:
            yield
        except NONSENSE as error:
            if isinstance(error, IsthmusError):
                raise
            raise FileError(f"'{self.name}': its facts make no sense ({error})") from None

    def each(self, numbers: Sequence[int] | range) -> Iterator[bytes | None]:
        """Give what blocks hold, one after another."""
        return (self.block(number) for number in numbers)

    def _held(self, part: Part) -> bytes | None:
        """Read what a part holds; None where its checksum does not match."""
        self._file.seek(part.at)
        head, held = self._file.read(_HEAD), self._file.read(part.length)
        return held if head == _head(part.kind, held) and len(held) == part.length else None

    def _indexed(self) -> list[Part]:
        """Find the parts by the index; none where it is gone or damaged."""
        tail = 6 + len(END)
        if self.size < tail:
            return []
        self._file.seek(self.size - tail)
        end = self._file.read(tail)
        index = self._part(int.from_bytes(end[:6], "little"))
        held = None if end[6:] != END or index is None or index.kind != INDEX else self._held(index)
        if held is None:
            return []
        with self.understood():
            facts = self._unpacked(held)
            places = list(accumulate(facts["steps"]))
            ends = [*places[1:], self.size if index is None else index.at]
            kinds = [kind.encode() for kind in facts["kinds"]]
            found = [Part(a, kind, b - a - _HEAD) for a, b, kind in zip(places, ends, kinds, strict=True)]
            if not all(part.at >= 0 and 0 <= part.length <= self.size for part in found):
                raise ValueError("parts beyond its end")
        return found

    def _walked(self) -> list[Part]:
        """Find the parts from the front, as far as they are whole, and say that something is missing."""
        found, at = [], len(MAGIC) + 1
        while (part := self._part(at)) is not None and part.kind != INDEX:
            found.append(part)
            at += _HEAD + part.length
        line = f"its end is missing or damaged, after {len([p for p in found if p.kind == BLOCK])} blocks"
        if not self.salvage and found:
            raise FileError(f"'{self.name}': {line}: `isthmus decompress --salvage` gives back what is there")
        self.damage.append(line)
        return found

    def _part(self, at: int) -> Part | None:
        self._file.seek(min(at, self.size))
        head = self._file.read(_HEAD)
        if len(head) < _HEAD or head[:1] not in _KINDS:
            return None
        part = Part(at, head[:1], int.from_bytes(head[1:6], "little"))
        return part if at + _HEAD + part.length <= self.size else None

    def _unpacked(self, held: bytes) -> dict[str, Any]:
        try:
            text = zstandard.ZstdDecompressor().decompress(held, max_output_size=_LONGEST_FACTS)
            facts = json.loads(text)
        except (zstandard.ZstdError, ValueError):
            raise FileError(f"'{self.name}': its facts cannot be read") from None
        if not isinstance(facts, dict):
            raise FileError(f"'{self.name}': its facts cannot be read")
        return facts


def _head(kind: bytes, held: bytes) -> bytes:
    length = len(held).to_bytes(5, "little")
    return kind + length + hashlib.blake2b(kind + length + held, digest_size=8).digest()


def _packed(facts: dict[str, Any]) -> bytes:
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return bytes(zstandard.ZstdCompressor(level=19).compress(text.encode()))
