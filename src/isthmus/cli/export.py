"""``export``: a model for those who have neither isthmus nor torch."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.terminal import done
from isthmus.cli.words import word


def export(
    model: options.Model,
    out: Annotated[Path, word("-o", "--out", metavar="FOLDER", type=Path, help="folder to write to; made if need be")],
    to: Annotated[str, word("--to", metavar="KIND", choices=("onnx",), help="onnx, which is all there is")] = "onnx",
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write a model as ONNX graphs, which run without isthmus and without torch.

    FOLDER gets encoder.onnx and decoder.onnx, or denoiser.onnx, and model.json, which says what goes in and
    what comes out. Needs the extra onnx: pip install 'isthmus[onnx]'.

    For example:

      isthmus export houses.isthmus --to onnx -o houses-onnx/
    """
    from isthmus import load
    from isthmus.exporting import export as write

    written = write(load(model), out)
    result = {"out": out, "files": written, "bytes": sum(path.stat().st_size for path in written)}
    sentence = f"wrote {', '.join(map(str, written))}: {result['bytes']:,} bytes"
    done(sentence, result, quiet=quiet, as_json=json)
