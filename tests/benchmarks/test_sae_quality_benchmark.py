"""The parts of the benchmark of autoencoders on language models, on what is known. No times are asserted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers")

import sae_quality
from results import OURS, Result
from runner import MissingSourceError
from sae_peers import PEERS, PLAIN, train
from sae_text import text

DATA = Path(__file__).parents[3] / "shared" / "data"


def sentences(folder: Path, kind: str, count: int, length: int) -> None:
    (folder / "languages" / "sentences").mkdir(parents=True, exist_ok=True)
    lines = [f"{kind}{number:04d} ".ljust(length, "x") for number in range(count)]
    (folder / "languages" / "sentences" / f"{kind}.txt").write_text("\n".join(lines) + "\n")


def test_held_out_text_is_not_learnt_from(tmp_path) -> None:
    sentences(tmp_path, "en", 50, 30)
    sentences(tmp_path, "fr", 50, 60)
    found = text(tmp_path, ("en", "fr"))
    learnt = {passage.text for passage in found.learn}
    assert len(learnt) == 80
    assert {kind: len(held) for kind, held in found.held.items()} == {"en": 10, "fr": 10}
    assert not learnt.intersection(*[set(held) for held in found.held.values()])
    assert text(tmp_path, ("en", "fr")) == found
    first = [passage.source for passage in found.learn[:30]]
    assert first.count("en") == pytest.approx(20, abs=1)  # as many characters of each


def test_text_that_is_missing_is_said(tmp_path) -> None:
    with pytest.raises(MissingSourceError, match="there is no fr in"):
        text(tmp_path, ("fr",))
    with pytest.raises(MissingSourceError, match=r"there is no stories260K\.bin"):
        sae_quality.load_stories(tmp_path)


@pytest.mark.parametrize("name", PEERS)
def test_peers_learn(name: str) -> None:
    torch.manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(12, 8), dim=1)
    rows = 20 * ((torch.rand(4096, 12) < 0.2) * torch.rand(4096, 12)) @ directions + 3
    peer = PEERS[name](rows, 32, 4, 400 * 256, 256)
    done = train(peer, lambda step: rows[step % 16 * 256 :][:256], 400, 1e9)
    with torch.no_grad():
        codes = done.end.encode(rows)
        left = (rows - done.end.decode(codes)).square().sum() / (rows - rows.mean(0)).square().sum()
    assert int((codes > 0).sum(1).max()) <= 4
    assert left < 0.5
    assert done.steps_then == 400


def test_a_peer_is_looked_at_when_time_is_over() -> None:
    torch.manual_seed(0)
    rows = torch.randn(256, 8)
    done = train(PEERS[PLAIN](rows, 16, 2, 0, 256), lambda step: rows, 5, 0.0)
    assert done.steps_then == 1
    assert not torch.equal(done.then.encode(rows), done.end.encode(rows))


@pytest.mark.skipif(not (DATA / "lm_stories260k").is_dir(), reason=f"needs {DATA / 'lm_stories260k'}")
def test_stories_are_measured(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ISTHMUS_ACTS", str(tmp_path))
    source = sae_quality.SOURCES["stories"]
    small = sae_quality.Settings(rows=3_000, batch=256, epochs=1.0, peer_epochs=1.0, held=300, idle=1_000)
    sections = sae_quality.measure(source, source.load(DATA), small)
    found = Result(source.name, source.title, {}, sections)
    found.set_goals(source.goals)
    goals = [row for section in sections for row in section.rows if row.goal]
    assert [row.figure for row in goals] == list(source.goals)
    assert all(OURS in row.values for section in sections for row in section.rows)
