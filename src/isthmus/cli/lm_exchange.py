"""``lm export`` and ``lm import``: sparse autoencoders for others' tools, and from them."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.terminal import done
from isthmus.cli.words import word
from isthmus.errors import FileError, UsageError

LAYOUTS = ("saelens",)
To = Annotated[str, word("--to", metavar="LAYOUT", help="saelens, the only one so far")]


def export(
    sae: Annotated[Path, word(metavar="SAE", type=Path, help="a sparse autoencoder that `isthmus fit ACTS` wrote")],
    out: Annotated[Path, word("-o", "--out", metavar="FOLDER", type=Path, help="folder to write")],
    to: To = "saelens",
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write a sparse autoencoder in the layout of SAELens, which gives the same codes.

    In Python, `sae_lens.SAE.load_from_disk(FOLDER)` opens it. BatchTopK and Matryoshka are written as JumpReLU, their
    one threshold for every feature.

    For example:

      isthmus lm export sae.isthmus -o folder
    """
    if to not in LAYOUTS:
        raise UsageError(f"--to {to}: unknown layout; known is {', '.join(LAYOUTS)}")
    if out.exists() and not out.is_dir():
        raise FileError(f"'{out}' is a file: name a folder to write")
    if not out.parent.is_dir():
        raise FileError(f"'{out}' cannot be written: there is no folder '{out.parent}'")
    from isthmus.saelens import export_saelens
    from isthmus.sparse import SparseAutoencoder
    from isthmus.store import load

    model = load(sae)
    if not isinstance(model, SparseAutoencoder):
        raise UsageError(f"'{sae}' is no sparse autoencoder of activations: `isthmus fit ACTS` makes one")
    settings = export_saelens(model, out)
    result = {"out": out, **{name: settings[name] for name in ("architecture", "d_in", "d_sae")}}
    sentence = f"wrote {out}: {settings['architecture']}, {settings['d_sae']:,} features; SAE.load_from_disk opens it"
    done(sentence, result, quiet=quiet, as_json=json)


def import_(
    folder: Annotated[
        Path, word(metavar="FOLDER", type=Path, help="a folder with cfg.json and sae_weights.safetensors")
    ],
    out: Annotated[Path, word("-o", "--out", metavar="SAE", type=Path, help="the file to write, e.g. sae.isthmus")],
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Read a sparse autoencoder in the layout of SAELens, so that all verbs know it.

    Architectures: standard, topk, jumprelu, batchtopk, matryoshka, gated, and transcoders. What normalises activations
    row by row is refused.

    For example:

      isthmus lm import folder -o sae.isthmus
    """
    options.check_out(out, inputs=[folder])
    from isthmus.saelens import import_saelens

    model = import_saelens(folder)
    model.save(out)
    facts = model.facts_
    where = "an unknown place" if facts["layer"] is None else f"layer {facts['layer']}, {facts['site']}"
    result = {"out": out, "code": str(model.net.kind), "width": model.net.width, "features": model.net.size}
    result |= {name: facts[name] for name in ("lm", "layer", "site")}
    sentence = f"wrote {out}: {model.net.kind}, {model.net.size:,} features at {where} of {facts['lm']}"
    done(sentence, result, quiet=quiet, as_json=json)
