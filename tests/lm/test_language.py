"""A language model as it is opened: its tokens, its activations at any site, edits, and what it writes."""

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch

from isthmus.errors import FileError, UsageError
from isthmus.nets.language import Language

TEXT = "Elle ouvrit la fenêtre — 東京 was cold."


def batch(language, *texts):
    return language.batch([language.encode(text) for text in texts])


def test_pieces_joined_are_the_text(language):
    ids = language.encode(TEXT)
    start = "<s>" if ids[0] == 0 else ""
    assert "".join(language.pieces(ids)) == start + TEXT
    assert len(language.pieces(ids)) == len(ids)


def test_the_residual_stream_is_what_transformers_says(language):
    ids, mask = batch(language, TEXT, "The cat.")
    states = language.model(ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
    for layer in range(language.layers - 1):  # the last of transformers' states is behind the final norm
        found = language.activations(ids, mask, layer)
        torch.testing.assert_close(found[mask], states[layer + 1][mask], rtol=1e-5, atol=1e-5)


def test_the_stream_is_the_sum_of_what_attention_and_mlp_add(language):
    ids, mask = batch(language, TEXT)
    before = language.activations(ids, mask, 0)
    added = [language.activations(ids, mask, 1, site) for site in ("attention", "mlp")]
    torch.testing.assert_close(before + sum(added), language.activations(ids, mask, 1), rtol=1e-4, atol=1e-5)


def test_what_fills_a_row_up_changes_nothing(language):
    together, mask = batch(language, "The cat.", TEXT, "A")
    for row, text in enumerate(("The cat.", TEXT, "A")):
        alone = language.activations(*batch(language, text), 2)[0]
        torch.testing.assert_close(language.activations(together, mask, 2)[row, : len(alone)], alone)


def test_layers_after_the_last_one_asked_for_are_not_computed(language):
    ran = []
    hooks = [
        language.site(layer).register_forward_hook(lambda *_, layer=layer: ran.append(layer))
        for layer in range(language.layers)
    ]
    try:
        found = language.activations_at(*batch(language, TEXT), [1, 0])
    finally:
        for hook in hooks:
            hook.remove()
    assert ran == [0, 1]
    torch.testing.assert_close(found[1], language.activations(*batch(language, TEXT), 0))
    assert not found[0].requires_grad


def test_a_model_works_as_before_once_a_layer_was_read(language):
    ids, mask = batch(language, TEXT)
    before = language.logits(ids, mask)
    language.activations(ids, mask, 0, "mlp")
    torch.testing.assert_close(language.logits(ids, mask), before)


@pytest.mark.parametrize("site", ["residual", "mlp", "attention"])
def test_an_edit_reaches_all_later_layers_and_ends_with_its_block(language, site):
    ids, mask = batch(language, TEXT)
    plain = language.logits(ids, mask)
    with language.edited(1, site, lambda values: values * 0):
        assert (language.activations(ids, mask, 1, site) == 0).all()
        assert not torch.allclose(language.logits(ids, mask), plain)
    torch.testing.assert_close(language.logits(ids, mask), plain)


def test_edits_nest(language):
    ids, mask = batch(language, TEXT)
    plain = language.activations(ids, mask, 1)
    with language.edited(1, "residual", lambda values: values + 1):
        with language.edited(1, "residual", lambda values: values * 2):
            torch.testing.assert_close(language.activations(ids, mask, 1), (plain + 1) * 2)
        torch.testing.assert_close(language.activations(ids, mask, 1), plain + 1)


def test_text_goes_on_as_transformers_would_write_it(language):
    ids = language.encode("The cat")
    ours = language.generate(ids, 12)
    theirs = language.model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False, pad_token_id=1)
    assert [token for token in theirs[0, len(ids) :].tolist() if token not in language.ends] == ours


def test_an_edit_holds_while_text_is_written_by_either(language):
    ids = language.encode("The cat")
    push = torch.randn(language.width, generator=torch.Generator().manual_seed(0)) * 10
    seen = []

    def edit(values):
        seen.append(values.shape[1])
        return values + push

    with language.edited(1, "residual", edit):
        ours = language.generate(ids, 4)
        theirs = language.model.generate(torch.tensor([ids]), max_new_tokens=4, do_sample=False, pad_token_id=1)
    assert seen[: len(ours)] == [len(ids), *[1] * (len(ours) - 1)]
    assert theirs[0, len(ids) :].tolist()[: len(ours)] == ours


def test_the_same_seed_draws_the_same_text(language):
    ids = language.encode("The cat")
    first, again, other = (language.generate(ids, 20, temperature=1.5, top_p=0.9, seed=seed) for seed in (3, 3, 4))
    assert first == again != other


def test_a_direction_raises_the_logits_that_unembed_says(language):
    ids, mask = batch(language, TEXT)
    last = language.layers - 1
    stream = language.activations(ids, mask, last)[0, -1].double()
    if "LayerNorm" in str(type(language.model.base_model.ln_f if hasattr(language.model.base_model, "ln_f") else None)):
        scale = (stream.var(unbiased=False) + 1e-5).sqrt()
    else:
        scale = (stream.square().mean() + 1e-6).sqrt()
    plain = language.logits(ids, mask)[0, -1].double()
    found = stream / scale @ language.unembed().double()
    gap = found - plain
    assert gap.std() < 1e-3 * plain.std()  # but for what a bias adds to all alike


def test_long_texts_are_cut_into_chunks_that_each_start_as_a_text_does(language):
    ids = language.encode(TEXT * 5)
    chunks = language.chunks(ids, 16)
    start = [0] if ids[0] == 0 else []
    assert all(len(chunk) <= 16 and chunk[: len(start)] == start for chunk in chunks)
    assert start + [token for chunk in chunks for token in chunk[len(start) :]] == ids


def test_models_are_told_apart(llama_folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(llama_folder, other)
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-7] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    assert Language.open(other).sha != Language.open(llama_folder).sha


def test_no_socket_is_opened(lm_folder, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert Language.open(lm_folder).layers == 3


def _bert(folder: Path) -> None:
    from transformers import BertConfig, BertForMaskedLM

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertForMaskedLM(BertConfig(vocab_size=400, **sizes)).save_pretrained(folder)


def _cut(folder: Path) -> None:
    held = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(held[: len(held) // 2])


def _config(folder: Path, facts: dict) -> None:
    (folder / "config.json").write_text(json.dumps(facts))


def _without(folder: Path, pattern: str) -> None:
    for file in folder.glob(pattern):
        file.unlink()


SPOILT = {
    "missing": shutil.rmtree,
    "empty": lambda folder: _without(folder, "*"),
    "no-json": lambda folder: (folder / "config.json").write_text("{"),
    "pickled": lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
    "cut": _cut,
    "unknown-kind": lambda folder: _config(folder, {"model_type": "abacus"}),
    "translator": lambda folder: _config(folder, {"model_type": "t5", "is_encoder_decoder": True}),
    "no-tokenizer": lambda folder: _without(folder, "tokenizer*"),
    "bert": _bert,
}


def spoil(folder: Path, tmp_path: Path, name: str) -> Path:
    """Make a folder or file that is no language model."""
    spoilt = tmp_path / name
    if name.endswith(".gguf"):
        spoilt.write_bytes((b"GGUF" if name == "broken.gguf" else b"PNG.") + bytes(100))
    else:
        shutil.copytree(folder, spoilt)
        SPOILT[name](spoilt)
    return spoilt


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing", "no such folder or .gguf file"),
        ("empty", "lacks config.json"),
        ("broken.gguf", "cannot be opened"),
        ("picture.gguf", "no .gguf file"),
        ("no-json", "is broken"),
        ("pickled", "can run code"),
        ("cut", "cannot be opened"),
        ("unknown-kind", "cannot be opened"),
        ("no-tokenizer", "holds no tokenizer"),
        ("translator", "no causal language model"),
        ("bert", "no causal language model"),
    ],
)
def test_what_is_no_language_model_is_refused_in_one_line(gpt2_folder, tmp_path, name, says):
    with pytest.raises(FileError, match=says) as caught:
        Language.open(spoil(gpt2_folder, tmp_path, name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layer", [-1, 3])
def test_a_layer_that_is_not_there_is_refused(language, layer):
    with pytest.raises(UsageError, match="has layers 0 to 2"):
        language.site(layer)


def test_stories260k_writes_its_story(stories_folder):
    model = Language.open(stories_folder)
    text = "".join(model.pieces(model.generate(model.encode(""), 60)))
    told = (
        " Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw"
    )
    assert text.startswith(told)
