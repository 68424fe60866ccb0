"""Several machines do what one process does, and go on when one of them is lost.

They are made of namespaces: each has a name, a network, processes and memory of its own, and two are joined by a cable.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import isthmus as im
from isthmus.data import drawn
from isthmus.engine import Engine

RAY_PLACE = "/tmp/ray-hosts"
"""Short, because names of sockets have a limit."""
PORT = 6379
THERE = {
    "GLOO_SOCKET_IFNAME": "cable",
    "OMP_NUM_THREADS": "1",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "what all machines of this cluster know, and nobody else",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_health_check_failure_threshold": "4",
    "RAY_health_check_period_ms": "2000",
    "RAY_health_check_timeout_ms": "5000",
}
"""The environment of everything that runs on such a machine; silence is noticed sooner than by default."""

SMALL = {"width": 32, "blocks": 1, "batch_size": 16}
FIT = """
import sys
import torch
import isthmus as im
from isthmus.data import drawn
from isthmus.training import checkpoints
torch.set_num_threads(1)
drawn.ROWS, checkpoints.SECONDS_BETWEEN = 500, 0.5
table, address, storage, epochs, out = sys.argv[1:]
engine = im.Ray(workers=2, address=address, storage=storage)
settings = {"width": 32, "blocks": 1, "batch_size": 16, "epochs": int(epochs)}
im.Autoencoder(3, engine=engine, **settings).fit(im.Parts.open(table)).save(out)
"""

TOOLS = ("ip", "unshare", "nsenter", "hostname")
pytestmark = [
    pytest.mark.skipif("ISTHMUS_HOSTS" not in os.environ, reason="it takes minutes: make test-hosts"),
    pytest.mark.skipif(
        os.name != "posix" or os.geteuid() != 0 or not all(map(shutil.which, TOOLS)),
        reason="machines are made of namespaces, which takes root on Linux",
    ),
]


class Host:
    """A machine, which lives as long as its first process: killed, everything on it is gone, as without power."""

    def __init__(self, name: str, ip: str) -> None:
        self.name, self.ip = name, ip
        Path(RAY_PLACE).mkdir(exist_ok=True)
        begin = [
            f"hostname {name}",
            "mount -t tmpfs tmpfs /dev/shm",
            f"mount -t tmpfs tmpfs {RAY_PLACE}",
            "ip link set lo up",
            "echo ready",
            "exec sleep infinity",
        ]
        spaces = ["--net", "--uts", "--ipc", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        self.outer = subprocess.Popen(
            ["unshare", *spaces, "sh", "-ec", "; ".join(begin)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.outer.stdout is not None
        if self.outer.stdout.readline() != "ready\n":
            raise OSError(f"no namespaces can be made here: {self.outer.communicate()[1].strip()}")
        self.first = int(Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()[0])
        # As long as this is open its network is there, with its end of the cable: without that the other end, which is
        # another machine's network card, would be gone too.
        self.network = open(f"/proc/{self.first}/ns/net")  # noqa: SIM115

    def start(self, words: list[str], **how: Any) -> subprocess.Popen[str]:
        """Start a program on it."""
        enter = ["nsenter", "--target", str(self.first), "--net", "--uts", "--ipc", "--mount", "--pid"]
        return subprocess.Popen([*enter, "--", *words], env=os.environ | THERE, text=True, **how)

    def do(self, *words: str) -> None:
        """Run a program on it, to its end."""
        with self.start(list(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            told = process.communicate(timeout=120)[0]
        if process.returncode:
            raise OSError(f"{words[0]} on {self.name}: {told[-2000:]}")

    def join_ray(self, head: Host, cpus: int) -> None:
        """Start a node of Ray on it: the cluster's head, or one that joins it."""
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", f"--node-ip-address={self.ip}"]
        first = ["--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={RAY_PLACE}"]
        others = [f"--address={head.ip}:{PORT}"]
        few = [f"--num-cpus={cpus}", "--object-store-memory=100000000", "--disable-usage-stats"]
        self.do(*ray, *(first if head is self else others), *few)

    def trains(self) -> bool:
        """Tell whether a worker of a training is on it."""
        mine = os.readlink(f"/proc/{self.first}/ns/pid")
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    words, its = (folder / "cmdline").read_bytes(), os.readlink(folder / "ns" / "pid")
                except OSError:
                    continue
                if its == mine and words.startswith(b"ray::") and b"TrainWorker" in words:
                    return True
        return False

    def lose(self) -> None:
        """Pull its cable, then its plug: nobody is told that it is gone."""
        self.do("ip", "link", "set", "cable", "down")
        self.outer.kill()
        self.outer.wait()


def join(one: Host, other: Host) -> None:
    """Lay a cable between two hosts."""
    ends = [["cable", "netns", str(host.first)] for host in (one, other)]
    subprocess.run(["ip", "link", "add", *ends[0], "type", "veth", "peer", "name", *ends[1]], check=True)
    for host in (one, other):
        host.do("ip", "address", "add", f"{host.ip}/24", "dev", "cable")
        host.do("ip", "link", "set", "cable", "up")


def until(done: Any, seconds: float) -> bool:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.1)
    return False


class TwoShards(Engine):
    """What two machines are held against."""

    shards = 2


@pytest.fixture
def two() -> Iterator[tuple[Host, Host]]:
    """Two machines that see each other and nothing else, with room for one worker each."""
    hosts: list[Host] = []
    try:
        hosts += [Host("east", "10.213.7.1"), Host("west", "10.213.7.2")]
    except OSError as error:
        pytest.skip(str(error))
    try:
        join(*hosts)
        for host in hosts:
            host.join_ray(hosts[0], cpus=1)
        yield hosts[0], hosts[1]
    finally:
        for host in hosts:
            host.outer.kill()
            host.outer.wait()
            host.network.close()


@pytest.fixture
def alone(sales, monkeypatch):
    """Fit in one process with as many shards, of so many epochs."""
    monkeypatch.setattr(drawn, "ROWS", 500)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield lambda epochs: im.Autoencoder(3, engine=TwoShards(), epochs=epochs, **SMALL).fit(im.Parts.open(sales))
    torch.set_num_threads(before)


def begin(east: Host, sales: Path, folder: Path, epochs: int):
    """Begin a fit on the first host, which its cluster shares."""
    words = [str(sales), f"{east.ip}:{PORT}", str(folder / "shared"), str(epochs), str(folder / "m.isthmus")]
    return east.start([sys.executable, "-c", FIT, *words])


def weights(model) -> dict[str, torch.Tensor]:
    return model.net_.state_dict()


def test_two_machines_learn_what_one_process_does(two, sales, alone, tmp_path):
    with begin(two[0], sales, tmp_path, 12) as fit:
        assert until(lambda: all(host.trains() for host in two) or fit.poll() is not None, 240)
        assert fit.wait(timeout=400) == 0
    expected = weights(alone(12))
    for name, weight in weights(im.load(tmp_path / "m.isthmus")).items():
        assert torch.equal(weight, expected[name]), name


def test_a_lost_machine_costs_nothing_but_time(two, sales, alone, tmp_path):
    east, west = two
    with begin(east, sales, tmp_path, 40) as fit:
        assert until(lambda: any((tmp_path / "shared").glob("training/*/checkpoint*")), 240)
        assert west.trains()
        west.lose()
        assert fit.wait(timeout=400) == 0
    expected = weights(alone(40))
    for name, weight in weights(im.load(tmp_path / "m.isthmus")).items():
        assert torch.equal(weight, expected[name]), name
