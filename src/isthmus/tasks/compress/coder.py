"""Symbols to bytes and back: frequencies that are whole numbers, and a range coder fed with them.

What a decoder computes must be what the encoder computed, to the last bit, on any machine. Sums of floating-point
numbers are not: they depend on the order in which a library adds. So everything here that sums, sums whole numbers,
which float64 holds exactly, and all else is done element by element, which IEEE 754 prescribes to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from functools import cache

import constriction
import numpy as np
import numpy.typing as npt
import zstandard

from isthmus.errors import FileError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

STEPS = 256
"""Steps of a logit in a nat."""
_DEEPEST = 16 * STEPS
_TOP = 1 << 26
_LARGEST = 1 << 23  # the coder's uniform distributions have fewer than 2^24 values
_WORD = np.dtype("<u4")


@cache
def _exponentials() -> npt.NDArray[np.float32]:
    """Whole numbers in the ratio e^(-i / STEPS), the least of them 1, from decimal arithmetic: the same everywhere."""
    with localcontext() as context:
        context.prec = 30
        step = (Decimal(-1) / STEPS).exp()
        power, found = Decimal(_TOP), []
        for _ in range(_DEEPEST):
            found.append(float(power.to_integral_value()))
            power *= step
    return np.asarray(np.maximum(np.array(found), 1.0), dtype=np.float32)


def probabilities(logits: npt.NDArray[np.float32]) -> Floats:
    """Turn logits (rows, symbols), whole numbers of `STEPS` a nat, into probabilities, the same on every machine.

    >>> probabilities(np.array([[0.0, 0.0, -10 * 256.0]], np.float32)).round(5).tolist()
    [[0.49999, 0.49999, 2e-05]]
    """
    depth = logits.max(1, keepdims=True) - logits
    weight = _exponentials().take(depth.astype(np.int32), mode="clip")
    return np.asarray(weight / weight.sum(1, dtype=np.float64, keepdims=True))


class Encoder:
    """Writes symbols, first in first out (Martin 1979, "Range encoding")."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def symbols(self, symbols: Ints, chances: Floats) -> None:
        """Write symbols (rows,) of probabilities (rows, symbols)."""
        family = constriction.stream.model.Categorical(lazy=True)
        self._coder.encode(symbols.astype(np.int32), family, np.ascontiguousarray(chances))

    def below(self, numbers: Ints, sizes: Ints) -> None:
        """Write numbers (rows,), each of them as likely as any other below its size (rows,)."""
        while (left := sizes > 1).any():
            numbers, sizes = numbers[left], sizes[left]
            digits = np.minimum(sizes, _LARGEST)
            family = constriction.stream.model.Uniform()
            self._coder.encode((numbers % digits).astype(np.int32), family, digits.astype(np.int32))
            numbers, sizes = numbers // digits, -(-sizes // digits)

    def bytes(self) -> bytes:
        """Give what was written."""
        return bytes(self._coder.get_compressed().astype(_WORD).tobytes())


class Decoder:
    """Reads what an `Encoder` wrote, in the same order.

    Examples
    --------
    >>> coder = Encoder()
    >>> coder.symbols(np.array([2, 0]), np.full((2, 3), 1 / 3))
    >>> coder.below(np.array([10**12, 7]), np.array([2 * 10**12, 8]))
    >>> again = Decoder(coder.bytes())
    >>> again.symbols(np.full((2, 3), 1 / 3)), again.below(np.array([2 * 10**12, 8]))
    (array([2, 0]), array([1000000000000,             7]))
    """

    def __init__(self, data: bytes) -> None:
        self._coder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, _WORD).astype(np.uint32))

    def symbols(self, chances: Floats) -> Ints:
        """Read symbols (rows,) of probabilities (rows, symbols)."""
        family = constriction.stream.model.Categorical(lazy=True)
        return np.asarray(self._coder.decode(family, chances), dtype=np.int64)

    def below(self, sizes: Ints) -> Ints:
        """Read numbers (rows,) below their sizes (rows,)."""
        numbers, factor, sizes = np.zeros_like(sizes), np.ones_like(sizes), sizes.copy()
        while (left := np.flatnonzero(sizes > 1)).size:
            digits = np.minimum(sizes[left], _LARGEST)
            family = constriction.stream.model.Uniform()
            read = np.asarray(self._coder.decode(family, digits.astype(np.int32)), dtype=np.int64)
            numbers[left] += read * factor[left]
            factor[left] *= digits
            sizes[left] = -(-sizes[left] // digits)
        return numbers


def pack(numbers: Ints) -> bytes:
    """Write whole numbers (any,) in few bytes: ascending or slowly changing ones, or few different ones.

    >>> len(pack(np.arange(5000))) < 30
    True
    >>> unpack(pack(np.array([-(2**62), 5, 5, 2**62]))).tolist()
    [-4611686018427387904, 5, 5, 4611686018427387904]
    """
    steps = np.diff(numbers, prepend=np.zeros(1, dtype=np.int64))  # wraps around, and back again when summed
    tries = [bytes([way]) + _squeezed(_planes(each)) for way, each in enumerate((numbers, steps))]
    if len(numbers) and (few := _counted(numbers)) is not None:
        tries.append(b"\x02" + few)
    return min(tries, key=len)


def unpack(data: bytes) -> Ints:
    """Read what `pack` wrote; `FileError` where it is nothing of the kind."""
    if data[:1] == b"\x02":
        return _recounted(data[1:])
    numbers = _from_planes(expand(data[1:]))
    return np.cumsum(numbers) if data[:1] == b"\x01" else numbers


def bundle(arrays: Sequence[Ints]) -> bytes:
    """Write many short arrays, ascending most of them, as one run of bytes: steps of seven bits a byte.

    >>> [array.tolist() for array in unbundle(bundle([np.array([-5, 7, 8]), np.array([], dtype=np.int64)]))]
    [[-5, 7, 8], []]
    """
    cells = bytearray()
    for array in arrays:
        steps = np.diff(array, prepend=np.zeros(1, dtype=np.int64))
        for number in [len(array), *((steps << 1) ^ (steps >> 63)).view(np.uint64).tolist()]:
            digits = max(-(-number.bit_length() // 7), 1)
            cells += bytes((number >> 7 * i & 127) | 128 for i in range(digits - 1))
            cells.append(number >> 7 * (digits - 1))
    return _squeezed(bytes(cells))


def unbundle(data: bytes) -> list[Ints]:
    """Read what `bundle` wrote; `FileError` where it is nothing of the kind."""
    numbers, number, shift = [], 0, 0
    for byte in expand(data):
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
        elif shift > 63:
            raise FileError("its facts are damaged")
    arrays, at = [], 0
    while at < len(numbers):
        held = numbers[at + 1 : at + 1 + numbers[at]]
        if len(held) != numbers[at] or max(held, default=0) >= 1 << 64:
            raise FileError("its facts are damaged")
        folded = np.array(held, dtype=np.uint64)
        steps = ((folded >> np.uint64(1)) ^ (np.uint64(0) - (folded & np.uint64(1)))).view(np.int64)
        arrays.append(np.cumsum(steps))
        at += 1 + len(folded)
    return arrays


_SOME = 1 << 14
_MOST = 1 << 28  # bytes that a file's own facts may take when expanded


def expand(data: bytes) -> bytes:
    """Undo zstd, as far as a file's facts can sensibly go; `FileError` beyond, and of what is no zstd."""
    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= _MOST:
            raise FileError("its facts are damaged")
        return bytes(zstandard.ZstdDecompressor().decompress(data, max_output_size=size or 1))
    except zstandard.ZstdError:
        raise FileError("its facts are damaged") from None


def _squeezed(data: bytes) -> bytes:
    return bytes(zstandard.ZstdCompressor(level=19).compress(data))


def _planes(numbers: Ints) -> bytes:
    """Lay out numbers byte plane by byte plane, as few planes as the largest needs, signs last in each."""
    folded = ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)
    width = max(1, (int(folded.max(initial=0)).bit_length() + 7) // 8)
    cells = folded.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    return bytes([width]) + cells.T.tobytes()


def _from_planes(data: bytes) -> Ints:
    width = data[0] if data else 0
    if not 1 <= width <= 8 or (len(data) - 1) % width:
        raise FileError("its facts are damaged")
    cells = np.zeros(((len(data) - 1) // width, 8), np.uint8)
    cells[:, :width] = np.frombuffer(data, np.uint8, offset=1).reshape(width, -1).T
    folded = cells.reshape(-1).view("<u8").astype(np.uint64)
    return ((folded >> np.uint64(1)) ^ (np.uint64(0) - (folded & np.uint64(1)))).view(np.int64)


def _counted(numbers: Ints) -> bytes | None:
    """Write small numbers at the cost of their own entropy: how often each occurs, then a range coder's bytes."""
    low, high = int(numbers.min()), int(numbers.max())
    if not -128 <= low <= high <= 127 or low == high:
        return None
    count = np.bincount(numbers - low)
    coder = Encoder()
    for some in range(0, len(numbers), _SOME):
        part = numbers[some : some + _SOME] - low
        coder.symbols(part, np.broadcast_to(count / count.sum(), (len(part), len(count))))
    facts = _squeezed(_planes(np.array([low, *count], dtype=np.int64)))
    return len(facts).to_bytes(4, "little") + facts + coder.bytes()


def _recounted(data: bytes) -> Ints:
    end = 4 + int.from_bytes(data[:4], "little")
    facts = _from_planes(expand(data[4:end]))
    low, count = int(facts[0]), facts[1:]
    if len(count) < 2 or count.min() < 0 or not 0 < int(count.sum()) <= _MOST or (len(data) - end) % 4:
        raise FileError("its facts are damaged")
    coder, total = Decoder(data[end:]), int(count.sum())
    sizes = [min(_SOME, total - some) for some in range(0, total, _SOME)]
    parts = [coder.symbols(np.ascontiguousarray(np.broadcast_to(count / total, (n, len(count))))) for n in sizes]
    return np.concatenate(parts) + low
