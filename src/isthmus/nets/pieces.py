"""Each token of a tokenizer as the bytes it stands for, and a row of them as readable text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Any

__all__ = ["Pieces"]

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Pieces:
    """What each token is as text, for tokenizers of bytes (GPT-2's and SmolLM2's) and of SentencePiece (Llama's).

    Examples
    --------
    >>> class Tiny:
    ...     all_special_tokens = ["</s>"]
    ...     def convert_ids_to_tokens(self, ids):
    ...         return [["</s>", "▁a", "<0xC3>", "<0xA9>"][i] for i in ids]
    >>> Pieces(Tiny()).texts([1, 2, 3, 0])
    [' a', '', 'é', '</s>']
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._of_bytes = backend is not None and "ByteLevel" in str(backend.decoder)
        self._special = set(tokenizer.all_special_tokens)
        self._known: dict[int, bytes] = {}

    def texts(self, ids: Sequence[int]) -> list[str]:
        """Give the text of each token; a character that several tokens make up is that of the last of them."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        found = [decoder.decode(self._bytes(int(token))) for token in ids]
        if found:
            found[-1] += decoder.decode(b"", True)
        return found

    def _bytes(self, token: int) -> bytes:
        if token not in self._known:
            self._known[token] = self._read(self._tokenizer.convert_ids_to_tokens([token])[0])
        return self._known[token]

    def _read(self, piece: str | None) -> bytes:
        if piece is None:  # the output layer is often longer than the vocabulary
            return "�".encode()
        if piece in self._special:
            return piece.encode()
        if self._of_bytes:
            if all(letter in _LETTERS for letter in piece):
                return bytes(_LETTERS[letter] for letter in piece)
            return piece.encode()
        if (match := _BYTE.fullmatch(piece)) is not None:
            return bytes([int(match[1], 16)])
        return piece.replace("▁", " ").encode()


def _letters() -> dict[str, int]:
    """Map the letters that GPT-2's tokenizer writes bytes with to those bytes (Radford et al. 2019)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + place): byte for place, byte in enumerate(hidden)}


_LETTERS = _letters()
