"""Language models from local files: harvest their activations, and read them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus import concepts
from isthmus.concepts import Change, Changes, Flag, Guard, Guarded, Sae
from isthmus.data.activations import DTYPES
from isthmus.data.passages import mixed_passages
from isthmus.errors import FileError, UsageError
from isthmus.nets.language import Language
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.fit import pick_device
from isthmus.tasks.interpret.harvest import harvest
from isthmus.tasks.interpret.stream import Stream
from isthmus.training.logs import told

Floats = npt.NDArray[np.float32]
Texts = str | PathLike[str] | Sequence[str | PathLike[str]]
Measured = SparseAutoencoder | str | PathLike[str]

_BYTES_A_TOKEN = 4


class LanguageModel:
    """A causal language model in a local folder or a .gguf file, opened when it is first used; nothing is fetched.

    Parameters
    ----------
    path
        A folder in transformers' layout with safetensors, or a .gguf file.
    device
        "cpu", "cuda", "mps" or "auto"; weights are float32, on CUDA bfloat16.
    """

    def __init__(self, path: str | PathLike[str], *, device: str = "auto") -> None:
        self.path, self.device = Path(path), device

    @cached_property
    def opened(self) -> Language:
        """The model itself, with its torch modules.

        Raises
        ------
        FileError
            It is missing, broken, of an unknown kind, or no causal language model.
        UsageError
            The extra `lm` is not installed.
        """
        return Language.open(self.path, pick_device(self.device))

    def harvest(
        self,
        texts: Texts,
        out: str | PathLike[str],
        *,
        layer: int | Sequence[int],
        site: str = "residual",
        context: int = 128,
        tokens: int | None = None,
        dtype: str = "float32",
        column: str | None = None,
        unit: str | None = None,
        shard_rows: int = 65_536,
        verbose: bool = False,
    ) -> dict[str, Any]:
        """Run the model over texts and store its activations at a layer, one row a token.

        Killed and started again, it goes on after the last whole shard, and gives the folder that it would have given.

        Parameters
        ----------
        texts
            A file or several, as `isthmus.data.passages.read_passages` takes them; read in turn, equally much of each.
        out
            The folder to write; with several layers, a folder for each in it, such as layer-05.
        layer
            The block, counted from 0, or several that are computed in one pass.
        site
            "residual", the stream after the block; "mlp" or "attention", what these add to it.
        context
            Tokens that the model sees at most at a time; a longer passage is read in parts.
        tokens
            Stop after so many.
        dtype
            "float32", or "float16" for half the room.
        column, unit
            As in `read_passages`.
        shard_rows
            Rows a shard has at least; one shard a layer is in memory.
        verbose
            Whether to show progress on stderr.

        Returns
        -------
        dict
            Facts of the folder, or of the first of several: rows, passages, shards.

        Raises
        ------
        UsageError
            No such layer, site, unit or dtype.
        FileError
            The folder holds something else, or cannot be written; a text is missing or broken.
        DataError
            A text has no such column, or an activation is not finite.
        """
        if dtype not in DTYPES:
            raise UsageError(f"dtype {dtype!r} is unknown; known are {', '.join(DTYPES)}")
        paths = _paths(texts)
        facts = [_text_facts(path) for path in paths]
        return harvest(
            self.opened,
            mixed_passages(paths, column=column, unit=unit),
            Path(out),
            layer=layer,
            site=site,
            context=context,
            limit_tokens=tokens,
            dtype=dtype,
            texts=facts,
            expected=sum(fact["bytes"] for fact in facts) // _BYTES_A_TOKEN,
            shard_rows=shard_rows,
            progress=told(verbose, "harvest", "token"),
        )

    def stream(
        self,
        texts: Texts,
        *,
        layer: int,
        site: str = "residual",
        context: int = 128,
        batch_size: int = 2048,
        column: str | None = None,
        unit: str | None = None,
        seed: int = 0,
    ) -> Iterator[Floats]:
        """Give shuffled batches (batch_size, width) of activations as they are computed, with nothing stored.

        Parameters are those of `harvest`; `seed` is that of the order. The first tokens of texts, whose norm is more
        than four times the median, are left out.
        """
        passages = mixed_passages(_paths(texts), column=column, unit=unit)
        batches = Stream(
            self.opened, passages, layer=layer, site=site, context=context, batch_size=batch_size, seed=seed
        )
        for batch in batches:
            yield batch.numpy()

    def activations(self, text: str, *, layer: int, site: str = "residual") -> tuple[list[str], Floats]:
        """Give a text's tokens as text, and the activations (tokens, width) at a layer."""
        ids = self.opened.encode(text, self.opened.context)
        if not ids:
            raise UsageError("the text holds no token")
        batch, mask = self.opened.batch([ids])
        found = self.opened.activations(batch, mask, layer, site)[0].float().cpu().numpy()
        return self.opened.pieces(ids), found

    def measure(
        self, saes: Measured | Sequence[Measured], texts: Texts, *, tokens: int = 20_000, **options: Any
    ) -> list[dict[str, Any]]:
        """Measure what sparse autoencoders, or their files, keep of the model's activations on some texts.

        Parameters, further options and what comes back are those of `isthmus.measured.measure`.
        """
        from isthmus.measured import measure

        return measure(self, saes, texts, tokens=tokens, **options)

    def find(
        self, sae: Sae, text: Texts, against: Texts, *, n: int = 10, **reading: str | None
    ) -> list[dict[str, Any]]:
        """Give the features that best tell passages of one text from those of another, each by itself.

        Parameters
        ----------
        sae
            A sparse autoencoder of this model's activations, or its file.
        text, against
            Texts that have what is looked for, and others, as `harvest` takes them; of source code a passage is what
            stands between blank lines.
        n
            How many features.
        reading
            `column` and `unit`, as in `read_passages`.

        Returns
        -------
        list of dict
            Best first: `feature`, `auroc`, the mean scores `mean` and `against`, and `strength`, how high the feature
            rises in a passage of the text.
        """
        return concepts.find(self, sae, text, against, n=n, **reading)

    def monitor(self, sae: Sae, text: Texts, thresholds: Mapping[int, float], **reading: str | None) -> Iterator[Flag]:
        """Tell where features are above their thresholds, as soon as each passage is read.

        Parameters are those of `find`; `thresholds` are by feature, and only these features are computed.
        """
        return concepts.monitor(self, sae, text, thresholds, **reading)

    def steer(self, sae: Sae, prompt: str, changes: Changes, *, how: str = "clamp", **writing: Any) -> dict[str, Any]:
        """Write on from a prompt, without and with features changed at every token.

        Parameters
        ----------
        sae
            A sparse autoencoder of this model's activations, or its file.
        prompt
            The text to write on from.
        changes
            Amounts by feature, in units of its code, or `isthmus.concepts.Change`, where each is done another way.
        how
            What the amounts mean: "clamp" to them, "add" them, or "ablate", whatever they are.
        writing
            `new`, tokens to write, 40; `temperature`, 0; `top_p`, 1; `seed`, 0.

        Returns
        -------
        dict
            `prompt`; `without` and `with`, what is written; `next`, the tokens whose probability to come next changes
            most.
        """
        return concepts.steer(self, sae, prompt, changes, how=how, **writing)

    def towards(self, sae: Sae, text: Texts, away: Texts, **options: Any) -> list[Change]:
        """Choose features to change, so that the model writes more as one text and less as another.

        Parameters
        ----------
        sae
            A sparse autoencoder of this model's activations, or its file.
        text, away
            Texts that are written as is wanted, and as is not, as `find` takes them; a hundred lines of each will do.
        options
            `raised`, 10: how many features that fire more in `text` are clamped high, each to `strength`, 3, times its
            mean there, and half that after 8 tokens; `silenced`, 80: how many that fire more in `away` are ablated;
            `column` and `unit`.

        Returns
        -------
        list of isthmus.concepts.Change
            What `steer` and `steered` take.
        """
        return concepts.towards(self, sae, text, away, **options)

    def steered(self, sae: Sae, changes: Changes, *, how: str = "clamp") -> AbstractContextManager[None]:
        """Change features wherever `opened` runs within the block, transformers' own `generate` too; see `steer`."""
        return concepts.steered(self, sae, changes, how=how)

    def guard(self, sae: Sae, thresholds: Mapping[int, float]) -> Guard:
        """Make a guard, which is a stopping criterion of transformers' `generate` within its `watching()`."""
        return concepts.guard(self, sae, thresholds)

    def guarded(self, sae: Sae, prompt: str, thresholds: Mapping[int, float], **writing: Any) -> Guarded:
        """Write on from a prompt and let no token through at which a feature is above its threshold.

        Parameters are those of `steer`; ``then="stop"`` ends before such a token, "rewrite" takes another in its place.
        """
        return concepts.guarded(self, sae, prompt, thresholds, **writing)


def _paths(texts: Texts) -> list[Path]:
    if isinstance(texts, str | PathLike):
        return [Path(texts)]
    if not texts:
        raise UsageError("there is no text to read: name a file or several")
    return [Path(text) for text in texts]


def _text_facts(path: Path) -> dict[str, Any]:
    """Say what tells a text from another: its name, size and hash."""
    if not path.is_file():
        raise FileError(f"'{path}' is a folder: name files in it" if path.is_dir() else f"'{path}': no such file")
    with path.open("rb") as file:
        return {
            "name": path.name,
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
