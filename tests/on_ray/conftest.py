"""A cluster of two nodes on this machine, and a table in several files to send to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from isthmus.data.sources import write_table

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker's threads are its own; the fits here are compared bit for bit
pytest.importorskip("ray.train.torch", reason="work on several machines needs Ray")


@pytest.fixture(scope="session")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three Parquet files of 600 rows, the last of which has a category and decimals of its own."""
    import pyarrow as pa

    folder, rng = tmp_path_factory.mktemp("sales") / "sales", np.random.default_rng(0)
    folder.mkdir()
    for part in range(3):
        zone = rng.integers(0, 3, 600)
        names = np.array(["hill", "port", "town"], object)[zone]
        price = np.round(10 + 5 * zone + rng.normal(0, 1, 600), 1)
        if part == 2:
            names[77], price[78] = "moon", 99.125
        sold = rng.poisson(zone + 1).astype(float)
        table = {"zone": names, "price": price, "sold": pa.array(sold, mask=rng.random(600) < 0.1)}
        write_table(pa.table(table), folder / f"part-{part}.parquet")
    return folder


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Two nodes of two processors, each with a raylet of its own."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    cluster.add_node(num_cpus=2)
    yield cluster.address
    import ray

    ray.shutdown()
    cluster.shutdown()
