"""``features``: a page of what each number of a sparse code means."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.terminal import done
from isthmus.cli.words import whole, word


def features(
    model: options.Model,
    data: Annotated[
        Path, word(metavar="DATA", type=Path, help="a table, an array (.npy), or a folder of pictures or sounds")
    ],
    out: Annotated[Path, word("-o", "--out", metavar="PAGE", type=Path, help="page to write: .html")],
    examples: Annotated[
        int, word("--examples", metavar="N", type=whole(1, 100), help="strongest rows or patches a feature; 20")
    ] = 20,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write a page that shows what each feature of a sparse code means.

    For a model of a table that was fitted with --code sparse:..., and for a sparse autoencoder of an array, of pictures
    or of sounds: where each feature fires most, how often and how strongly, and what it does, which is which columns
    it moves, or the patch that it draws. Features of a language model: isthmus lm features.

    For example:

      isthmus features houses.isthmus houses.csv -o features.html
      isthmus features patches.isthmus photos/ -o features.html
    """
    options.check_out(out, (".html",), inputs=[model, data])
    from isthmus import Autoencoder, load
    from isthmus.errors import UsageError
    from isthmus.report.patch_features import browse_patches
    from isthmus.report.row_features import browse_rows
    from isthmus.sparse import SparseAutoencoder

    if (data / "activations.json").is_file():
        raise UsageError(
            f"'{data}' holds a language model's activations: isthmus lm features {model} {data} LM -o {out}"
        )
    loaded = load(model)
    if not isinstance(loaded, Autoencoder | SparseAutoencoder):
        raise UsageError(f"'{model}' holds only a part of a model")
    if data.is_dir():
        if isinstance(loaded, Autoencoder):
            raise UsageError(f"'{model}' is of a table: give a table, not a folder")
        facts = browse_patches(loaded, data, out, examples=examples)
    else:
        facts = browse_rows(loaded, data, out, examples=examples)
    sentence = f"wrote {out}: {facts['features']:,} features over {facts['rows']:,} rows, {facts['bytes'] / 1e6:.1f} MB"
    done(sentence, {"out": out, **facts}, quiet=quiet, as_json=json)
