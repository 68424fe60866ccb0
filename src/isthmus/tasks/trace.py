"""A network as an ONNX graph: traced, without anything of the machine it was traced on."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from isthmus.errors import UsageError
from isthmus.nets.graphs import Graph

OPSET = 18
"""Version of ONNX's operators: that of late 2022, which every runtime now knows."""


def to_onnx(graph: Graph) -> bytes:
    """Trace a graph, whose first axes may then be of any length, and give what its file is to hold.

    Raises
    ------
    UsageError
        Where the packages that write ONNX are not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(f"export needs the package {error.name}: pip install 'isthmus[onnx]'") from None
    shapes = {name: {0: "n", **graph.sides.get(name, {})} for name in graph.inputs}
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            copy.deepcopy(graph.module).cpu().eval(),
            kwargs=dict(graph.inputs),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_shapes=_axes(shapes),
            custom_translation_table=_operators(),
            verbose=False,
        )
    assert program is not None
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # where in which file it was traced
        node.doc_string = None
    program.model.metadata_props.clear()
    return bytes(program.model_proto.SerializeToString())


def _axes(names: dict[str, dict[int, str]]) -> dict[str, dict[int, Any]]:
    """Give axes of the same name one length, whatever it is."""
    lengths = {name: torch.export.Dim(name, min=1) for axes in names.values() for name in axes.values()}
    return {key: {axis: lengths[name] for axis, name in axes.items()} for key, axes in names.items()}


def _operators() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Give torch's operators that ONNX has no own for, and what they are there."""
    import onnxscript

    to: Any = onnxscript.opset18

    def searchsorted(
        sorted_sequence: Any,
        self: Any,
        out_int32: bool = False,
        right: bool = False,
        side: str | None = None,
        sorter: Any = None,
    ) -> Any:
        """Count those of each sequence (..., m) that come before its numbers (..., n)."""
        numbers, sequence = to.Unsqueeze(self, [-1]), to.Unsqueeze(sorted_sequence, [-2])
        before = to.GreaterOrEqual if right or side == "right" else to.Greater
        return to.ReduceSum(to.Cast(before(numbers, sequence), to=onnxscript.INT64.dtype), [-1], keepdims=0)

    return {torch.ops.aten.searchsorted.Tensor: searchsorted}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the exporter tells of its own work."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
