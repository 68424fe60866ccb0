"""A graph gives what the network gives, of one row and of many, whatever the cells; nothing of isthmus is needed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import isthmus
from isthmus import exporting, store
from isthmus.data.sources import open_table
from isthmus.errors import FileError, UsageError
from isthmus.exporting import export
from isthmus.nets.noises import Noisy
from isthmus.tasks import reconstruct

CLOSE = 1e-5


def alike(found, expected):
    """Tell that arrays of the same shape differ by no more than 1e-5, of numbers above 1 relatively."""
    assert found.shape == expected.shape
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    return np.allclose(found, expected, rtol=CLOSE, atol=CLOSE, equal_nan=True)


def cells(model, frame):
    """Rows of a table with cells missing everywhere, of values never seen, and beyond the range."""
    x = model.codec_.encode(open_table(frame))
    holes = np.where(np.random.default_rng(0).random(x.shape) < 0.3, np.nan, x)
    categories = [i for i, variable in enumerate(model.schema_.coded) if variable.size]
    unseen, beyond = x[:20].copy(), x[:20].copy()
    unseen[:, categories] = -1
    beyond[:, [i for i in range(x.shape[1]) if i not in categories]] *= 10
    return np.concatenate([x, holes, unseen, np.full((1, x.shape[1]), np.nan)]), beyond


def test_rows_become_the_same_codes(table, frame):
    x, _ = cells(table.model, frame)
    codes = reconstruct.encode(table.model.net_, x)
    assert alike(table.run("encoder", rows=x)[0], codes)
    assert alike(table.run("encoder", rows=x[:1])[0], codes[:1])


def test_numbers_out_of_range_are_brought_into_it(table, frame):
    _, beyond = cells(table.model, frame)
    low, high = (
        np.array([getattr(v, end, far) for v in table.model.schema_.coded])
        for end, far in (("low", -np.inf), ("high", np.inf))
    )
    (codes,) = table.run("encoder", rows=beyond)
    assert (beyond > high).any()
    assert alike(codes, reconstruct.encode(table.model.net_, beyond.clip(low, high)))


def test_codes_become_the_same_rows_and_distributions(table, frame):
    x, _ = cells(table.model, frame)
    net = table.model.net_
    codes = reconstruct.encode(net, x)
    inputs = {"code": codes}
    if net.condition:
        inputs |= {"given": x[:, net.condition], "known": np.ones((len(x), len(net.condition)), bool)}
    rows, probabilities = table.run("decoder", **inputs)
    assert alike(rows, reconstruct.decode(net, codes, x))
    said = net.decode(torch.from_numpy(codes), net.columns.tokenize(torch.from_numpy(x)))
    expected = torch.cat([said.probabilities(j) for j in range(x.shape[1])], 1)
    assert alike(probabilities, expected.detach().numpy())
    one = table.run("decoder", **{name: each[:1] for name, each in inputs.items()})
    assert alike(one[0], rows[:1]) and alike(one[1], probabilities[:1])


def test_what_is_not_told_does_not_count(table, frame):
    net = table.model.net_
    if not net.condition:
        assert table.told["condition"] == []
        return
    x, _ = cells(table.model, frame)
    codes = reconstruct.encode(net, x)
    nothing = np.zeros((len(x), len(net.condition)), bool)
    rows, _ = table.run("decoder", code=codes, given=x[:, net.condition], known=nothing)
    assert alike(rows, reconstruct.decode(net, codes))


def test_the_json_says_what_every_number_is(table):
    told, model = table.told, table.model
    assert [column["name"] for column in told["columns"]] == [v.name for v in model.schema_.coded]
    assert [column["kind"] for column in told["columns"]] == [v.kind for v in model.schema_.coded]
    assert told["condition"] == [model.schema_.coded[j].name for j in model.net_.condition]
    ends = [tuple(column["probabilities"]) for column in told["columns"]]
    assert ends[0][0] == 0 and ends[-1][1] == model.net_.columns.total
    assert [first for first, _ in ends[1:]] == [last for _, last in ends[:-1]]
    for column, (first, last) in zip(told["columns"], ends, strict=True):
        assert len(column.get("values", column.get("bins"))) == last - first - column["missing_is_a_value"]
    assert list(told["graphs"]["encoder"]["inputs"]) == ["rows"]


def test_pictures_go_through_the_same_code(pictures):
    model = pictures.model
    net = model.net
    seen = np.random.default_rng(1).integers(0, 256, (5, *net.size, net.channels), dtype=np.uint8)
    codes = model.encode(seen if net.channels == 3 else seen[..., 0])
    assert alike(pictures.run("encoder", pictures=seen)[0], codes)
    assert alike(pictures.run("encoder", pictures=seen[:1])[0], codes[:1])
    kinds = {"kind": np.array([-1, 0, 1, 2, 0])} if net.kinds else {}
    with torch.no_grad():
        told = {name: torch.from_numpy(each) for name, each in kinds.items()}
        expected = net.decode(net.code.decode(torch.from_numpy(codes)), **told).permute(0, 2, 3, 1).numpy()
    assert alike(pictures.run("decoder", code=codes, **kinds)[0], expected)
    one = {name: each[:1] for name, each in kinds.items()}
    assert alike(pictures.run("decoder", code=codes[:1], **one)[0], expected[:1])


def test_activations_become_the_same_features(sparse):
    rows = np.random.default_rng(1).laplace(size=(50, 8)).astype(np.float32)
    codes = sparse.model.encode(rows)
    assert (codes > 0).any()
    assert alike(sparse.run("encoder", activations=rows)[0], codes)
    assert alike(sparse.run("encoder", activations=rows[:1])[0], codes[:1])
    assert alike(sparse.run("decoder", code=codes)[0], sparse.model.decode(codes))


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 17, 40), (2, 3, 5)])
def test_pictures_of_any_size_lose_the_same_noise(denoiser, shape):
    random = np.random.default_rng(0)
    channels = denoiser.model.net.channels
    noisy, level = random.random((*shape, channels), np.float32), random.random(shape, np.float32) / 5
    with torch.no_grad():
        planes = Noisy(torch.from_numpy(noisy).permute(0, 3, 1, 2), torch.from_numpy(level)[:, None])
        expected = denoiser.model.net(planes).permute(0, 2, 3, 1).numpy()
    assert alike(denoiser.run("denoiser", noisy=noisy, level=level)[0], expected)


def blocks_of(samples, rate):
    """Cut samples (n,) into blocks (1, blocks, samples) of 8 ms, the last filled up with silence."""
    size = 8 * round(rate / 1000)
    return np.pad(samples, (0, -len(samples) % size)).reshape(1, -1, size)


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("length", [1, 700, 9001])
def test_speech_of_any_rate_and_length_loses_the_same_noise(voice, rate, length):
    samples = np.random.default_rng(length).normal(0, 0.2, length).astype(np.float32)
    expected = voice.model.denoise(samples, rate)
    level = np.sqrt(np.square(samples).mean(keepdims=True))
    (found,) = voice.run("denoiser", noisy=blocks_of(samples, rate), level=level)
    assert np.abs(expected).max() > 1e-3
    assert alike(found.reshape(-1)[:length], expected)


def test_several_recordings_and_silence_go_at_once(voice):
    samples = np.random.default_rng(0).normal(0, 0.2, (3, 4096)).astype(np.float32)
    samples[1] = 0
    level = np.sqrt(np.square(samples).mean(1))
    (found,) = voice.run("denoiser", noisy=samples.reshape(3, -1, 128), level=level)
    assert alike(found.reshape(3, -1), voice.model.denoise(samples.T, 16000).T)
    assert not found[1].any()


def test_parts_of_speech_are_as_the_whole(voice):
    around, step = voice.told["around"], voice.told["step"]
    noisy = np.random.default_rng(0).normal(0, 0.2, (1, 9 * step + 2 * around, 64)).astype(np.float32)
    level = np.float32([0.2])
    (whole,) = voice.run("denoiser", noisy=noisy, level=level)
    first, last = around + step, around + 4 * step
    (part,) = voice.run("denoiser", noisy=noisy[:, first - around : last + around], level=level)
    assert alike(part[:, around:-around], whole[:, first:last])


@pytest.mark.parametrize("n", [1, 3])
def test_a_look_of_a_diffusion_sees_the_same(diffusion, n):
    net, shape, random = diffusion.model.net, diffusion.model.shape(), np.random.default_rng(0)
    noisy, level = random.normal(size=(n, *shape, net.channels)).astype(np.float32), np.float32([0.01, 1, 60])[:n]
    kinds = {"kind": np.array([-1, 0, 1])[:n]} if net.kinds else {}
    with torch.no_grad():
        planes = torch.from_numpy(noisy).permute(0, 3, 1, 2)
        levels = torch.from_numpy(level)[:, None, None, None].expand(n, 1, *shape)
        told = [torch.from_numpy(each) for each in kinds.values()]
        expected = net(Noisy(planes, levels), *told).permute(0, 2, 3, 1).numpy()
    assert alike(diffusion.run("denoiser", noisy=noisy, level=level, **kinds)[0], expected)
    if (grid := diffusion.model.grid) is not None:
        seen = random.integers(0, 256, (n, *diffusion.model.facts_["size"], 1), dtype=np.uint8)
        with torch.no_grad():
            code = grid.encode(torch.from_numpy(seen).permute(0, 3, 1, 2) / 255)
            again = grid.decode(code, seen.shape[1:3]).permute(0, 2, 3, 1).numpy()
        (found,) = diffusion.run("encoder", pictures=seen)
        assert alike(found, code.permute(0, 2, 3, 1).numpy())
        assert alike(diffusion.run("decoder", code=found)[0], again)


ALONE = """
import csv, json, sys
sys.modules |= {"torch": None, "isthmus": None}
import numpy as np
import onnxruntime

folder, table = sys.argv[1:]
told = json.load(open(f"{folder}/model.json", encoding="utf-8"))

def number(cell, column):
    if cell == "":
        return np.nan
    if "values" in column:
        return column["values"].index(cell) if cell in column["values"] else -1
    if column["kind"] == "moment":
        after = np.datetime64(cell) - np.datetime64(column["origin"], column["unit"])
        return after / np.timedelta64(1, column["unit"])
    return float(cell)

rows = [[number(row[column["name"]], column) for column in told["columns"]] for row in csv.DictReader(open(table))]
run = lambda name, **inputs: onnxruntime.InferenceSession(f"{folder}/{name}.onnx").run(None, inputs)
(codes,) = run("encoder", rows=np.array(rows, np.float64))
np.save(f"{folder}/codes.npy", codes)
np.save(f"{folder}/rows.npy", run("decoder", code=codes)[0])
"""


def test_it_runs_where_neither_torch_nor_isthmus_can_be_imported(small, houses_csv):
    model = small.model
    subprocess.run([sys.executable, "-c", ALONE, str(small.folder), str(houses_csv)], check=True)
    assert alike(np.load(small.folder / "codes.npy"), model.encode(houses_csv))
    again = model.codec_.encode(open_table(model.decode(model.encode(houses_csv))), clip=False)
    found = np.load(small.folder / "rows.npy")
    zone = [variable.name for variable in model.schema_.coded].index("zone")
    assert np.array_equal(found[:, zone], again[:, zone], equal_nan=True)


def test_halves_are_exported_alone_and_hold_nothing_of_each_other(small, tmp_path, monkeypatch):
    names = {weight.name for weight in onnx.load(small.folder / "encoder.onnx").graph.initializer}
    assert any("encoder" in name for name in names)
    assert not any("decoder" in name for name in names)
    monkeypatch.setattr(exporting, "to_onnx", lambda graph: graph.name.encode())
    for half in (small.model.encoder, small.model.decoder):
        written = export(half, tmp_path / half.kind)
        assert [path.name for path in written] == [f"{half.kind}.onnx", "model.json"]
        assert written[0].read_bytes() == half.kind.encode()


def test_halves_from_files_of_their_own_give_the_same(small, frame, exported, tmp_path):
    for half in ("encoder", "decoder"):
        getattr(small.model, half).save(tmp_path / half)
    encoder, decoder = (exported(isthmus.load(tmp_path / half)) for half in ("encoder", "decoder"))
    x, _ = cells(small.model, frame)
    (codes,) = encoder.run("encoder", rows=x)
    assert alike(codes, reconstruct.encode(small.model.net_, x))
    rows, _ = decoder.run("decoder", code=codes)
    assert alike(rows, reconstruct.decode(small.model.net_, codes))


def test_a_graph_tells_nothing_of_the_machine_it_was_traced_on(small):
    for path in small.folder.glob("*.onnx"):
        content = path.read_bytes()
        for trace in (str(Path(isthmus.__file__).parent), str(Path.home()), "site-packages", ".py"):
            assert trace.encode() not in content, path


def test_every_kind_of_model_is_exported_or_says_why_not():
    assert set(exporting.PARTS) | set(exporting.REFUSED) == set(store.kinds())


def test_a_map_says_why_it_cannot_be_exported(tmp_path):
    drawn = isthmus.Map().fit(np.random.default_rng(0).normal(size=(20, 3)))
    with pytest.raises(UsageError, match="a Map cannot be exported: it places rows by a search"):
        export(drawn, tmp_path / "onnx")
    with pytest.raises(UsageError, match="a dict cannot be exported"):
        export({}, tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()


def test_a_file_in_the_way_and_a_missing_package_are_one_line(houses_model, tmp_path, monkeypatch):
    model = isthmus.load(houses_model)
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="file' is a file: name a folder to write to"):
        export(model, tmp_path / "file")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UsageError, match=r"export needs the package onnxscript: pip install 'isthmus.onnx.'"):
        export(model, tmp_path / "onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
