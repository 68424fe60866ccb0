"""``open``: the local page for every job of a model."""

from pathlib import Path
from typing import Annotated

from isthmus.cli.words import switch, whole, word
from isthmus.errors import FileError, UsageError


def open_(
    model: Annotated[
        Path | None, word(metavar="MODEL", nargs="?", type=Path, help="a model that `isthmus fit` wrote")
    ] = None,
    data: Annotated[
        Path | None, word(metavar="DATA", nargs="?", type=Path, help="a table, or a folder of pictures, for the model")
    ] = None,
    folder: Annotated[
        Path | None,
        word("--folder", metavar="DIR", type=Path, help="what the page may open and keep; by default MODEL's folder"),
    ] = None,
    lm: Annotated[
        Path | None, word("--lm", metavar="LM", type=Path, help="the language model that features of MODEL can steer")
    ] = None,
    port: Annotated[int, word("--port", metavar="N", type=whole(0, 65535), help="by default one that is free")] = 0,
    no_browser: Annotated[bool, switch("--no-browser", help="only print the address")] = False,
) -> None:
    """Open a page on this machine: look at a model, its data, and every job.

    The page answers this machine only, at an address that holds a secret. Without MODEL it starts with
    what lies in the folder: models, tables, folders of pictures; new models are fitted there.

    For example:

      isthmus open
      isthmus open houses.isthmus houses.csv
      isthmus open digits.isthmus digits/ --port 8000 --no-browser
      isthmus open sae.isthmus acts/ --lm model.gguf
    """
    for path in (model, data, lm, folder):
        if path is not None and not path.exists():
            raise FileError(f"there is no file '{path}'")
    where = folder or (Path() if model is None else model.parent)
    if not where.is_dir():
        raise FileError(f"--folder {where}: is no folder")
    try:
        from isthmus.app.launch import launch
    except ModuleNotFoundError as error:
        raise UsageError(f"the page needs {error.name}: pip install 'isthmus[app]'") from None
    launch(model, data, where, language_model=lm, port=port, browser=not no_browser)
