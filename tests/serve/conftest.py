"""A small model behind the service, asked in the tests' own process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
import pytest

import isthmus as im

pytest.importorskip("prometheus_client", reason="serving needs isthmus[serve]")

from fastapi.testclient import TestClient

from isthmus.serve.rows import Rows
from isthmus.serve.server import ARROW, create_app

Serve = Callable[..., TestClient]


@pytest.fixture(scope="session")
def model(houses_model) -> im.Autoencoder:
    return im.load(houses_model)


@pytest.fixture(scope="session")
def sent(houses) -> list[dict[str, Any]]:
    """Five houses as JSON has them, each without its zone or its price."""
    rows = [{name: cells[i] for name, cells in houses.items()} for i in range(5)]
    for i, row in enumerate(rows):
        row["sold"] = str(row["sold"])
        row["zone" if i % 2 else "price"] = None
    return rows


@pytest.fixture(scope="session")
def table(model, sent) -> pa.Table:
    """The same as the library's calls take it."""
    rows = Rows(model.schema_)
    return rows.from_records(sent)


@pytest.fixture
def serve(model) -> Iterator[Serve]:
    with ExitStack() as stack:

        def serving(*words: Any, **settings: Any) -> TestClient:
            app = create_app(*(words or (model,)), **settings)
            return stack.enter_context(TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False))

        yield serving


@pytest.fixture
def client(serve) -> TestClient:
    return serve()


def as_arrow(table: pa.Table, options: pa.ipc.IpcWriteOptions | None = None) -> dict[str, Any]:
    """Give the words of a request that carries a table."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return {"content": sink.getvalue().to_pybytes(), "headers": {"content-type": ARROW}}


def from_arrow(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(content).read_all()
