"""A model for those who have neither isthmus nor torch: ONNX graphs, and in JSON all that it takes to use them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import NotFittedError

from isthmus import __version__
from isthmus.as_json import to_json
from isthmus.data.schema import Schema
from isthmus.errors import FileError, UsageError
from isthmus.files import writing
from isthmus.nets import graphs, graphs_of_pictures
from isthmus.nets.graphs import Graph
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.trace import to_onnx

FORMAT = 1
"""Goes up when graphs or JSON change so that old readers would err."""
FACTS = "model.json"

Told = tuple[list[Graph], dict[str, Any]]


def export(model: Any, folder: str | PathLike[str]) -> list[Path]:
    """Write a fitted model as ONNX graphs and a `model.json` that says how to use them; give the files written.

    Parameters
    ----------
    model
        An `Autoencoder`, its `encoder` or `decoder`, a `PictureAutoencoder`, `SparseAutoencoder`, `Denoiser`,
        `SpeechDenoiser` or `Diffusion`.
    folder
        Where to write `encoder.onnx`, `decoder.onnx` or `denoiser.onnx`, and `model.json`. It is made if it is not
        there; files of these names are replaced, others stay.

    Raises
    ------
    UsageError
        For a model that is more than a network, such as a `Map`, or where `isthmus[onnx]` is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from isthmus import Autoencoder
    >>> model = Autoencoder(2, epochs=1, width=8, blocks=1).fit(load_iris(as_frame=True).frame)
    >>> [path.name for path in export(model, tempfile.mkdtemp())]
    ['encoder.onnx', 'decoder.onnx', 'model.json']
    """
    kind = getattr(model, "kind", type(model).__name__)
    if kind not in PARTS:
        raise UsageError(f"a {type(model).__name__} cannot be exported: {REFUSED.get(kind, 'it is no model')}")
    parts, facts = PARTS[kind](model)
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise FileError(f"'{fspath(folder)}' is a file: name a folder to write to")
    if not target.absolute().parent.is_dir():
        raise FileError(f"'{fspath(folder)}' cannot be made: there is no folder '{target.absolute().parent}'")
    held = {f"{graph.name}.onnx": to_onnx(graph) for graph in parts}
    told = {"format": FORMAT, "isthmus": __version__, "kind": kind, "graphs": {g.name: _told(g) for g in parts}}
    text = json.dumps(json.loads(to_json(told | facts)), ensure_ascii=False, indent=1)
    held[FACTS] = (text + "\n").encode()
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"'{fspath(folder)}' cannot be made: {error.strerror}") from None
    for name, content in held.items():
        with writing(target / name) as temporary:
            temporary.write_bytes(content)
    return [target / name for name in held]


def _told(graph: Graph) -> dict[str, Any]:
    """Tell a graph's file, and its inputs' types and sides: a word for one that may be of any length."""
    inputs = {}
    for name, example in graph.inputs.items():
        free = {0: "n", **graph.sides.get(name, {})}
        shape = [free.get(axis, side) for axis, side in enumerate(example.shape)]
        inputs[name] = {"type": str(example.dtype).removeprefix("torch."), "shape": shape}
    return {"file": f"{graph.name}.onnx", "inputs": inputs, "outputs": list(graph.outputs)}


def _table(model: Any) -> Told:
    """Give the halves that a model of a table has, and its columns."""
    if not hasattr(model, "net_"):
        raise NotFittedError(f"this {type(model).__name__} is not fitted yet: call fit before export")
    net, halves = model.net_, []
    if next(net.parameters()).device.type != "cpu":  # what is made once of its bins is then made where it is traced
        net = copy.deepcopy(net).cpu()
    if model.kind != "decoder":
        low, high = (_ends(model.schema_, end) for end in ("low", "high"))
        halves.append(graphs.RowsToCode(net, low, high).graph())
    if model.kind != "encoder":
        halves.append(graphs.CodeToRows(net).graph())
    columns = [column | tokens for column, tokens in zip(_columns(model.schema_), _tokens(net), strict=True)]
    carried = [variable.name for variable in model.schema_.carried]
    condition = [columns[j]["name"] for j in net.condition]
    return halves, {"code": net.code.to_dict(), "columns": columns, "condition": condition, "left_out": carried}


def _ends(schema: Schema, end: str) -> torch.Tensor:
    """Give an end of every column's range: infinite where it has none."""
    beyond = -np.inf if end == "low" else np.inf
    return torch.tensor([getattr(variable, end, beyond) for variable in schema.coded], dtype=torch.float64)


def _columns(schema: Schema) -> list[dict[str, Any]]:
    """Tell the columns that rows consist of, in order, as schemas do."""
    coded = {variable.name for variable in schema.coded}
    return [dict(told) for told in schema.to_dict()["variables"] if told["name"] in coded]


def _tokens(net: Hourglass) -> list[dict[str, Any]]:
    """Tell of each column which probabilities are its own, and of a number which bin each stands for.

    Those of a category are in the order of its values; the last is that of "missing", where cells were missing.
    """
    told = []
    for likelihood, place in zip(net.columns.likelihoods, net.columns.slices, strict=True):
        tokens: dict[str, Any] = {"probabilities": [place.start, place.stop], "missing_is_a_value": likelihood.missing}
        if isinstance(likelihood, Numeric):
            ends = (likelihood.inside[:, 0], likelihood.centre, likelihood.inside[:, -1])
            tokens["bins"] = [
                dict(zip(("from", "mean", "to"), bin_, strict=True)) for bin_ in torch.stack(ends, 1).tolist()
            ]
        told.append(tokens)
    return told


def _pictures(model: Any) -> Told:
    """Give both halves of an autoencoder of pictures."""
    net = model._fitted()
    halves = [graphs_of_pictures.PicturesToCode(net).graph(), graphs_of_pictures.CodeToPictures(net).graph()]
    return halves, {"code": net.code.to_dict(), "labels": model.labels_}


def _dictionary(model: Any) -> Told:
    """Give both halves of a sparse autoencoder."""
    net = model._fitted()
    halves = [graphs.ActivationsToCode(net).graph(), graphs.CodeToActivations(net).graph()]
    return halves, {"code": net.kind.to_dict()}


def _denoiser(model: Any) -> Told:
    """Give the network of a denoiser; how noisy a picture is has to be told."""
    return [graphs_of_pictures.Denoise(model._fitted()).graph()], {}


def _speech(model: Any) -> Told:
    """Give the network of a denoiser of speech with its spectrograms; whoever has it cuts samples into blocks."""
    net = model._fitted()
    around, step = net.around
    return [graphs.DenoiseSpeech(net).graph()], {"around": around, "step": step}


def _diffusion(model: Any) -> Told:
    """Give one look of a diffusion, and the halves of its code: whoever has them goes through the levels."""
    found = [graphs_of_pictures.DiffusionStep(model._fitted(), model.shape()).graph()]
    if model.grid is not None:
        size = tuple(model.facts_["size"])
        found.append(graphs_of_pictures.PicturesToGrid(model.grid, size).graph())
        found.append(graphs_of_pictures.GridToPictures(model.grid, size).graph())
    return found, {"labels": model.labels_}


PARTS: Mapping[str, Callable[[Any], Told]] = {
    "autoencoder": _table,
    "encoder": _table,
    "decoder": _table,
    "pictures": _pictures,
    "dictionary": _dictionary,
    "denoiser": _denoiser,
    "speech": _speech,
    "diffusion": _diffusion,
}
REFUSED = {
    "map": "it places rows by a search among those laid out and 30 steps of its loss, which is no network; "
    "export the model whose codes it draws",
    "series": "means around each moment are made before its network; export its `model_`, which takes them",
}
