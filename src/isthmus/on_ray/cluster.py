"""The cluster that work is sent to: one that is there already, or one of this machine alone."""

from __future__ import annotations

import importlib
import logging
import os
from typing import Any

from isthmus.errors import UsageError

_SILENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray would tell its makers, over the network, that it is used
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


def import_ray() -> Any:
    """Import Ray with its libraries of data and training, silent.

    Raises
    ------
    UsageError
        It is not installed.
    """
    for name, value in _SILENT.items():
        os.environ.setdefault(name, value)
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
        importlib.import_module("ray.train.torch")
    except ImportError as error:
        raise UsageError(f"work on several machines needs Ray ({error}): pip install 'isthmus[ray]'") from None
    for name in ("ray.data", "ray.train"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return ray


def keep(ray: Any, kind: type, *facts: Any) -> Any:
    """Give an actor that others ask for what it holds; it lives where this process does, and as long."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # Not softly: Ray would now and then take another machine, and losing that would lose what is held.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(num_cpus=0, scheduling_strategy=here)(kind).remote(*facts)


def join(address: str | None, cpus: int) -> Any:
    """Join a cluster, unless this process is in one already.

    Parameters
    ----------
    address
        "auto" for the one that this machine is part of, "host:port" or "ray://host:port" for another; None for the
        environment's RAY_ADDRESS or else one of this machine alone, which ends with this process.
    cpus
        Processors that the cluster of this machine alone is to count.

    Raises
    ------
    UsageError
        No cluster answers there.
    """
    ray = import_ray()
    if ray.is_initialized():
        return ray
    mine = address is None and not os.environ.get("RAY_ADDRESS")
    # Alone it listens where only this machine hears it; the dashboard would be one more page that anyone may open.
    alone: dict[str, Any] = {"include_dashboard": False, "num_cpus": cpus, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(
            address,
            logging_level=logging.ERROR,
            log_to_driver=False,
            configure_logging=True,
            **(alone if mine else {}),
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UsageError(f"no Ray cluster answers at {address or 'the address of RAY_ADDRESS'}: {first}") from None
    return ray
