"""`isthmus lm harvest` from the command line: what it writes and says, and each fault as one line."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from isthmus.cli.main import main
from isthmus.data.activations import Activations

HARVEST = "lm harvest llama fr.txt -o new --layer 1 --quiet"


def run(line: str) -> int:
    """Run one command line."""
    return main(line.split())


@pytest.fixture
def furnished(llama_folder, texts, tmp_path, monkeypatch) -> Path:
    """A folder with a model, texts and what is wrong with others, to stand in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ISTHMUS_DEBUG", raising=False)
    Path("llama").symlink_to(llama_folder)
    Path("empty.txt").touch()
    Path("latin1.txt").write_bytes("Où est la clé ?\n".encode("latin-1"))
    Path("others.jsonl").write_text('{"body": "a"}\n')
    Path("broken.gguf").write_bytes(b"GGUF" + bytes(50))
    Path("bare").mkdir()
    Path("full").mkdir()
    Path("full/photo.png").touch()
    assert run("lm harvest llama en.txt -o acts --layer 1 --quiet") == 0
    return tmp_path


def test_a_harvest_says_what_it_wrote(furnished, capsys):
    assert run("lm harvest llama en.txt fr.txt -o both --layer 0 2 --site mlp --tokens 100 --json") == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["out"], told["layer"], told["site"], told["rows"]) == ("both", [0, 2], "mlp", 100)
    assert "harvest: 100 tokens" in err
    for layer in ("layer-00", "layer-02"):
        acts = Activations.open(furnished / "both" / layer)
        assert set(acts.texts(np.arange(100)).tolist()) == {0, 1}
    assert run("lm harvest llama en.txt -o half --layer 1 --dtype float16 --context 16") == 0
    assert "wrote half: " in capsys.readouterr().err
    assert Activations.open("half").facts["dtype"] == "float16"


def test_quiet_is_quiet(furnished, capsys):
    assert run(HARVEST) == 0
    assert capsys.readouterr() == ("", "")


def test_alone_it_shows_its_verbs(capsys):
    assert main(["lm"]) == 0
    assert "  harvest      Run a language model over texts" in capsys.readouterr().out


BAD = {
    "no such model": (HARVEST.replace("llama", "nowhere"), 1, "'nowhere': no such folder"),
    "folder without config.json": (HARVEST.replace("llama", "bare"), 1, "lacks config.json"),
    "broken gguf": (HARVEST.replace("llama", "broken.gguf"), 1, "'broken.gguf' cannot be opened"),
    "a text for a model": (HARVEST.replace("llama", "en.txt"), 1, "'en.txt' is no .gguf file"),
    "no such layer": (HARVEST.replace("layer 1", "layer 9"), 2, "has layers 0 to 2"),
    "no such site": (HARVEST + " --site heart", 2, "known are residual, mlp, attention"),
    "no such dtype": (HARVEST + " --dtype int8", 2, "known are float32, float16"),
    "no such unit": (HARVEST + " --unit word", 2, "known are line, paragraph, file"),
    "no such device": (HARVEST + " --device abacus", 2, "'abacus'"),
    "context beyond the model": (HARVEST + " --context 4096", 2, "reads 2 to 128 tokens"),
    "no tokens": (HARVEST + " --tokens 0", 2, "--tokens"),
    "no such text": (HARVEST.replace("fr.txt", "nowhere.txt"), 1, "'nowhere.txt': no such file"),
    "empty text": (HARVEST.replace("fr.txt", "empty.txt"), 1, "'empty.txt' holds no text"),
    "text not in UTF-8": (HARVEST.replace("fr.txt", "latin1.txt"), 1, "byte 1 belongs to no character"),
    "no such column": (HARVEST.replace("fr.txt", "others.jsonl"), 1, "its keys are 'body'"),
    "activations of another layer": (
        HARVEST.replace("fr.txt -o new --layer 1", "en.txt -o acts --layer 2"),
        1,
        "layer 1, not 2",
    ),
    "activations of other texts": (HARVEST.replace("new", "acts"), 1, "other texts: name another folder"),
    "a folder of something else": (HARVEST.replace("new", "full"), 1, "holds no activations"),
    "a file for a folder": (HARVEST.replace("new", "en.txt"), 1, "'en.txt' cannot be made"),
    "no such verb": ("lm harwest", 2, "see 'isthmus lm --help'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_one_line(furnished, capsys, name):
    words, code, says = BAD[name]
    assert run(words) == code
    out, err = capsys.readouterr()
    assert says in err
    assert (out, err.count("\n")) == ("", 1)
    assert not (furnished / "new" / "shard-00000.npy").exists()


def test_a_missing_extra_is_one_line(furnished, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert run(HARVEST) == 2
    assert "pip install 'isthmus[lm]'" in capsys.readouterr().err
