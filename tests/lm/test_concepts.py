"""Finding, watching and steering from Python and from the command line, and what is refused."""

import json

import pytest
from planted import saved, tells

from isthmus.cli.main import main
from isthmus.errors import DataError, UsageError
from isthmus.language import LanguageModel

TEXT = ["le chat", "la mer", "une clé"]
AGAINST = ["the cat", "a boat", "the sea", "rain"]


@pytest.fixture
def files(llama, llama_folder, tmp_path):
    """An autoencoder whose feature 3 tells two texts apart, its language model, and the texts."""
    (tmp_path / "has.txt").write_text("\n".join(TEXT), encoding="utf-8")
    (tmp_path / "not.txt").write_text("\n".join(AGAINST), encoding="utf-8")
    sae = saved(llama, tmp_path / "sae.isthmus", tells(llama, TEXT, AGAINST))
    return {
        "sae": str(sae),
        "lm": str(llama_folder),
        "has": str(tmp_path / "has.txt"),
        "not": str(tmp_path / "not.txt"),
    }


def run(capsys, *words):
    code = main(["lm", *words])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err.strip().splitlines()[-1] if said.err.strip() else ""


def test_find_prints_the_planted_feature_first(files, capsys):
    words = ["find", files["sae"], files["lm"], "--text", files["has"], "--against", files["not"]]
    code, out, _ = run(capsys, *words, "-n", "2", "--json")
    found = json.loads(out)["features"]
    assert code == 0
    assert [found[0]["feature"], found[0]["auroc"], len(found)] == [3, 1.0, 2]
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert out.splitlines()[0].split() == ["feature", "auroc", "mean", "against", "strength"]


def test_monitor_prints_a_line_a_flag(files, capsys):
    words = ["monitor", files["sae"], files["lm"], files["has"], "--feature", "3", "--threshold", "0.5"]
    code, out, said = run(capsys, *words)
    assert code == 0
    assert len(out.splitlines()) == int(said.split()[0])
    assert out.startswith("has.txt:0:")
    _, out, _ = run(capsys, *words, "--json")
    assert json.loads(out.splitlines()[0])["feature"] == 3


def test_steer_prints_both_texts_and_what_comes_next(files, capsys):
    words = ["steer", files["sae"], files["lm"], "The cat", "--feature", "0", "1", "--by", "60", "5", "--new", "6"]
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "--- without\nThe cat" in out
    assert "--- with\nThe cat" in out
    _, out, _ = run(capsys, *words, "--json")
    assert set(json.loads(out)) == {"prompt", "without", "with", "next"}


def test_steer_towards_a_text_chooses_what_to_change(files, capsys):
    words = ["steer", files["sae"], files["lm"], "The cat", "--towards", files["has"], "--away", files["not"]]
    code, out, said = run(capsys, *words, "--new", "4")
    assert code == 0
    assert "--- with\nThe cat" in out
    assert said.startswith("changed: ")
    assert "3 at " in said
    model = LanguageModel(files["lm"], device="cpu")
    changes = model.towards(files["sae"], files["has"], files["not"], raised=1, silenced=2, strength=2.0)
    assert [changes[0].feature, changes[0].how] == [3, "clamp"]
    assert {change.how for change in changes[1:]} <= {"ablate"}
    with pytest.raises(UsageError, match="raised=0, silenced=0"):
        model.towards(files["sae"], files["has"], files["not"], raised=0, silenced=0)
    with pytest.raises(UsageError, match="strength=0"):
        model.towards(files["sae"], files["has"], files["not"], strength=0)
    with pytest.raises(DataError, match="no feature fires more"):
        model.towards(files["sae"], files["has"], files["has"])


def test_the_same_from_python(files, capsys):
    model = LanguageModel(files["lm"], device="cpu")
    best = model.find(files["sae"], files["has"], [files["not"]], n=1)
    assert best[0]["feature"] == 3
    assert all(flag.value > 0.5 for flag in model.monitor(files["sae"], files["has"], {3: 0.5}))
    found = model.steer(files["sae"], "The cat", {0: 60.0}, new=6)
    ids = model.opened.encode("The cat")
    with model.steered(files["sae"], {0: 60.0}):
        assert "".join(model.opened.pieces(model.opened.generate(ids, 6))) == found["with"]
    assert not model.guarded(files["sae"], "The cat", {0: 1e9}, new=6).stopped
    assert model.guard(files["sae"], {0: 1.0}).features == [0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["steer", "SAE", "LM", "The cat", "--feature", "99", "--by", "1"], "there is no feature 99: features of this"),
        (["steer", "SAE", "LM", "The cat", "--feature", "x", "--by", "1"], "--feature x: give the number of a feature"),
        (["steer", "SAE", "LM", "The cat", "--feature", "1", "--by", "much"], "--by much: give a number"),
        (["steer", "SAE", "LM", "The cat", "--feature", "1"], "--by: say how much to clamp"),
        (["steer", "SAE", "LM", "The cat", "--feature", "1", "--how", "push", "--by", "1"], "how is 'push'; known are"),
        (["steer", "SAE", "LM", "The cat", "--feature", "1", "--how", "ablate", "--by", "1"], "to ablate takes no"),
        (["steer", "SAE", "LM", "The cat", "--feature", "1", "2", "3", "--by", "1", "2"], "--by: 2 for 3 features"),
        (["steer", "SAE", "LM", "The cat"], "name what to change: --feature F --by X, or two texts"),
        (["steer", "SAE", "LM", "The cat", "--towards", "TEXT"], "name what to change: --feature F --by X, or two"),
        (
            ["steer", "SAE", "LM", "A", "--towards", "TEXT", "--away", "TEXT", "--by", "2"],
            "--towards chooses features and amounts",
        ),
        (["steer", "SAE", "LM", " ", "--feature", "1", "--by", "1"], "the prompt holds no token"),
        (
            ["steer", "SAE", "LM", "A", "--feature", "1", "--by", "1", "--new", "500"],
            "'tiny-llama' reads 128 at",
        ),
        (["monitor", "SAE", "LM", "HAS", "--feature", "1", "--threshold", "nan"], "--threshold nan: give a number"),
        (["monitor", "SAE", "LM", "EMPTY", "--feature", "1", "--threshold", "1"], "empty.txt' holds no text"),
        (["find", "SAE", "LM", "--text", "EMPTY", "--against", "HAS"], "empty.txt' holds no text"),
        (["find", "SAE", "LM", "--text", "GONE", "--against", "HAS"], "gone.txt': no such file"),
        (["find", "HAS", "LM", "--text", "HAS", "--against", "HAS"], "is no isthmus model, or was cut short"),
    ],
)
def test_what_cannot_be_is_one_line(files, tmp_path, capsys, words, message):
    (tmp_path / "empty.txt").write_text("\n\n")
    names = {"SAE": files["sae"], "LM": files["lm"], "HAS": files["has"]}
    names |= {"EMPTY": str(tmp_path / "empty.txt"), "GONE": str(tmp_path / "gone.txt")}
    code, _, said = run(capsys, *[names.get(word, word) for word in words])
    assert code in (1, 2)
    assert message in said


def test_an_autoencoder_of_something_else_is_refused(llama, llama_folder, tmp_path):
    model = LanguageModel(llama_folder, device="cpu")
    other = saved(llama, tmp_path / "other.isthmus", lm="gpt", lm_sha="0" * 64)
    with pytest.raises(DataError, match="is of the language model 'gpt', not of 'tiny-llama'"):
        model.steer(other, "The cat", {0: 1.0})
    nowhere = saved(llama, tmp_path / "nowhere.isthmus", layer=None)
    with pytest.raises(DataError, match="was not learnt from a language model's activations"):
        model.steer(nowhere, "The cat", {0: 1.0})
    deep = saved(llama, tmp_path / "deep.isthmus", layer=7)
    with pytest.raises(UsageError, match="layer 7: tiny-llama has layers 0 to 2"):
        model.find(deep, __file__, __file__)
