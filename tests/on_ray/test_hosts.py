"""Two hosts, each in a network namespace of its own, one of which falls silent in the middle of a fit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

IP = shutil.which("ip") or "/usr/sbin/ip"
RAY = Path(sys.executable).with_name("ray")
HOSTS = {"isthmus-a": "10.231.7.2", "isthmus-b": "10.231.7.3"}
HEAD = "10.231.7.2:6399"

FIT = """
import sys, torch
import isthmus as im
from isthmus.data import drawn
from isthmus.training import checkpoints

torch.set_num_threads(1)
drawn.ROWS, checkpoints.SECONDS_BETWEEN = 500, 0.5
engine = im.Ray(2, sys.argv[1], sys.argv[2])
model = im.Autoencoder(3, width=32, blocks=1, batch_size=16, epochs=float(sys.argv[5]), engine=engine)
model.fit(im.Parts.open(sys.argv[3])).save(sys.argv[4])
import ray
print(sum(node["Alive"] for node in ray.nodes()))
"""


def ip(*words: str) -> None:
    subprocess.run([IP, *words], check=True, capture_output=True)


def inside(host: str, *words: object) -> subprocess.CompletedProcess[str]:
    ours = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_health_check_failure_threshold": "3"}
    environment = os.environ | ours
    told = [IP, "netns", "exec", host, *map(str, words)]
    return subprocess.run(told, capture_output=True, text=True, timeout=300, env=environment)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Path]:
    """Two hosts on one wire, and the folder where the first keeps what Ray writes."""
    try:
        ip("link", "add", "isthmus-br", "type", "bridge")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("hosts in network namespaces need the right to make them")
    try:
        ip("link", "set", "isthmus-br", "up")
        for i, (host, address) in enumerate(HOSTS.items()):
            ip("netns", "add", host)
            ip("link", "add", f"isthmus-v{i}", "type", "veth", "peer", "name", "eth0", "netns", host)
            ip("link", "set", f"isthmus-v{i}", "master", "isthmus-br", "up")
            for words in (["addr", "add", f"{address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
                ip("-n", host, *words)
            ip("-n", host, "link", "set", "lo", "up")
            join = ["--head", "--port=6399", "--include-dashboard=false"] if not i else [f"--address={HEAD}"]
            own = ["--num-cpus=1", f"--node-ip-address={address}"]
            started = inside(host, RAY, "start", *join, *own, "--disable-usage-stats")
            assert started.returncode == 0, started.stdout + started.stderr
        yield tmp_path
    finally:
        for host in HOSTS:
            pids = subprocess.run([IP, "netns", "pids", host], capture_output=True, text=True).stdout.split()
            subprocess.run(["kill", "-9", *pids], capture_output=True)
            subprocess.run([IP, "netns", "del", host], capture_output=True)
        subprocess.run([IP, "link", "del", "isthmus-br"], capture_output=True)


def test_a_host_that_falls_silent_changes_no_bit(hosts, sales):
    import torch

    import isthmus as im

    storage = hosts / "shared"
    cut: list[float] = []

    def silence() -> None:
        end = time.monotonic() + 200
        while time.monotonic() < end and not list(storage.glob("training/*/checkpoint*")):
            time.sleep(0.05)
        ip("link", "set", "isthmus-v1", "down")
        cut.append(time.monotonic())

    fits = {}
    thread = threading.Thread(target=silence, daemon=True)
    for name in ("undisturbed", "disturbed"):
        if name == "disturbed":
            thread.start()
        fitted = inside("isthmus-a", sys.executable, "-c", FIT, HEAD, storage, sales, hosts / name, 30)
        assert fitted.returncode == 0, fitted.stderr[-2000:]
        fits[name] = im.load(hosts / name)
    assert cut and fitted.stdout.strip() == "1"
    weights = fits["undisturbed"].net_.state_dict()
    assert all(torch.equal(weight, weights[key]) for key, weight in fits["disturbed"].net_.state_dict().items())
