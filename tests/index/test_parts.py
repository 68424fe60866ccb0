"""An index of a table in parts is the index of the table: the same answers, in one commit, or nothing."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

pytest.importorskip("lancedb")

from isthmus import Index, Parts
from isthmus.cli.main import main
from isthmus.data.codestore import ROW, CodeStore
from isthmus.data.handed import hand_over
from isthmus.data.sources import write_table
from isthmus.errors import DataError
from tests.conftest import make_houses

pytestmark = [
    pytest.mark.usefixtures("small_parts"),
    pytest.mark.filterwarnings("ignore::isthmus.errors.IsthmusWarning"),
]


@pytest.fixture
def table(tmp_path):
    """Many houses in a folder of files, and as one file."""
    many = pa.table(make_houses(1100, seed=3)).append_column("note", pa.array(["as new"] * 1100))
    (tmp_path / "files").mkdir()
    for number in range(3):
        write_table(many.slice(400 * number, 400), tmp_path / "files" / f"{number}.csv")
    write_table(many, tmp_path / "whole.csv")
    return tmp_path


def places(tmp_path):
    return [tmp_path / "homes", f"file-object-store://{tmp_path}/bucket/homes"]


@pytest.mark.parametrize("number", [0, 1])
def test_every_row_and_answer_is_that_of_the_whole_table(table, model, number):
    parts = Parts.open(table / "files")
    assert len(parts) > 3
    whole = Index.create(table / "whole.index", model, table / "whole.csv")
    index = Index.create(places(table)[number], model, parts)
    assert index._store.rows().equals(whole._store.rows())
    assert np.array_equal(index._store.codes(), whole._store.codes())
    assert index.search(row=700, n=9, where="area > 100").equals(whole.search(row=700, n=9, where="area > 100"))
    assert index.add(parts) == whole.add(table / "whole.csv") == list(range(1100, 2200))
    assert index._store.rows().equals(whole._store.rows())


def test_from_the_command_line(table, model, capsys):
    model.save(table / "m.isthmus")
    words, out = ["index", str(table / "m.isthmus")], ["-o", str(table / "homes"), "--json"]
    assert main([*words, str(table / "whole.csv"), *out, "--memory", "1kB"]) == 0
    assert "index: 1,100 rows, about" in capsys.readouterr().err
    assert main([*words, str(table / "files"), *out, "--append"]) == 0
    assert '"added": 1100' in capsys.readouterr().out
    assert Index(table / "homes")._store.rows()[ROW].to_pylist() == list(range(2200))


@pytest.mark.parametrize("number", [0, 1])
def test_what_fails_midway_leaves_what_was_there(table, model, number):
    lines = (table / "whole.csv").read_text().splitlines()
    lines[900] = lines[900].replace(lines[900].split(",")[0], "wide", 1)
    place, parts = places(table)[number], Parts.open(table / "whole.csv")
    (table / "bad.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match="column 'area' row 132: a number was expected, found 'wide'"):
        Index.create(place, model, Parts.open(table / "bad.csv"))
    assert not (table / "homes").exists() and not list(table.glob(".*"))
    index = Index.create(place, model, parts)

    def stopped():
        yield from list(parts)[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.add(stopped())
    assert len(Index(place)) == 1100


APPENDS = """
import sys, time, pyarrow as pa, numpy as np
from pathlib import Path
from isthmus.data.codestore import CodeStore
def pieces():
    while True:
        yield pa.table({"a": [1.0] * 50}), np.ones((50, 4), np.float32)
        print("piece", flush=True)
CodeStore(Path(sys.argv[1])).append(pieces())
"""


@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGINT])
def test_a_kill_leaves_nothing_of_an_append(tmp_path, ends):
    CodeStore.create(tmp_path / "index", [(pa.table({"a": [0.0] * 10}), np.zeros((10, 4), np.float32))],
                     {"compress": "none"})  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", APPENDS, str(tmp_path / "index")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    for _ in range(5):
        assert process.stdout.readline() == b"piece\n"
    os.kill(process.pid, ends)
    began = time.monotonic()
    process.communicate(timeout=30)
    assert time.monotonic() - began < 30
    assert len(CodeStore(tmp_path / "index")) == 10


def test_who_takes_no_more_is_not_waited_for():
    def take(reader):
        reader.read_next_batch()
        raise OSError("the disk is full")

    tables = (pd.DataFrame({"a": [i]}) for i in range(10**9))
    schema = pa.schema([("a", pa.int64())])
    with pytest.raises(OSError, match="full"):
        hand_over(map(pa.Table.from_pandas, tables), schema, take)
