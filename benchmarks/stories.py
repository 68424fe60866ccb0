"""The stories260K language model, from llama2.c's layout into that of transformers."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["write_stories"]

Floats = npt.NDArray[np.float32]
BYTES = 256
"""Tokens, after the first three, that are single bytes."""


def write_stories(source: Path, out: Path) -> Path:
    """Write `stories260K.bin` and `tok512.bin` of a folder as a folder that transformers opens; any shape will do."""
    from safetensors.numpy import save_file

    out.mkdir(parents=True, exist_ok=True)
    config, weights = _weights((source / "stories260K.bin").read_bytes())
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(config), "utf-8")
    pieces = _pieces((source / "tok512.bin").read_bytes(), config["vocab_size"])
    (out / "tokenizer.json").write_text(json.dumps(_tokenizer(pieces), ensure_ascii=False), "utf-8")
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (out / "tokenizer_config.json").write_text(json.dumps(kind), "utf-8")
    return out


def _weights(held: bytes) -> tuple[dict[str, object], dict[str, Floats]]:
    """Read version 0 of llama2.c's layout."""
    width, hidden, layers, heads, kv_heads, vocabulary, length = struct.unpack("<7i", held[:28])
    shared, vocabulary = vocabulary > 0, abs(vocabulary)
    numbers = np.frombuffer(held, "<f4", offset=28)
    place = 0

    def take(*shape: int) -> Floats:
        nonlocal place
        size = int(np.prod(shape))
        found = numbers[place : place + size].reshape(shape)
        place += size
        return found

    kv = kv_heads * (width // heads)
    found = {"model.embed_tokens.weight": take(vocabulary, width)}
    parts = {
        "input_layernorm": take(layers, width),
        "self_attn.q_proj": take(layers, width, width),
        "self_attn.k_proj": take(layers, kv, width),
        "self_attn.v_proj": take(layers, kv, width),
        "self_attn.o_proj": take(layers, width, width),
        "post_attention_layernorm": take(layers, width),
        "mlp.gate_proj": take(layers, hidden, width),
        "mlp.down_proj": take(layers, width, hidden),
        "mlp.up_proj": take(layers, hidden, width),
    }
    for name, each in parts.items():
        for layer in range(layers):
            turned = {"self_attn.q_proj": heads, "self_attn.k_proj": kv_heads}.get(name)
            weights = _halves(each[layer], turned) if turned else each[layer]
            found[f"model.layers.{layer}.{name}.weight"] = np.ascontiguousarray(weights)
    found["model.norm.weight"] = take(width)
    if not shared:
        take(length, width // heads)  # two tables of rotations, computed anew nowadays
        found["lm_head.weight"] = take(vocabulary, width)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": width,
        "intermediate_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": vocabulary,
        "max_position_embeddings": length,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": shared,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    }
    return config, found


def _halves(weights: Floats, heads: int) -> Floats:
    """Reorder a projection's rows: rotations turn neighbours there, a head's two halves in transformers."""
    rows, width = weights.shape
    return weights.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)


def _pieces(held: bytes, count: int) -> list[tuple[str, float]]:
    """Read each token's text and score."""
    found, place = [], 4
    for number in range(count):
        score, length = struct.unpack_from("<fi", held, place)
        text = held[place + 8 : place + 8 + length].decode("utf-8", "replace")
        place += 8 + length
        special = ["<unk>", "<s>", "</s>"]
        byte = f"<0x{number - 3:02X}>"
        name = special[number] if number < 3 else byte if number < 3 + BYTES else text.replace(" ", "▁")
        found.append((name, score))
    return found


def _tokenizer(pieces: list[tuple[str, float]]) -> dict[str, object]:
    """Describe SentencePiece's joining of pairs, best score first, to the `tokenizers` package."""
    places = {piece: number for number, (piece, _) in enumerate(pieces)}
    ordered = sorted(pieces[3 + BYTES :], key=lambda pair: -pair[1])
    merges = [
        [piece[:cut], piece[cut:]]
        for piece, _ in ordered
        for cut in range(1, len(piece))
        if piece[:cut] in places and piece[cut:] in places
    ]
    first = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "added_tokens": [{"id": number, "content": pieces[number][0], **flags} for number in range(3)],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, text],
            "pair": [first, text, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": places,
            "merges": merges,
        },
    }
