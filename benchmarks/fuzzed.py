"""Readers that are fuzzed: the valid files they start from, how those are spoilt, and how they are read."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import mutations
import numpy as np
import pyarrow as pa
from killed import write_rows
from mutations import Draw

Spoil = Callable[[bytes, Draw], bytes]


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Target:
    """A reader.

    Parameters
    ----------
    name, title, about
        On the command line, in results, and what is read.
    make
        Writes valid files to a folder.
    read
        Reads a file.
    spoil
        Makes other bytes of a valid file's.
    weight
        Its share of all cases, beside the others'.
    warm
        Makes ready what reading needs.
    """

    name: str
    title: str
    about: str
    make: Callable[[Path], None]
    read: Callable[[Path], object]
    spoil: Spoil = mutations.spoilt
    weight: float = 1.0
    warm: Callable[[], object] = _nothing


def _model(rows: int = 60) -> Any:
    from isthmus import Autoencoder

    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder) / "t.csv", rows, 0)
        return Autoencoder(2, width=8, blocks=1, epochs=1).fit(Path(folder) / "t.csv")


_fitted = cache(_model)


def _table(rows: int = 60) -> pa.Table:
    draw = np.random.default_rng(0)
    return pa.table(
        {
            "id": [f"row {number}" for number in range(rows)],
            "zone": draw.choice(["hill", "port", None], rows).tolist(),
            "count": draw.integers(0, 9, rows),
            "size": draw.normal(size=rows).round(3),
            "day": pa.array(draw.integers(0, 9999, rows), pa.int32()).cast(pa.date32()),
            "odd": draw.random(rows) < 0.5,
        }
    )


# models


def _make_models(folder: Path) -> None:
    from isthmus import SparseAutoencoder

    model = _fitted()
    model.save(folder / "table.isthmus")
    model.encoder.save(folder / "encoder.isthmus")
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(64, 4)).astype(np.float32)
    SparseAutoencoder("topk:2x:k=2", epochs=1).fit(rows).save(folder / "sparse.isthmus")
    SparseAutoencoder("jumprelu:2x", epochs=1).fit(rows).save(folder / "jumps.isthmus")


def _read_model(path: Path) -> object:
    from isthmus import load

    return load(path)


def _spoil_model(held: bytes, draw: Draw) -> bytes:
    """Spoil the bytes; or the facts or a tensor, with the checksum put right, as whoever writes the file can."""
    import torch
    from safetensors.torch import load as open_bytes

    from isthmus.store import write

    if draw.random() < 0.3:
        return mutations.spoilt_safetensors(held, draw)
    meta = json.loads(held[8 : 8 + int.from_bytes(held[:8], "little")])["__metadata__"]
    tensors, facts = open_bytes(held), json.loads(meta["facts"])
    if draw.random() < 0.7:
        facts = mutations.spoilt_json(facts, draw)
    else:
        name = list(tensors)[int(draw.integers(len(tensors)))]
        tensors[name] = _spoilt_tensor(tensors[name], draw, torch)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "m", meta["kind"], facts, tensors)
        return (Path(folder) / "m").read_bytes()


def _spoilt_tensor(tensor: Any, draw: Draw, torch: Any) -> Any:
    value = [float("nan"), float("inf"), -1, 1e30, 0][int(draw.integers(5))]
    ways = (
        tensor.flatten,
        lambda: tensor[..., :-1] if tensor.ndim else tensor[None],
        lambda: torch.cat([tensor.flatten(), tensor.flatten()]),
        lambda: torch.full_like(tensor, value) if tensor.is_floating_point() else tensor * -1000,
        lambda: tensor.to([torch.float64, torch.int64, torch.bool, torch.bfloat16][int(draw.integers(4))]),
        lambda: torch.zeros(0),
    )
    return ways[int(draw.integers(len(ways)))]().contiguous().clone()


# compressed files


def _make_packed(folder: Path) -> None:
    from isthmus import compress

    compress(_table(900), folder / "table.isz", budget=1)
    compress(_table(8), folder / "parquet.isz", budget=1)


def _make_media(folder: Path) -> None:
    from isthmus import compress
    from isthmus.data.images import save_picture
    from isthmus.data.signals import Signal, write_signal

    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        save_picture(here / "p.png", draw.integers(0, 255, (24, 20, 3), dtype=np.uint8))
        tone = np.sin(np.arange(900, dtype=np.float32) / 5)[:, None]
        write_signal(here / "s.wav", Signal(tone, 8000))
        compress(here / "p.png", folder / "picture.isz", quality=2)
        compress(here / "s.wav", folder / "exact.isz")
        compress(here / "s.wav", folder / "sound.isz", quality=2)


def _read_packed(path: Path) -> None:
    from isthmus import decompress
    from isthmus.compression import look
    from isthmus.errors import IsthmusError

    try:
        look(path)
        decompress(path)
    except IsthmusError:
        decompress(path, salvage=True)
        raise


def _spoil_packed(held: bytes, draw: Draw) -> bytes:
    """Spoil the bytes; or the facts or a part, with the checksums put right."""
    from isthmus.container import FACTS, INDEX, TOTALS, Container, Writer

    if draw.random() < 0.25:
        return mutations.spoilt(held, draw)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(held)
        with Container(path) as container:
            facts, totals = container.facts, container.totals
            parts = [(part.kind, container._held(part) or b"") for part in container._parts]
        parts = [part for part in parts if part[0] not in (FACTS, TOTALS, INDEX)]
        if draw.random() < 0.5 or not parts:
            facts = _as_dict(mutations.spoilt_json(facts, draw), facts)
        else:
            at = int(draw.integers(len(parts)))
            parts[at] = (parts[at][0], mutations.spoilt(parts[at][1], draw))
        if draw.random() < 0.1:
            totals = _as_dict(mutations.spoilt_json(totals, draw), totals)
        with Writer(path, _encodable(facts)) as writer:
            for kind, each in parts:
                writer.add(kind, each)
            writer.totals(_encodable(totals))
        return path.read_bytes()


def _as_dict(value: Any, other: dict[str, Any]) -> dict[str, Any]:
    return value if isinstance(value, dict) else other


def _encodable(facts: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace"))  # type: ignore[no-any-return]


# tables


def _make_csv(folder: Path) -> None:
    from isthmus.data.sources import write_table

    for ending in ("csv", "tsv"):
        write_table(_table(), folder / f"t.{ending}")
    quoted = 'a;b\n"1,5";"two\nlines"\n"2,25";"with ""quotes"""\n;\n'
    (folder / "q.csv").write_text(quoted, "utf-8")
    (folder / "times.csv").write_text("t,d\n2020-01-01 10:00:00,10:30\n2021-12-31T23:59:59Z,23:59:59\n", "utf-8")


def _make_gzip(folder: Path) -> None:
    from isthmus.data.sources import write_table

    write_table(_table(), folder / "t.csv.gz")


def _make_parquet(folder: Path) -> None:
    from pyarrow import parquet

    from isthmus.data.sources import write_table

    write_table(_table(), folder / "t.parquet")
    parquet.write_table(_table(), folder / "plain.parquet", compression="none", use_dictionary=False)


def _make_npy(folder: Path) -> None:
    np.save(folder / "t.npy", np.random.default_rng(0).normal(size=(20, 3)))
    np.save(folder / "whole.npy", np.arange(12).reshape(4, 3))


def _read_table(path: Path) -> None:
    from isthmus.data.parts import ENDINGS, Parts
    from isthmus.data.schema import Schema
    from isthmus.data.sources import open_table
    from isthmus.errors import IsthmusError

    try:
        Schema.learn(open_table(path))
    except IsthmusError:
        if path.name.endswith(ENDINGS):
            for _ in Parts.open(path):
                pass
        raise


# pictures and sounds


def _make_pictures(folder: Path) -> None:
    from PIL import Image

    draw = np.random.default_rng(0)
    colours = draw.integers(0, 255, (12, 16, 4), dtype=np.uint8)
    for name, options in {"p.jpg": {}, "p.bmp": {}, "p.webp": {"lossless": True}}.items():
        Image.fromarray(colours[..., :3]).save(folder / name, **options)


def _make_png(folder: Path) -> None:
    from PIL import Image

    draw = np.random.default_rng(0)
    colours = draw.integers(0, 255, (12, 16, 4), dtype=np.uint8)
    Image.fromarray(colours).save(folder / "rgba.png")
    Image.fromarray(colours[..., 0]).save(folder / "grey.png")
    Image.fromarray(colours[..., :3]).quantize(8).save(folder / "palette.png", transparency=1)
    Image.fromarray(colours[..., 0].astype(np.uint16) * 256).save(folder / "deep.png")
    frames = [Image.fromarray(colours[..., :3]), Image.fromarray(colours[::-1, :, :3])]
    frames[0].save(folder / "moving.png", save_all=True, append_images=frames[1:])


def _read_picture(path: Path) -> object:
    from isthmus.data.images import open_picture

    return open_picture(path)


def _make_sounds(folder: Path) -> None:
    from isthmus.data.signals import Signal, write_signal

    tone = np.sin(np.arange(1200, dtype=np.float32) / 5)[:, None].repeat(2, 1)
    for ending in ("wav", "flac", "ogg", "aiff", "mp3"):
        write_signal(folder / f"s.{ending}", Signal(tone, 8000))
    write_signal(folder / "float.wav", Signal(tone, 8000, "FLOAT"))


def _read_sound(path: Path) -> None:
    from isthmus.data.signals import open_signal, open_wholes

    open_signal(path)
    open_wholes(path)


def _make_arrays(folder: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (3, 16, 16), dtype=np.uint8)
    np.save(folder / "p.npy", pictures)
    np.savez(folder / "p.npz", pictures=pictures, labels=np.arange(3))
    np.savez_compressed(folder / "c.npz", pictures=pictures, labels=np.arange(3))


def _read_arrays(path: Path) -> object:
    from isthmus.data.gallery import open_pictures

    return open_pictures(path)


# language models and their features


@cache
def _rest() -> Path:
    """Make folders whose other files are whole."""
    from isthmus import SparseAutoencoder
    from isthmus.data.shards import ActivationsWriter
    from isthmus.saelens import export_saelens

    folder = Path(tempfile.mkdtemp())
    rows = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    export_saelens(SparseAutoencoder("topk:2x:k=2", epochs=1).fit(rows), folder / "sae")
    facts = {"lm": "tiny", "layer": 1, "site": "residual", "width": 4, "dtype": "float32"}
    writer = ActivationsWriter(folder / "acts", facts)
    writer.append(rows, np.arange(64), np.arange(64) // 8)
    writer.close(str)
    return folder


def _make_of(names: Sequence[str], folder: Path) -> None:
    for name in names:
        shutil.copy(_rest() / name, folder)
    shutil.rmtree(_rest())
    _rest.cache_clear()


def _read_sae(path: Path) -> object:
    from isthmus.saelens import import_saelens

    return import_saelens(_laid(path, _rest() / "sae"))


def _read_acts(path: Path) -> None:
    from isthmus.data.activations import Activations

    acts = Activations.open(_laid(path, _rest() / "acts"))
    _ = acts.block(0, 8), acts.usable, acts.pieces, acts.split(0.2)


def _laid(path: Path, whole: Path) -> Path:
    """Lay out a folder that is whole but for one file."""
    folder = path.parent / whole.name
    shutil.copytree(whole, folder, dirs_exist_ok=True)
    shutil.copy(path, folder)
    return folder


def _spoil_either(held: bytes, draw: Draw) -> bytes:
    return mutations.spoilt_json_text(held, draw) if held[:1] == b"{" else mutations.spoilt(held, draw)


def _make_gguf(folder: Path) -> None:
    import gguf

    draw = np.random.default_rng(0)
    writer = gguf.GGUFWriter(folder / "tiny.gguf", "llama")
    writer.add_context_length(32)
    writer.add_embedding_length(8)
    writer.add_block_count(1)
    writer.add_feed_forward_length(16)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(4)
    writer.add_layer_norm_rms_eps(1e-5)
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([0.0] * len(pieces))
    writer.add_token_types([2, 3, 3, *[6] * 256])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    shapes = {"token_embd": (len(pieces), 8), "output_norm": (8,), "output": (len(pieces), 8)}
    shapes |= {f"blk.0.{name}": (8, 8) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
    shapes |= {"blk.0.attn_norm": (8,), "blk.0.ffn_norm": (8,), "blk.0.ffn_down": (8, 16)}
    shapes |= {"blk.0.ffn_up": (16, 8), "blk.0.ffn_gate": (16, 8)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", draw.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _read_gguf(path: Path) -> None:
    from isthmus.nets.language import Language

    Language.open(path)


def _warm_gguf() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _make_gguf(Path(folder))
        _read_gguf(Path(folder) / "tiny.gguf")


# text, settings and words


def _make_texts(folder: Path) -> None:
    from pyarrow import parquet

    (folder / "t.txt").write_text("One.\nTwo, é.\n\nThree\n", "utf-8")
    (folder / "t.jsonl").write_text('{"text": "One."}\n{"text": "Two.", "n": 2}\n', "utf-8")
    (folder / "t.py").write_text("x = 1\n", "utf-8")
    parquet.write_table(pa.table({"text": ["One.", "Two."]}), folder / "t.parquet")


def _read_texts(path: Path) -> object:
    from isthmus.data.passages import read_passages

    return list(read_passages([path]))


def _make_schema(folder: Path) -> None:
    from isthmus.data.schema import Schema
    from isthmus.data.sources import Table

    schema = Schema.learn(Table(_table()))
    (folder / "s.json").write_text(schema.to_json(), "utf-8")
    (folder / "s.toml").write_text(schema.to_toml(), "utf-8")


def _read_schema(path: Path) -> object:
    from isthmus.cli.fit import _read_schema as read

    return read(path)


LINES = {
    "code": ("dense:16", "gaussian:16:beta=0.5", "sparse:256:k=16", "quantized:8:levels=8", "12"),
    "sparsity": ("sparse:16x:k=32", "matryoshka:8x:k=4", "jumprelu:16x:l0=4", "relu:2x", "topk:12:k=2"),
    "corruption": ("auto", "none", "mask", "noise:0.1-0.5", "mask+noise"),
    "noise": ("gaussian:0-75", "poisson", "gaussian:25+poisson"),
    "size": ("2GB", "1.5 MB", "100"),
    "time": ("60s", "2min", "1h", "45"),
    "tolerance": ("0.01", "size=0.5", "a=0.5 b=0.25"),
    "rows": ("10:20", ":5", "7:"),
    "given": ("area=61..90", "zone=hill|port", "rooms=3", "price=..", "zone=harbour"),
    "words": ("sample m.isthmus -n 5 -o s.csv", "fit t.csv -o m --epochs 3 --seed 1", "amplify m t.csv --to 0.2"),
}


def _make_lines(folder: Path) -> None:
    for kind, lines in LINES.items():
        for number, line in enumerate(lines):
            (folder / f"{kind}-{number}").write_text(line, "utf-8")


def _read_line(path: Path) -> object:
    from isthmus.cli.compress import _rows, _tolerance
    from isthmus.cli.given import parse_given
    from isthmus.cli.main import parser
    from isthmus.data.parts import parse_size
    from isthmus.nets.codes import parse_code
    from isthmus.nets.corruptions import parse_corruption
    from isthmus.nets.noises import parse_noise
    from isthmus.nets.sparsity import parse_sparsity
    from isthmus.settings import parse_duration

    text = path.read_text("utf-8", "replace")
    kind = path.name.partition("-")[0]
    if kind == "given":
        model = _fitted()
        return model.sample(1, given=parse_given(text.split(), model.schema_), seed=0)
    if kind == "words":
        try:
            return parser().parse_args(text.split())
        except SystemExit:  # help was asked for
            return None
    readers: dict[str, Callable[[Any], object]] = {"code": parse_code, "sparsity": parse_sparsity}
    readers |= {"corruption": parse_corruption, "noise": parse_noise, "size": parse_size, "time": parse_duration}
    readers |= {"tolerance": lambda words: _tolerance(words.split()), "rows": _rows}
    return readers[kind](text)


CONDITIONS = ("area > 60 and zone = 'hill'", "rooms in (1, 2)", "price between 1 and 2e6", "not (zone is null)")


@cache
def _index() -> Any:
    from isthmus import Index

    folder = Path(tempfile.mkdtemp())
    write_rows(folder / "t.csv", 60, 0)
    return Index.create(folder / "rows.index", _fitted(), folder / "t.csv")


def _make_conditions(folder: Path) -> None:
    for number, line in enumerate(CONDITIONS):
        (folder / f"where-{number}").write_text(line, "utf-8")


def _read_condition(path: Path) -> object:
    return _index().search(row=0, n=2, where=path.read_text("utf-8", "replace"))


def _make_bodies(folder: Path) -> None:
    from isthmus.serve.rows import to_records, to_stream

    with tempfile.TemporaryDirectory() as name:
        write_rows(Path(name) / "t.csv", 6, 0)
        from isthmus.data.sources import open_table

        rows = open_table(Path(name) / "t.csv").columns
    (folder / "rows.json").write_text(json.dumps(to_records(rows)), "utf-8")
    (folder / "rows.arrow").write_bytes(to_stream(rows))


def _read_body(path: Path) -> object:
    from isthmus.serve.limits import strict_json
    from isthmus.serve.rows import Rows

    rows, body = Rows(_fitted().schema_), path.read_bytes()
    table = rows.from_stream(body) if path.suffix == ".arrow" else rows.from_records(rows.check(strict_json(body)))
    return rows.open(table)


def _spoil_body(held: bytes, draw: Draw) -> bytes:
    return mutations.spoilt_json_text(held, draw) if held[:1] == b"[" else mutations.spoilt(held, draw)


def _spoil_schema(held: bytes, draw: Draw) -> bytes:
    return mutations.spoilt_json_text(held, draw) if held[:1] == b"{" else mutations.spoilt(held, draw)


def _make_checkpoint(folder: Path) -> None:
    import torch

    from isthmus.training import checkpoints

    checkpoints.write(folder / "run.checkpoint", {"a": torch.zeros(3)}, {"step": 1}, {"data": "x"})


def _read_checkpoint(path: Path) -> object:
    from isthmus.training import checkpoints

    return checkpoints.read(path, {"data": "x"})


_ACTS = ("activations.json", "pieces.json", "shard-00000.npy", "shard-00000.norms.npy")
_ALL = (
    Target("model", "Models", ".isthmus", _make_models, _read_model, _spoil_model, 2),
    Target("packed", "Compressed tables", ".isz of tables", _make_packed, _read_packed, _spoil_packed, 2),
    Target("media", "Compressed media", ".isz of pictures and sounds", _make_media, _read_packed, _spoil_packed),
    Target("csv", "CSV", ".csv, .tsv", _make_csv, _read_table),
    Target("gzip", "CSV, packed", ".csv.gz", _make_gzip, _read_table, mutations.spoilt_gzip, 0.5),
    Target("parquet", "Parquet", ".parquet", _make_parquet, _read_table, weight=2),
    Target("npy", "Arrays", ".npy", _make_npy, _read_table),
    Target("pictures", "Pictures", "JPEG, BMP, WebP", _make_pictures, _read_picture),
    Target(
        "png", "PNG", "grey, coloured, with a palette, deep, moving", _make_png, _read_picture, mutations.spoilt_png
    ),
    Target("sounds", "Sounds", "WAV, FLAC, Ogg, AIFF, MP3", _make_sounds, _read_sound),
    Target("arrays", "Arrays of pictures", ".npy, .npz", _make_arrays, _read_arrays, weight=0.5),
    Target(
        "sae-facts",
        "SAELens' settings",
        "cfg.json",
        partial(_make_of, ["sae/cfg.json"]),
        _read_sae,
        mutations.spoilt_json_text,
        warm=_rest,
    ),
    Target(
        "sae-weights",
        "SAELens' weights",
        "safetensors",
        partial(_make_of, ["sae/sae_weights.safetensors", "sae/sparsity.safetensors"]),
        _read_sae,
        mutations.spoilt_safetensors,
        warm=_rest,
    ),
    Target(
        "activations",
        "Activations",
        "activations.json, pieces.json and shards",
        partial(_make_of, [f"acts/{name}" for name in _ACTS]),
        _read_acts,
        _spoil_either,
        warm=_rest,
    ),
    Target("gguf", "Language models", ".gguf", _make_gguf, _read_gguf, weight=0.2, warm=_warm_gguf),
    Target("texts", "Texts", ".txt, .jsonl, .parquet, source code", _make_texts, _read_texts, weight=0.5),
    Target("schema", "Schemas", ".json, .toml", _make_schema, _read_schema, _spoil_schema, 0.5),
    Target(
        "words", "Words of the command line", "codes, noises, sizes, --given", _make_lines, _read_line, warm=_fitted
    ),
    Target("where", "Conditions", "--where", _make_conditions, _read_condition, weight=0.5, warm=_index),
    Target("bodies", "Bodies of requests", "JSON, Arrow streams", _make_bodies, _read_body, _spoil_body, warm=_fitted),
    Target(
        "checkpoint",
        "Checkpoints",
        "safetensors",
        _make_checkpoint,
        _read_checkpoint,
        mutations.spoilt_safetensors,
        0.3,
    ),
)
TARGETS = {target.name: target for target in _ALL}
