"""A harvest holds each token once, with the activations that the model has for it, however often it was killed."""

import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus import LanguageModel
from isthmus.data.activations import Activations
from isthmus.data.passages import mixed_passages, read_passages
from isthmus.errors import FileError, UsageError
from isthmus.tasks.interpret.harvest import harvest
from isthmus.tasks.interpret.stream import Stream

# Harvests slowly, so that it can be killed on the way.
SLOW = """
import sys, time
from pathlib import Path
from isthmus.data.passages import mixed_passages
from isthmus.nets.language import Language
from isthmus.tasks.interpret.harvest import harvest
from isthmus.training.progress import Silent

class Slow(Silent):
    def step(self, step):
        time.sleep(0.1)

folder, out, *texts = map(Path, sys.argv[1:])
harvest(Language.open(folder), mixed_passages(texts), out, layer=[0, 2], context=16, batch_tokens=64, shard_rows=100,
        texts=[{"name": text.name} for text in texts], progress=Slow())
"""


def tokens_of(language, paths, context):
    """Each token of each passage, in the order in which files are read in turn, and where it comes from."""
    names = [path.name for path in paths]
    for number, passage in enumerate(mixed_passages(paths)):
        for chunk in language.chunks(language.encode(passage.text), context):
            for token in chunk:
                yield token, number, names.index(passage.source)


def check(language, folder, paths, context):
    acts = Activations.open(folder)
    every = np.arange(acts.rows)
    found = zip(acts.tokens(every).tolist(), acts.passages(every).tolist(), acts.texts(every).tolist(), strict=True)
    assert list(found) == list(tokens_of(language, paths, context))
    return acts


def test_every_token_is_there_once_with_its_activations(language, lm_folder, texts, tmp_path):
    facts = LanguageModel(lm_folder, device="cpu").harvest(texts, tmp_path / "acts", layer=1, context=16)
    acts = check(language, tmp_path / "acts", texts, 16)
    assert acts.facts == facts and facts["done"] and facts["rows"] == acts.rows
    row = 0
    for passage in mixed_passages(texts):
        for chunk in language.chunks(language.encode(passage.text), 16):
            exact = language.activations(torch.tensor([chunk]), None, 1)[0].numpy()
            np.testing.assert_allclose(acts.block(row, row + len(chunk)), exact, rtol=1e-4, atol=1e-5)
            row += len(chunk)
    some = acts.tokens(np.arange(20)).tolist()
    assert "".join(acts.pieces[token] for token in some) == "".join(language.pieces(some))


@pytest.mark.parametrize("site", ["residual", "mlp", "attention"])
def test_sites_and_layers_are_those_asked_for(llama, texts, tmp_path, site):
    passages = list(read_passages(texts))
    harvest(llama, passages, tmp_path / "acts", layer=[0, 2], site=site)
    for layer in (0, 2):
        acts = Activations.open(tmp_path / "acts" / f"layer-{layer:02d}")
        assert (acts.facts["layer"], acts.facts["site"]) == (layer, site)
        ids = llama.encode(passages[0].text)
        exact = llama.activations(torch.tensor([ids]), None, layer, site)[0].numpy()
        np.testing.assert_allclose(acts.block(0, len(ids)), exact, rtol=1e-4, atol=1e-5)


def test_a_limit_is_kept_to_the_token(llama, texts, tmp_path):
    for limit in (1, 77, 150):
        facts = harvest(llama, read_passages(texts), tmp_path / str(limit), layer=1, limit_tokens=limit, shard_rows=50)
        assert facts["rows"] == Activations.open(tmp_path / str(limit)).rows == limit
    whole = harvest(llama, read_passages(texts), tmp_path / "whole", layer=1, limit_tokens=1 << 20)
    assert whole["rows"] == sum(len(llama.encode(passage.text)) for passage in read_passages(texts))


def test_a_harvest_that_was_killed_twice_is_the_same_as_one_that_was_not(llama, llama_folder, texts, tmp_path):
    out, whole = tmp_path / "killed", tmp_path / "whole"
    words = [sys.executable, "-c", SLOW, str(llama_folder), str(out), *map(str, texts)]
    rows = 0
    for _ in range(2):
        process = subprocess.Popen(words)
        deadline = time.monotonic() + 120
        while (here := rows_in(out / "layer-02")) < rows + 150:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not json.loads((out / "layer-02" / "activations.json").read_text())["done"]
        rows = here
    assert subprocess.run(words, check=False).returncode == 0
    settings = {"layer": [0, 2], "context": 16, "batch_tokens": 64, "shard_rows": 100}
    harvest(llama, mixed_passages(texts), whole, texts=[{"name": text.name} for text in texts], **settings)
    for layer in ("layer-00", "layer-02"):
        check(llama, out / layer, texts, 16)
        names = sorted(file.name for file in (whole / layer).iterdir())
        assert sorted(file.name for file in (out / layer).iterdir()) == names
        exact = Activations.open(whole / layer)
        np.testing.assert_allclose(
            Activations.open(out / layer).block(0, exact.rows), exact.block(0, exact.rows), rtol=1e-4, atol=1e-5
        )


def rows_in(folder: Path) -> int:
    """Rows that are in whole shards so far."""
    try:
        return json.loads((folder / "activations.json").read_text())["rows"]
    except (OSError, ValueError):
        return 0


def test_a_layer_that_is_a_shard_ahead_waits_for_the_other(llama, texts, tmp_path, monkeypatch):
    from isthmus.data import shards

    settings = {"layer": [0, 2], "context": 16, "shard_rows": 100}
    harvest(llama, mixed_passages(texts), tmp_path / "whole", **settings)
    written, write = [], shards._write_array

    def dies(path, parts):
        if len(written) == 17:  # the values and what stands beside them: in the fourth shard, the second layer's
            raise KeyboardInterrupt
        written.append(path)
        write(path, parts)

    monkeypatch.setattr(shards, "_write_array", dies)
    with pytest.raises(KeyboardInterrupt):
        harvest(llama, mixed_passages(texts), tmp_path / "killed", **settings)
    monkeypatch.undo()
    ahead, behind = (rows_in(tmp_path / "killed" / name) for name in ("layer-00", "layer-02"))
    assert ahead > behind > 0
    harvest(llama, mixed_passages(texts), tmp_path / "killed", **settings)
    for file in (tmp_path / "whole").glob("*/*"):
        assert (tmp_path / "killed" / file.relative_to(tmp_path / "whole")).read_bytes() == file.read_bytes()


def test_a_finished_harvest_is_not_done_again(llama, texts, tmp_path):
    first = harvest(llama, read_passages(texts), tmp_path / "acts", layer=1)
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "acts").iterdir()}
    assert harvest(llama, read_passages(texts), tmp_path / "acts", layer=1) == first
    assert before == {file.name: file.stat().st_mtime_ns for file in (tmp_path / "acts").iterdir()}


@pytest.mark.parametrize(
    "change", [{"layer": 0}, {"site": "mlp"}, {"context": 32}, {"tokens": 50}, {"dtype": "float16"}]
)
def test_two_kinds_of_activations_are_not_mixed(llama_folder, texts, tmp_path, change):
    model = LanguageModel(llama_folder, device="cpu")
    model.harvest(texts, tmp_path / "acts", layer=1)
    with pytest.raises(FileError, match="name another folder"):
        model.harvest(texts, tmp_path / "acts", **{"layer": 1, **change})
    with pytest.raises(FileError, match="other texts"):
        model.harvest(texts[:1], tmp_path / "acts", layer=1)


def test_another_model_is_not_mixed_in(llama_folder, gpt2_folder, texts, tmp_path):
    LanguageModel(llama_folder, device="cpu").harvest(texts, tmp_path / "acts", layer=1)
    with pytest.raises(FileError, match="tiny-llama"):
        LanguageModel(gpt2_folder, device="cpu").harvest(texts, tmp_path / "acts", layer=1)


def test_a_full_disk_is_one_line_and_can_be_gone_on_from(llama, texts, tmp_path, monkeypatch):
    real = Path.replace

    def full(self, target):
        if "shard-00001" in self.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FileError, match="No space left on device"):
        harvest(llama, read_passages(texts), tmp_path / "acts", layer=1, shard_rows=100)
    monkeypatch.undo()
    harvest(llama, read_passages(texts), tmp_path / "acts", layer=1, shard_rows=100)
    assert Activations.open(tmp_path / "acts").facts["done"]


@pytest.mark.parametrize(("settings", "says"), [({"layer": 3}, "0 to 2"), ({"layer": 1, "context": 129}, "2 to 128")])
def test_what_the_model_cannot_do_is_said_before_anything_is_written(llama, texts, tmp_path, settings, says):
    with pytest.raises(UsageError, match=says):
        harvest(llama, read_passages(texts), tmp_path / "acts", **settings)
    assert not (tmp_path / "acts").exists()


def test_a_stream_gives_every_usable_row_once(llama, llama_folder, texts, tmp_path):
    harvest(llama, mixed_passages(texts), tmp_path / "acts", layer=1)
    acts = Activations.open(tmp_path / "acts")
    stream = Stream(llama, mixed_passages(texts), layer=1, batch_size=32, buffer_rows=100)
    drawn = np.concatenate([batch.numpy() for batch in stream])
    assert len(drawn) == len(acts.usable) // 32 * 32
    stored = {row.tobytes() for row in acts.values(acts.usable).round(3)}
    assert len(stored) - 32 <= len({row.tobytes() for row in drawn.round(3)} & stored)
    model = LanguageModel(llama_folder, device="cpu")
    again = np.concatenate(list(model.stream(texts, layer=1, batch_size=32)))
    assert again.shape == drawn.shape
    assert not np.array_equal(again[:32], acts.values(acts.usable[:32]))


def test_a_text_is_read_with_its_pieces(llama_folder, llama):
    pieces, values = LanguageModel(llama_folder, device="cpu").activations("The cat.", layer=1)
    assert "".join(pieces) == "<s>The cat."
    np.testing.assert_allclose(
        values, llama.activations(torch.tensor([llama.encode("The cat.")]), None, 1)[0].numpy(), rtol=1e-5, atol=1e-6
    )
