"""The Dockerfile, which is not built here, names what there is."""

import re
import tomllib
from pathlib import Path

from isthmus.cli.main import parser

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text("utf-8")


def test_it_installs_the_pinned_torch_and_an_extra_that_there_is():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (torch,) = re.findall(r"torch==[\d.]+", TEXT)
    assert torch in project["dependencies"]
    (extra,) = re.findall(r"/isthmus\[(\w+)\]", TEXT)
    assert extra in project["optional-dependencies"]
    (python,) = re.findall(r"^FROM python:3\.(\d+)-slim$", TEXT, re.MULTILINE)
    assert int(python) >= int(project["requires-python"].rpartition(".")[2])


def test_it_copies_files_that_there_are():
    copied = [word for line in re.findall(r"^COPY (.+) \S+$", TEXT, re.MULTILINE) for word in line.split()]
    assert "constraints.txt" in copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_it_runs_a_command_that_there_is_as_nobody_in_particular():
    (command,) = re.findall(r"^ENTRYPOINT \[(.+)\]$", TEXT, re.MULTILINE)
    (words,) = re.findall(r"^CMD \[(.+)\]$", TEXT, re.MULTILINE)
    quoted = re.findall(r'"([^"]+)"', f"{command}, {words}")
    asked = vars(parser().parse_args(quoted[1:]))
    assert (quoted[0], asked["host"], asked["port"]) == ("isthmus", "0.0.0.0", 8000)
    assert TEXT.index("USER isthmus") < TEXT.index("ENTRYPOINT")
