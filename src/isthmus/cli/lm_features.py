"""``lm features``: a page of a sparse autoencoder's features."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.terminal import done
from isthmus.cli.words import whole, word

SAE = Annotated[Path, word(metavar="SAE", type=Path, help="a sparse autoencoder that `isthmus fit ACTS` wrote")]


def features(
    sae: SAE,
    acts: Annotated[Path, word(metavar="ACTS", type=Path, help="activations that `isthmus lm harvest` wrote")],
    lm: Annotated[
        Path | None,
        word(
            metavar="[LM]",
            type=Path,
            nargs="?",
            help="the language model they come from, to tell which words a feature makes likelier",
        ),
    ] = None,
    out: Annotated[Path, word("-o", "--out", metavar="PAGE", type=Path, help="page to write: .html")] = Path(
        "features.html"
    ),
    examples: Annotated[
        int, word("--examples", metavar="N", type=whole(1, 100), help="strongest examples a feature; 20")
    ] = 20,
    endpoint: Annotated[
        str | None,
        word("--endpoint", metavar="URL", help="let a chat model write labels: examples are sent to this URL"),
    ] = None,
    ask: Annotated[
        int, word("--ask", metavar="N", type=whole(1), help="features it is asked for, the most frequent; 100")
    ] = 100,
    device: Annotated[str, word("--device", metavar="NAME", help="cpu, cuda or mps; by default the best there is")] = (
        "auto"
    ),
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write a page that shows every feature: where it fires, which words it makes likelier, and a label.

    One file that loads nothing: a list to sort and search, and a page for each feature with its strongest examples,
    some drawn from all where it fires, how strongly it fires and on which texts, and the features nearest to it. Labels
    are found by counting; with --endpoint a chat model (OpenAI's protocol) writes some. A key for it is read from
    ISTHMUS_ENDPOINT_KEY, the model's name from ISTHMUS_ENDPOINT_MODEL.

    For example:

      isthmus lm features sae.isthmus acts model.gguf -o features.html
      isthmus lm features sae.isthmus acts model.gguf --endpoint http://localhost:8080/v1/chat/completions
    """
    options.check_out(out, (".html",), inputs=[sae])
    from isthmus.report.features import browse

    facts = browse(
        sae,
        acts,
        out,
        lm,
        examples=examples,
        endpoint=endpoint,
        asked=ask,
        device=device,
        verbose=not quiet,
    )
    sentence = (
        f"wrote {out}: {facts['features']:,} features over {facts['tokens']:,} tokens in {facts['seconds']:.0f} s,"
        f" {facts['bytes'] / 1e6:.1f} MB"
    )
    done(sentence, {"out": out, **facts}, quiet=quiet, as_json=json)
