"""``lm harvest``: run a language model over text and store its activations."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.lm_options import LM, Column, Unit
from isthmus.cli.progress import shows_progress
from isthmus.cli.terminal import done
from isthmus.cli.words import whole, word


@shows_progress()
def harvest(
    lm: LM,
    text: Annotated[
        list[Path], word(metavar="TEXT", type=Path, nargs="+", help="texts: .txt, .jsonl, .parquet, source code, ...")
    ],
    out: Annotated[Path, word("-o", "--out", metavar="ACTS", type=Path, help="folder to write")],
    layer: Annotated[
        list[int],
        word(
            "--layer", metavar="L", type=whole(0), nargs="+", help="block, counted from 0; several write ACTS/layer-L"
        ),
    ],
    site: Annotated[
        str, word("--site", metavar="SITE", help="residual, the stream after the block; or mlp, attention")
    ] = "residual",
    context: Annotated[
        int, word("--context", metavar="N", type=whole(2), help="tokens the model sees at a time; 128")
    ] = 128,
    tokens: Annotated[int | None, word("--tokens", metavar="N", type=whole(1), help="stop after so many")] = None,
    dtype: Annotated[str, word("--dtype", metavar="KIND", help="float32, or float16 for half the room")] = "float32",
    column: Column = None,
    unit: Unit = None,
    device: Annotated[str, word("--device", metavar="NAME", help="cpu, cuda or mps; by default the best there is")] = (
        "auto"
    ),
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Run a language model over texts and store its activations at a layer.

    One row a token, in shards of some 65,000 rows, with the tokens they came from. Texts are read in turn, equally much
    of each. The layers after the last that is asked for are not computed. Started again after a kill, it goes on after
    the last whole shard; the folder is the same as without the kill.

    For example:

      isthmus lm harvest model.gguf fr.txt en.txt code.jsonl -o acts --layer 10 --tokens 1000000
      isthmus lm harvest smollm/ texts.parquet -o acts --layer 5 10 --site mlp --dtype float16
    """
    from isthmus.language import LanguageModel

    facts = LanguageModel(lm, device=device).harvest(
        text,
        out,
        layer=layer[0] if len(layer) == 1 else layer,
        site=site,
        context=context,
        tokens=tokens,
        dtype=dtype,
        column=column,
        unit=unit,
        verbose=not quiet,
    )
    told = {name: facts[name] for name in ("lm", "layer", "site", "width", "rows", "passages", "dtype")}
    size = facts["rows"] * facts["width"] * (4 if facts["dtype"] == "float32" else 2) * len(layer)
    sentence = f"wrote {out}: {facts['rows']:,} tokens of {facts['passages']:,} passages, {size / 1e6:,.1f} MB"
    done(sentence, {"out": out, **told, "layer": layer}, quiet=quiet, as_json=json)
