"""How a table is written: columns one after another, each foretold by others, its remainder a symbol of an alphabet.

A plan is learnt from all rows, and then writes and reads blocks of them, each on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from isthmus.errors import FileError
from isthmus.tasks.compress.alphabets import Alphabet, contexts
from isthmus.tasks.compress.coder import Decoder, Encoder, Floats, Ints, bundle, pack, unbundle, unpack
from isthmus.tasks.compress.exact import Product, Whole
from isthmus.tasks.compress.relations import NOTHING, Relation, add_up, find, remainder

ROWS = 16_384
"""Rows of a block: enough that what each block costs by itself is nothing, few enough to be read alone."""
_NOBODY = Alphabet(np.zeros(0, np.int64), np.zeros(0, np.int64), None)
"""The alphabet of a column that nobody reads."""


@dataclass(frozen=True, eq=False)
class Columns:
    """What is known of columns before anything is learnt: which hold levels, which minutes of a day, how many decimals.

    `slack` is by how many whole numbers each may be off.
    """

    level: tuple[bool, ...]
    clock: tuple[bool, ...]
    decimals: tuple[int, ...]
    slack: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """How the columns of a table are written.

    Attributes
    ----------
    slack
        By how many whole numbers each column may be off.
    order
        The columns, each after those that foretell it.
    relations, alphabets, contexts
        For each column: how it is foretold, the symbols of what remains, and those by which others know it.
    whole
        How likely symbols are, given the cells before; None until it is learnt.
    """

    slack: tuple[int, ...]
    order: tuple[int, ...]
    relations: tuple[Relation, ...]
    alphabets: tuple[Alphabet, ...]
    contexts: tuple[Alphabet, ...]
    whole: Whole | None = None

    @classmethod
    def learn(cls, cells: Ints, columns: Columns, stepped: float = 0.5) -> Plan:
        """Learn all but likelihoods from cells (rows, columns), in their order; `stepped` as in `find`."""
        relations = find(cells, [not level for level in columns.level], columns.clock, columns.decimals, stepped)
        order = _ordered(relations, [len(np.unique(column[:50_000])) for column in cells.T])
        bare = cls(columns.slack, order, tuple(relations), (_NOBODY,) * len(order), (_NOBODY,) * len(order))
        left, again = np.empty_like(cells), np.empty_like(cells)
        for start in range(0, len(cells), ROWS):
            some = slice(start, start + ROWS)
            left[some], again[some], _ = bare._foretold(cells[some])
        alphabets = tuple(Alphabet.learn(column) for column in left.T)
        known = tuple(contexts(column, level) for column, level in zip(again.T, columns.level, strict=True))
        return replace(bare, alphabets=alphabets, contexts=known)

    @property
    def kinds(self) -> list[str]:
        """How each column is foretold."""
        return [relation.kind for relation in self.relations]

    @cached_property
    def written(self) -> list[int]:
        """Columns that hold something to write, in order."""
        return [c for c in self.order if self.alphabets[c].size > 1 or (self.alphabets[c].widths > 1).any()]

    @property
    def known(self) -> list[int]:
        """Symbols by which others know each column that is written."""
        return [self.contexts[c].size for c in self.written]

    @property
    def sizes(self) -> list[int]:
        """Symbols of each column that is written."""
        return [self.alphabets[c].size for c in self.written]

    def symbols(self, cells: Ints) -> tuple[Ints, Ints]:
        """Give what a chain learns from: symbols by which others know cells (rows, written), and symbols of them."""
        pairs = []
        for start in range(0, len(cells), ROWS):
            left, again, _ = self._foretold(cells[start : start + ROWS])
            known = [self.contexts[c].symbols(again[:, c]) for c in self.written]
            own = [self.alphabets[c].symbols(left[:, c]) for c in self.written]
            pairs.append((np.stack(known, 1), np.stack(own, 1)))
        return np.concatenate([known for known, _ in pairs]), np.concatenate([own for _, own in pairs])

    def encode(self, cells: Ints) -> tuple[bytes, Ints, Floats]:
        """Write a block of cells (rows, columns).

        Returns its bytes, the cells as they will be read (rows, columns), which are others where they had no symbol,
        and the bits that each column took.
        """
        assert self.whole is not None
        left, again, firsts = self._foretold(cells)
        coder, bits, state = Encoder(), np.zeros(cells.shape[1]), self.whole.start(len(cells))
        for j, c in enumerate(self.written):
            alphabet = self.alphabets[c]
            own = alphabet.symbols(left[:, c])
            for some, chances in self.whole.chances(state, j):
                coder.symbols(own[some], chances)
                bits[c] -= np.log2(np.take_along_axis(chances, own[some, None], 1)).sum()
            widths = alphabet.width(own)
            coder.below(alphabet.offsets(left[:, c], own), widths)
            bits[c] += np.log2(widths).sum()
            self.whole.read(state, j, self.contexts[c].symbols(again[:, c]))
        head = pack(np.array([len(cells), *firsts], dtype=np.int64))
        return len(head).to_bytes(2, "little") + head + coder.bytes(), again, bits

    def decode(self, data: bytes, rows: int | None = None) -> Ints:
        """Read a block (rows, columns); `rows` at a time, where that is asked for."""
        assert self.whole is not None
        end = 2 + int.from_bytes(data[:2], "little")
        head = unpack(data[2:end])
        previous = [c for c in self.order if self.relations[c].kind == "previous"]
        if len(head) != 1 + len(previous) or not 0 < head[0] <= ROWS or (len(data) - end) % 4:
            raise FileError("its beginning makes no sense")
        firsts = dict(zip(previous, head[1:].tolist(), strict=True))
        count, coder, places = int(head[0]), Decoder(data[end:]), {c: j for j, c in enumerate(self.written)}
        cells, state = np.zeros((count, len(self.order)), np.int64), self.whole.start(count)
        for c in self.order:
            alphabet, own = self.alphabets[c], np.zeros(count, np.int64)
            offsets = own
            if c in places:
                parts = [coder.symbols(chances) for _, chances in self.whole.chances(state, places[c], rows)]
                own = np.concatenate(parts)
                offsets = coder.below(alphabet.width(own))
            left = alphabet.cells(own, offsets)
            cells[:, c] = self._added(c, left, cells, firsts.get(c, 0))
            if c in places:
                self.whole.read(state, places[c], self.contexts[c].symbols(cells[:, c]))
        return cells

    def _added(self, c: int, left: Ints, known: Ints, first: int) -> Ints:
        """Give a column (rows,) from what is left of it once it is foretold by known ones."""
        step = 2 * self.slack[c] + 1
        there = left > NOTHING
        whole = np.where(there, left * step, left)
        if self.relations[c].kind == "previous":
            return add_up(whole, first)
        return np.where(there, whole + self.relations[c].foretell(known), left)

    def _foretold(self, cells: Ints) -> tuple[Ints, Ints, list[int]]:
        """Give what is left of cells (rows, columns) once foretold, the cells as they will be read, and first cells.

        A cell whose remainder has no symbol is read as the nearest that has one.
        """
        left, again, firsts = np.zeros_like(cells), np.zeros_like(cells), []
        for c in self.order:
            relation, step = self.relations[c], 2 * self.slack[c] + 1
            column = cells[:, c]
            if relation.kind == "previous":
                there = column > NOTHING
                first = int(column[np.argmax(there)]) if there.any() else 0
                firsts.append(first)
                grid = np.where(there, (column - first + self.slack[c]) // step, column)
                left[:, c] = self._stepped(c, grid)
                again[:, c] = self._added(c, left[:, c], again, first)
                continue
            rest = np.where(column > NOTHING, column - relation.foretell(again), column)
            rest = np.where(rest > NOTHING, (rest + self.slack[c]) // step, rest)
            alphabet = self.alphabets[c]
            if alphabet.size:
                for row in np.flatnonzero(alphabet.symbols(rest) < 0):
                    rest[row] = alphabet.nearest(int(rest[row]))
            left[:, c] = rest
            again[:, c] = self._added(c, rest, again, 0)
        return left, again, firsts

    def _stepped(self, c: int, grid: Ints) -> Ints:
        """Give the steps from each row to the next; where one has no symbol, the nearest one, and so on from there."""
        alphabet = self.alphabets[c]
        steps = remainder(Relation("previous"), grid[:, None], 0)
        if not alphabet.size or (alphabet.symbols(steps) >= 0).all():
            return steps
        place = int(grid[np.argmax(grid > NOTHING)])
        for row, aim in enumerate(grid.tolist()):
            steps[row] = alphabet.nearest(aim - place if aim > NOTHING else aim)
            place += int(steps[row]) if steps[row] > NOTHING else 0
        return steps

    def facts(self) -> tuple[dict[str, Any], bytes]:
        """Give what `from_facts` needs: words for JSON, and packed numbers."""
        assert self.whole is not None
        arrays: list[Ints] = []

        def keep(array: Ints) -> None:
            arrays.append(array.reshape(-1))

        def table(relation: Relation) -> list[int]:
            """Write the keys of a lookup column by column, each of which ascends or repeats."""
            keep(relation.keys.T)
            keep(relation.values)
            return [len(relation.values)]

        def kept(alphabet: Alphabet) -> int | None:
            keep(alphabet.starts)
            keep(alphabet.shape())
            return alphabet.absent

        read = self.whole.width > 0  # else nobody knows anything of another column

        words = {
            "slack": self.slack,
            "order": self.order,
            "width": self.whole.width,
            "relations": [
                [r.kind, r.parts, r.signs, r.wrap, *table(r)] if r.kind != "none" else [] for r in self.relations
            ],
            "alphabets": [kept(alphabet) for alphabet in self.alphabets],
            "contexts": [kept(alphabet) for alphabet in self.contexts] if read else [],
        }
        bundled = bundle(arrays)
        return words, len(bundled).to_bytes(4, "little") + bundled + self.whole.pack()

    @classmethod
    def from_facts(cls, words: dict[str, Any], held: bytes, product: Product = np.matmul) -> Plan:
        """Make the plan that `facts` described; `FileError` where it makes no sense."""
        end = 4 + int.from_bytes(held[:4], "little")
        arrays = iter(unbundle(held[4:end]))

        def alphabet(absent: int | None) -> Alphabet:
            return Alphabet.of(next(arrays), next(arrays), absent)

        def relation(kept: Sequence[Any]) -> Relation:
            if not kept:
                return Relation()
            kind, of, signs, wrap, entries = kept
            keys, values = next(arrays).reshape(len(of), entries), next(arrays)
            return Relation(kind, tuple(of), tuple(signs), wrap, np.ascontiguousarray(keys.T), values)

        relations = tuple(relation(kept) for kept in words["relations"])
        alphabets = tuple(alphabet(absent) for absent in words["alphabets"])
        known = [alphabet(absent) for absent in words["contexts"]] or [_NOBODY] * len(alphabets)
        plan = cls(tuple(words["slack"]), tuple(words["order"]), relations, alphabets, tuple(known))
        whole = Whole.unpack(plan.known, plan.sizes, words["width"], held[end:])
        return replace(plan, whole=replace(whole, product=product))


def _ordered(relations: Sequence[Relation], sizes: Sequence[int]) -> tuple[int, ...]:
    """Put columns after those that foretell them, and of several the one of fewest values first.

    What has few values is soon told, and then helps to tell the rest.
    """
    order: list[int] = []
    left = set(range(len(relations)))
    while left:
        ready = [c for c in left if all(part in order for part in relations[c].parts)]
        order.append(min(ready, key=lambda c: (sizes[c], c)))
        left.remove(order[-1])
    return tuple(order)
