"""Autoencoders go to SAELens' layout and come from it with the same codes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from isthmus.errors import FileError, UsageError
from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.saelens import dictionary_of, hook_of, place_of, to_saelens
from isthmus.nets.sparsity import parse_sparsity
from isthmus.saelens import CONFIG, WEIGHTS, export_saelens, import_saelens
from isthmus.sparse import SparseAutoencoder

GOLDEN = Path(__file__).parents[1] / "data" / "saelens"
FOLDERS = sorted(path.name for path in GOLDEN.iterdir() if (path / CONFIG).exists())
KINDS = ["sparse:32:k=4", "topk:32:k=4", "relu:32", "jumprelu:32:l0=4", "gated:32", "matryoshka:32:k=4:groups=3"]


def drawn(code: str, target: int | None = None) -> tuple[Dictionary, torch.Tensor]:
    """A dictionary as it could come out of training, scales and centre included, and rows for it."""
    torch.manual_seed(3)
    net = Dictionary(parse_sparsity(code), 8, target)
    rows = 5 * torch.randn(64, 8) + 2
    net.start(rows if target is None else torch.cat([rows, torch.randn(64, target)], dim=1))
    with torch.no_grad():
        net.bias += 0.1 * torch.randn(net.bias.shape)
        net.offset += 0.1 * torch.randn(net.offset.shape)
        for weights in net.extra.values():
            weights.add_(0.1 * torch.randn(weights.shape))
        net.kind.settle(net, rows if target is None else torch.cat([rows, torch.randn(64, target)], dim=1))
    return net.eval(), rows


def read_folder(folder: Path) -> tuple[Dictionary, dict]:
    sae = import_saelens(folder)
    return sae.net, sae.facts_


def write_folder(net: Dictionary, facts: dict, folder: Path) -> None:
    export_saelens(SparseAutoencoder.of(net, facts), folder)


def apart(net: Dictionary, rows: torch.Tensor) -> torch.Tensor:
    """Rows of which no feature lies so near its threshold that rounding decides."""
    return rows[((net.pre(rows) - net.threshold).abs() > 1e-5).all(1)]


@pytest.mark.parametrize("name", FOLDERS)
@torch.no_grad()
def test_codes_are_those_of_sae_lens(name):
    net, facts = read_folder(GOLDEN / name)
    expected = load_file(GOLDEN / name / "expected.safetensors")
    codes = net.encode(expected["x"])
    torch.testing.assert_close(codes, expected["codes"], rtol=0, atol=1e-5)
    torch.testing.assert_close(net.decode(codes), expected["rebuilt"], rtol=0, atol=1e-5)
    assert facts["lm"] == "tiny"
    if "transcoder" not in name:
        assert (facts["layer"], facts["site"]) == (1, "residual")


@pytest.mark.parametrize("name", FOLDERS)
@torch.no_grad()
def test_what_comes_goes_again(name, tmp_path):
    net, facts = read_folder(GOLDEN / name)
    rows = load_file(GOLDEN / name / "expected.safetensors")["x"]
    write_folder(net, facts, tmp_path / "out")
    again, told = read_folder(tmp_path / "out")
    torch.testing.assert_close(again.encode(rows), net.encode(rows), rtol=0, atol=1e-5)
    assert str(again.kind) == str(net.kind)
    assert told["lm"] == facts["lm"]
    assert (told["layer"], told["site"]) == (facts["layer"], facts["site"])


@pytest.mark.parametrize("code", KINDS)
@torch.no_grad()
def test_ours_come_back_as_they_were(code, tmp_path):
    net, rows = drawn(code)
    density = np.linspace(0, 1, 32, dtype=np.float32)
    facts = {"lm": "some", "layer": 3, "site": "mlp", "sink_norm": 12.5, "lm_sha": "abc", "l0": 4.0, "explained": 0.5}
    export_saelens(SparseAutoencoder.of(net, facts, density), tmp_path / "out")
    sae = import_saelens(tmp_path / "out")
    again, told = sae.net, sae.facts_
    assert again.kind == net.kind
    for name, value in net.state_dict().items():
        if name not in {"centre", "offset", "idle", "variance", "extra.magnitude"}:  # a shift may move between them
            torch.testing.assert_close(again.state_dict()[name], value, rtol=1e-5, atol=1e-6, msg=name)
    rows = apart(net, rows)
    torch.testing.assert_close(again.encode(rows), net.encode(rows), rtol=0, atol=1e-5)
    torch.testing.assert_close(again.decode(again.encode(rows)), net.decode(net.encode(rows)), rtol=0, atol=1e-4)
    np.testing.assert_allclose(sae.density_, density, atol=1e-6)
    assert {key: told[key] for key in facts} == facts


@pytest.mark.parametrize("code", ["sparse:32:k=4", "relu:32"])
@torch.no_grad()
def test_transcoders_come_back(code):
    net, rows = drawn(code, target=5)
    target = {"lm": "some", "layer": 4, "site": "residual"}
    again, told = dictionary_of(*to_saelens(net, {"lm": "some", "layer": 2, "site": "mlp", "target": target}))
    assert again.target == 5
    assert (told["layer"], told["site"], told["target"]) == (2, "mlp", target)
    rows = apart(net, rows)
    torch.testing.assert_close(again.encode(rows), net.encode(rows), rtol=0, atol=1e-5)
    torch.testing.assert_close(again.decode(again.encode(rows)), net.decode(net.encode(rows)), rtol=0, atol=1e-4)


def test_a_transcoder_by_rank_is_refused():
    net, _ = drawn("topk:32:k=4", target=5)
    with pytest.raises(UsageError, match="no transcoder of kind topk"):
        to_saelens(net, {})


@torch.no_grad()
def test_a_factor_beside_a_checkpoint_is_folded_in(tmp_path):
    folder = copied("standard", tmp_path, normalize_activations="expected_average_only_in")
    (folder / "activation_scaler.json").write_text(json.dumps({"scaling_factor": 0.5}))
    net, _ = read_folder(folder)
    expected = load_file(GOLDEN / "standard" / "expected.safetensors")
    torch.testing.assert_close(net.encode(2 * expected["x"]), expected["codes"], rtol=0, atol=1e-5)
    torch.testing.assert_close(net.decode(expected["codes"]), 2 * expected["rebuilt"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"architecture": "temporal"}, "architecture 'temporal' is unknown here; known are standard, topk"),
        ({"normalize_activations": "layer_norm"}, "'layer_norm' treats every row by itself"),
        ({"normalize_activations": "expected_average_only_in"}, "scaled by a mean norm that the folder does not hold"),
        ({"finetuning_scaling_factor": True}, "finetuning_scaling_factor"),
        ({"reshape_activations": "heads"}, "reshape_activations 'heads'"),
        ({"architecture": "gated"}, "no autoencoder of SAELens"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(changed, words, tmp_path):
    with pytest.raises(FileError, match=words) as error:
        read_folder(copied("standard", tmp_path, **changed))
    assert "\n" not in str(error.value)


def test_folders_that_are_none(tmp_path):
    with pytest.raises(FileError, match="takes a folder with"):
        read_folder(tmp_path / "none")
    folder = copied("topk", tmp_path)
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:300])
    with pytest.raises(FileError, match="cut short"):
        read_folder(folder)
    folder = copied("topk", tmp_path)
    (folder / CONFIG).write_text("[1, 2]")
    with pytest.raises(FileError, match="no autoencoder of SAELens"):
        read_folder(folder)


@torch.no_grad()
def test_half_precision_is_read(tmp_path):
    folder = copied("standard", tmp_path, dtype="bfloat16")
    held = load_file(folder / WEIGHTS)
    save_file({name: value.bfloat16() for name, value in held.items()}, folder / WEIGHTS)
    net, _ = read_folder(folder)
    assert net.encoder.dtype == torch.float32
    torch.testing.assert_close(net.encoder, held["W_enc"].T.contiguous(), rtol=1e-2, atol=1e-2)


def test_places_have_names_on_both_sides():
    for site in ("residual", "mlp", "attention"):
        assert place_of(hook_of(4, site)) == (4, site)
    assert place_of("blocks.0.hook_resid_pre") == (None, None)
    assert place_of(None) == (None, None)
    assert place_of("gpt_neox.layers.3") == (3, "residual")


@pytest.mark.parametrize("code", KINDS)
@pytest.mark.parametrize("centred", [True, False])
@torch.no_grad()
def test_sae_lens_gives_our_codes(code, centred, tmp_path):
    sae_lens = pytest.importorskip("sae_lens")
    net, rows = drawn(code)
    if not centred:
        net.centre.zero_()
    write_folder(net, {"lm": "some", "layer": 3, "site": "mlp"}, tmp_path / "out")
    theirs = sae_lens.SAE.load_from_disk(tmp_path / "out")
    rows = apart(net, rows)
    torch.testing.assert_close(theirs.encode(rows), net.encode(rows), rtol=0, atol=1e-5)
    torch.testing.assert_close(theirs(rows), net.decode(net.encode(rows)), rtol=0, atol=1e-4)
    assert theirs.cfg.metadata.hook_name == "blocks.3.hook_mlp_out"


@pytest.mark.parametrize("code", ["sparse:32:k=4", "relu:32"])
@torch.no_grad()
def test_sae_lens_reads_our_transcoders(code, tmp_path):
    sae_lens = pytest.importorskip("sae_lens")
    net, rows = drawn(code, target=5)
    write_folder(net, {}, tmp_path / "out")
    theirs = sae_lens.Transcoder.load_from_disk(tmp_path / "out")
    rows = apart(net, rows)
    torch.testing.assert_close(theirs.encode(rows), net.encode(rows), rtol=0, atol=1e-5)
    torch.testing.assert_close(theirs(rows), net.decode(net.encode(rows)), rtol=0, atol=1e-4)


def copied(name: str, folder: Path, **changed) -> Path:
    """A copy of a folder, some of its settings changed."""
    out = folder / name
    shutil.copytree(GOLDEN / name, out, dirs_exist_ok=True)
    (out / CONFIG).write_text(json.dumps(json.loads((out / CONFIG).read_text()) | changed))
    return out
