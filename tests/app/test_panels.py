"""Every panel answers what the page asks, on a table and on pictures, and refuses what makes no sense in one line."""

import base64
import io
import time
import zlib

import numpy as np
import pytest
import soundfile as sf
from PIL import Image
from sklearn.datasets import load_sample_image

import isthmus as im
from isthmus.app import guard
from isthmus.app.panels import PANELS, denoise
from isthmus.speech import speech


def told(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer):
    assert answer.status_code in {400, 422}, answer.text
    says = answer.json()["error"]
    assert says and "\n" not in says
    return says


def pixels(address):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))


def heard(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    return sf.read(io.BytesIO(answer.content))


def png(array):
    held = io.BytesIO()
    Image.fromarray(array).save(held, "png")
    return held.getvalue()


@pytest.fixture
def on_houses(opened):
    return opened("houses.isthmus", "houses.csv")


@pytest.fixture
def on_digits(opened):
    return opened("digits.isthmus", "digits")


def test_the_state_says_what_each_panel_lacks(opened):
    client = opened()
    state = told(client.get("/api/state"))
    assert state["subject"] is None
    missing = {panel["id"]: panel["refusal"] for panel in state["panels"]}
    assert missing["library"] is None and "Open a model" in missing["map"]
    told(client.post("/api/library/open", json={"model": "houses.isthmus"}))
    missing = {panel["id"]: panel["refusal"] for panel in told(client.get("/api/state"))["panels"]}
    assert "Open data" in missing["map"] and missing["fill"] is None and "sparse code" in missing["features"]
    told(client.post("/api/library/open", json={"model": "houses.isthmus", "data": "houses.csv"}))
    state = told(client.get("/api/state"))
    assert state["subject"]["rows"] == 160
    assert [panel["id"] for panel in state["panels"] if panel["refusal"]] == ["features"]
    assert [panel["id"] for panel in state["panels"]] == [panel.ID for panel in PANELS]


def test_every_answer_needs_something_open_and_says_so(opened):
    client = opened()
    for path in ("overview", "map/places", "map/colours?column=x", "rows/1", "sliders", "sliders/start", "outliers"):
        assert "open" in refused(client.get(f"/api/{path}")).lower()
    for path, asked in (("fill", {"row": {}}), ("generate", {}), ("search", {}), ("sliders/decode", {"code": [1]})):
        refused(client.post(f"/api/{path}", json=asked))


def test_what_cannot_be_opened_leaves_open_what_was(on_houses, folder):
    (folder / "broken.isthmus").write_bytes(b"not a model")
    (folder / "other.csv").write_text("wing,beak\n1,2\n")
    assert "broken.isthmus" in refused(on_houses.post("/api/library/open", json={"model": "broken.isthmus"}))
    says = refused(on_houses.post("/api/library/open", json={"model": "houses.isthmus", "data": "other.csv"}))
    assert "none of the columns" in says
    assert "pictures of 8 x 8" not in refused(
        on_houses.post("/api/library/open", json={"model": "digits.isthmus", "data": "houses.csv"})
    )
    assert told(on_houses.get("/api/state"))["subject"]["data"] == "houses.csv"


def test_a_file_that_is_sent_can_be_opened(opened, folder):
    client = opened()
    kept = told(client.put("/api/library/files/new%20houses.csv", content=(folder / "houses.csv").read_bytes()))
    assert kept["name"] == "new houses.csv"
    told(client.post("/api/library/open", json={"model": "houses.isthmus", "data": "new houses.csv"}))
    columns = told(client.get("/api/library/columns/new houses.csv"))["columns"]
    assert {each["column"]: each["kind"] for each in columns}["zone"] == "category"


def test_the_overview_tells_the_schema_the_training_and_what_survives(on_houses):
    facts = told(on_houses.get("/api/overview"))["facts"]
    assert {each["column"] for each in facts["survival"]} == {each["column"] for each in facts["schema"]}
    assert facts["history"][-1]["held_out"]["total"] > 0


@pytest.mark.parametrize("dim", [2, 3])
def test_the_map_has_a_place_for_every_row(on_houses, dim):
    answer = on_houses.get(f"/api/map/places?dim={dim}")
    places = np.frombuffer(answer.content, "<f4").reshape(160, dim)
    assert np.isfinite(places).all() and places.std(0).min() > 0


def test_a_series_is_looked_at_moment_by_moment(opened):
    client = opened("log.isthmus", "log.csv")
    assert told(client.get("/api/state"))["subject"]["rows"] == 300
    odd = told(client.get("/api/outliers?n=5"))["rows"]
    assert any(190 <= each["row"] <= 222 for each in odd)
    assert "load, 8-15 after" in odd[0]["cells"]
    other = client.post("/api/library/open", json={"model": "log.isthmus", "data": "houses.csv"})
    assert "column 'load': there is none" in refused(other)


def test_the_map_is_coloured_by_any_column(on_houses, on_digits):
    for column in ("zone", "pool", "rooms", "price", "sold"):
        read = told(on_houses.get(f"/api/map/colours?column={column}"))
        values = base64.b64decode(read["values"])
        assert len(values) == (160 if read["kind"] == "groups" else 640)
    assert "there is no column 'wing'" in refused(on_houses.get("/api/map/colours?column=wing"))
    names = told(on_digits.get("/api/map/colours?column=label"))["names"]
    assert sorted(names) == [str(digit) for digit in range(10)]


def test_a_selection_says_what_it_has_in_common(on_houses, folder):
    import pandas as pd

    table = pd.read_csv(folder / "houses.csv")
    large = table.index[table["pool"] == "Y"].tolist()
    found = told(on_houses.post("/api/map/selection", json={"rows": large}))
    assert (found["count"], found["of"], len(found["rows"])) == (len(large), 160, len(large))
    assert found["rows"][0]["row"] == large[0]
    assert "pool" in " ".join(each["phrase"] for each in found["apart"][:3])
    assert "160" in refused(on_houses.post("/api/map/selection", json={"rows": [160]}))
    assert told(on_houses.post("/api/map/selection", json={"rows": list(range(160))}))["apart"] == []


def test_a_selection_of_pictures_is_told_by_labels(on_digits):
    labels = [told(on_digits.get(f"/api/rows/{row}"))["label"] for row in range(20)]
    rows = [row for row, label in enumerate(labels) if label == labels[0]]
    found = told(on_digits.post("/api/map/selection", json={"rows": rows}))
    assert found["apart"][0]["phrase"] == f"label {labels[0]}" and found["apart"][0]["inside"] == 1.0


def test_sliders_start_from_a_row_and_decode_what_is_moved(on_houses):
    numbers = told(on_houses.get("/api/sliders"))["numbers"]
    assert len(numbers) == 4 and numbers[0]["share"] >= numbers[-1]["share"]
    begun = told(on_houses.get("/api/sliders/start?row=3"))
    assert begun["shown"]["row"] == 3
    same = told(on_houses.post("/api/sliders/decode", json={"code": begun["code"]}))
    assert same["cells"] == begun["again"]["cells"]
    far = list(begun["code"])
    for each in numbers:
        far[each["index"]] += each["reach"]
    assert told(on_houses.post("/api/sliders/decode", json={"code": far}))["cells"] != same["cells"]
    assert "has 4 numbers" in refused(on_houses.post("/api/sliders/decode", json={"code": [1.0]}))
    assert "no row 999" in refused(on_houses.get("/api/sliders/start?row=999"))


def test_pictures_are_decoded_under_a_label(on_digits):
    begun = told(on_digits.get("/api/sliders/start?row=0"))
    made = [
        told(on_digits.post("/api/sliders/decode", json={"code": begun["code"], "given": {"label": label}}))
        for label in "07"
    ]
    assert pixels(made[0]["picture"]).shape == (8, 8)
    assert not np.array_equal(*(pixels(each["picture"]) for each in made))


def test_sounds_are_seen_and_heard(folder, opened):
    client = opened("notes.isthmus", "notes")
    assert "notes" in [each["name"] for each in told(client.get("/api/library"))["data"]]
    assert told(client.get("/api/state"))["subject"]["sounds"] is True
    row = told(client.get("/api/rows/5"))
    own, rate = heard(client.get(f"/api/{row['sound']}"))
    file, file_rate = sf.read(folder / "notes" / row["name"])
    assert rate == file_rate and np.abs(own - file).max() < 1e-3
    begun = told(client.get("/api/sliders/start?row=5"))
    assert pixels(begun["again"]["picture"]).shape == (64, 64)
    made, rate = heard(client.post("/api/sliders/sound", json={"code": begun["code"]}))
    assert rate == 16_000 and len(made) == pytest.approx(0.59 * rate, rel=0.05)
    assert "no row 99" in refused(client.get("/api/rows/99/sound"))
    assert "has 2 numbers" in refused(client.post("/api/sliders/sound", json={"code": [1.0]}))


def test_pictures_are_silent(on_digits, on_houses):
    assert told(on_digits.get("/api/state"))["subject"]["sounds"] is False
    assert "sound" not in told(on_digits.get("/api/rows/0"))
    assert "holds no sounds" in refused(on_digits.get("/api/rows/0/sound"))
    code = told(on_digits.get("/api/sliders/start?row=0"))["code"]
    assert "no model of sounds" in refused(on_digits.post("/api/sliders/sound", json={"code": code}))
    assert "model of pictures or of sounds" in refused(on_houses.get("/api/rows/0/sound"))


def test_a_walk_begins_and_ends_at_what_the_rows_decode_to(on_houses):
    walked = told(on_houses.post("/api/sliders/walk", json={"start": 2, "end": 9, "steps": 3}))
    assert len(walked["steps"]) == 5
    first, last = (told(on_houses.get(f"/api/sliders/start?row={row}"))["again"]["cells"] for row in (2, 9))
    assert walked["steps"][0]["cells"] == first and walked["steps"][-1]["cells"] == last
    refused(on_houses.post("/api/sliders/walk", json={"start": 2, "end": 9, "steps": 5000}))


def test_outliers_come_with_the_cells_that_make_them_odd(on_houses, on_digits):
    found = told(on_houses.get("/api/outliers?n=5"))
    assert len(found["rows"]) == 5 and sum(found["scores"]["counts"]) == 160
    scores = [row["score"] for row in found["rows"]]
    assert scores == sorted(scores, reverse=True)
    assert all(odd["column"] in row["cells"] for row in found["rows"] for odd in row["odd"])
    shown = told(on_digits.get("/api/outliers?n=3"))["rows"]
    assert all(pixels(row[name]).shape == (8, 8) for row in shown for name in ("picture", "again", "error"))


def test_blank_cells_are_filled_with_probabilities_and_ranges(on_houses):
    cells = told(on_houses.post("/api/fill", json={"row": {"area": 230, "zone": ""}}))["cells"]
    assert set(cells) == {"rooms", "zone", "pool", "sold", "price"}
    chances = dict(map(tuple, cells["zone"]["options"]))
    assert set(chances) == {"centre", "harbour", "hill"} and sum(chances.values()) == pytest.approx(1, abs=1e-5)
    assert cells["zone"]["value"] == max(chances, key=chances.get)
    assert cells["price"]["low"] <= cells["price"]["value"] <= cells["price"]["high"]
    assert "column 'area'" in refused(on_houses.post("/api/fill", json={"row": {"area": "wide"}}))
    assert "no column 'wing'" in refused(on_houses.post("/api/fill", json={"row": {"wing": 1}}))


def test_rows_are_made_of_what_is_asked_for(on_houses):
    asked = {"n": 30, "given": {"pool": "Y", "price": {"high": 400000}, "zone": {"any": ["hill", "centre"]}}, "seed": 1}
    rows = [row["cells"] for row in told(on_houses.post("/api/generate", json=asked))["rows"]]
    assert len(rows) == 30
    assert all(row["pool"] == "Y" and row["price"] <= 400000 and row["zone"] in {"hill", "centre"} for row in rows)
    csv = on_houses.post("/api/generate/csv", json=asked)
    assert csv.text.splitlines()[0] == "area,rooms,zone,pool,sold,price" and len(csv.text.splitlines()) == 31
    assert "zone" in refused(on_houses.post("/api/generate", json={"given": {"zone": "moon"}}))
    refused(on_houses.post("/api/generate", json={"n": 10**9}))


def test_pictures_are_made_of_what_is_asked_for(on_digits):
    assert told(on_digits.get("/api/generate/labels"))["labels"] == [str(digit) for digit in range(10)]
    made = told(on_digits.post("/api/generate", json={"n": 3, "given": {"label": "3"}}))["rows"]
    assert [pixels(each["picture"]).shape for each in made] == [(8, 8)] * 3
    refused(on_digits.post("/api/generate", json={"n": 3, "given": {"label": "eleven"}}))


def test_search_finds_what_is_alike_and_keeps_to_conditions(on_houses, on_digits):
    near = told(
        on_houses.post("/api/search", json={"row": 5, "n": 8, "where": {"pool": "N", "area": {"low": 60, "high": 150}}})
    )["rows"]
    distances = [row["distance"] for row in near]
    assert distances == sorted(distances) and all(row["row"] != 5 for row in near)
    assert all(row["cells"]["pool"] == "N" and 60 <= row["cells"]["area"] <= 150 for row in near)
    by_cells = told(on_houses.post("/api/search", json={"cells": {"area": 240.0, "pool": "Y"}, "n": 5}))
    assert by_cells["query"]["cells"]["zone"] is not None
    assert told(on_houses.post("/api/search", json={"row": 5, "where": {"area": {"low": 1e9}}}))["rows"] == []
    assert "no column 'wing'" in refused(on_houses.post("/api/search", json={"row": 5, "where": {"wing": 1}}))
    alike = told(on_digits.post("/api/search", json={"row": 0, "n": 5, "where": {"label": {"any": ["3"]}}}))["rows"]
    assert [row["label"] for row in alike] == ["3"] * 5


def test_a_picture_of_ones_own_is_looked_for(on_digits, folder):
    own = sorted((folder / "digits").rglob("*.png"))[7]
    found = told(on_digits.post(f"/api/search/file?name={own.name}&n=3", content=own.read_bytes()))
    nearest = found["rows"][0]
    assert nearest["name"] == own.relative_to(folder / "digits").as_posix()
    assert nearest["distance"] == pytest.approx(0, abs=1e-5)
    assert found["notes"] == [] and found["query"]["name"] == own.name
    assert np.array_equal(pixels(found["query"]["picture"]), np.asarray(Image.open(own)))
    only = told(on_digits.post("/api/search/file", params={"where": '{"label": "3"}'}, content=own.read_bytes()))
    assert {row["label"] for row in only["rows"]} == {"3"}


def test_a_picture_of_another_size_or_colour_is_scaled_and_that_is_said(on_digits, folder):
    small = Image.open(sorted((folder / "digits").rglob("*.png"))[7])
    wide = Image.new("RGB", (96, 64))
    wide.paste(small.resize((64, 64), Image.Resampling.NEAREST).convert("RGB"), (16, 0))
    found = told(on_digits.post("/api/search/file?name=wide.png", content=png(np.asarray(wide))))
    assert found["notes"] == [
        "'wide.png' has 96 x 64 pixels: its middle was scaled to 8 x 8, as the model's pictures are"
    ]
    seen = pixels(found["query"]["picture"])
    assert seen.shape == (8, 8) and np.corrcoef(seen.ravel(), np.asarray(small).ravel())[0, 1] > 0.98


def test_a_sound_of_ones_own_is_looked_for(opened, folder):
    client = opened("notes.isthmus", "notes")
    own = sorted((folder / "notes").rglob("*.wav"))[5]
    samples, rate = sf.read(own)
    held = io.BytesIO()
    sf.write(held, samples, rate, format="FLAC")
    for name, sent in ((own.name, own.read_bytes()), ("own.flac", held.getvalue()), ("", held.getvalue())):
        found = told(client.post("/api/search/file", params={"name": name, "n": 2}, content=sent))
        assert found["rows"][0]["name"] == own.relative_to(folder / "notes").as_posix()
        assert found["rows"][0]["distance"] == pytest.approx(0, abs=1e-3)
        assert pixels(found["query"]["picture"]).shape == (64, 64)


def silence(seconds, rate=48_000):
    held = io.BytesIO()
    sf.write(held, np.zeros(int(seconds * rate), np.int16), rate, format="FLAC")
    return held.getvalue()


def test_what_cannot_be_looked_for_is_told_in_a_line(on_digits, on_houses, opened, folder, monkeypatch):
    before, images = sorted(folder.rglob("*")), sorted((folder / "digits").rglob("*.png"))
    tone = next((folder / "notes").rglob("*.wav")).read_bytes()

    def ask(client, sent, **query):
        return client.post("/api/search/file", params=query, content=sent)

    says = refused(ask(on_digits, tone, name="tone.wav"))
    assert says == "'tone.wav' is a sound: 'digits.isthmus' is a model of pictures; choose one of those"
    assert "'tone.png' is not a picture" in refused(ask(on_digits, tone, name="tone.png"))
    assert "the picture is not a picture" in refused(ask(on_digits, tone))
    whole = images[0].read_bytes()
    assert "'cut.png' is cut short" in refused(ask(on_digits, whole[: len(whole) // 2], name="cut.png"))
    assert "'none.png' is empty" in refused(ask(on_digits, b"", name="none.png"))
    claims = bytearray(whole)
    claims[16:24] = (60_000).to_bytes(4, "big") * 2
    claims[29:33] = zlib.crc32(claims[12:29]).to_bytes(4, "big")
    assert "claims to hold" in refused(ask(on_digits, bytes(claims), name="bomb.png"))
    sounds = opened("notes.isthmus", "notes")
    assert "'seven.png' is a picture: 'notes.isthmus' is a model of sounds" in refused(
        ask(sounds, whole, name="seven.png")
    )
    assert "'seven.wav' cannot be read as sound" in refused(ask(sounds, whole, name="seven.wav"))
    assert "'click.wav': 0.010 seconds of sound" in refused(ask(sounds, silence(0.01), name="click.wav"))
    long = silence(3600, rate=8000)
    assert len(long) < 1 << 20  # little to send, and 115 MB of samples
    assert "'long.flac' holds 3,600 seconds" in refused(ask(sounds, long, name="long.flac"))
    assert "open a model of pictures or of sounds" in refused(ask(on_houses, whole, name="seven.png"))
    refused(ask(on_digits, whole, n=1000))
    for where in ("[", "7", '{"wing": 1}'):
        refused(ask(on_digits, whole, where=where))
    monkeypatch.setattr(guard, "HELD", 1000)
    assert ask(on_digits, b"a" * 1001).status_code == 413
    assert sorted(folder.rglob("*")) == before


def test_the_curve_of_a_table_falls_as_the_tolerance_grows(on_houses, monkeypatch):
    from isthmus.app.panels import compress

    monkeypatch.setattr(compress, "TOLERANCES", (0.0, 0.05))
    monkeypatch.setattr(compress, "SECONDS", 0.5)
    curve = told(on_houses.post("/api/compress/table", json={}))
    until = time.monotonic() + 300
    while curve["running"] and time.monotonic() < until:
        time.sleep(0.1)
        curve = told(on_houses.get("/api/compress/table"))
    assert (curve["fault"], curve["rows"]) == ("", 160)
    lossless, near = curve["points"]
    assert lossless["error"] == 0 and near["bytes"] < lossless["bytes"] and 0 < near["error"] < 1


def test_a_picture_is_compressed_beside_jpeg_and_denoised(opened):
    client = opened()
    part = png(np.uint8(load_sample_image("china.jpg")[150:246, 200:296].mean(2)))
    curve = told(client.post("/api/compress/picture", content=part))
    sizes = [point["bytes"] for point in curve["points"]]
    assert sizes == sorted(sizes) or sizes == sorted(sizes, reverse=True)
    assert all(pixels(point["picture"]).shape == (96, 96) for point in curve["points"])
    clean = told(client.post("/api/denoise?noise=25", content=part))
    assert clean["psnr_after"] > clean["psnr_before"] + 3 and 15 < clean["level"] < 35
    alone = told(client.post("/api/denoise?how=self&noise=25", content=part))
    assert alone["psnr_after"] > alone["psnr_before"] + 2
    assert "not a picture" in refused(client.post("/api/denoise", content=b"junk"))
    refused(client.post("/api/denoise?how=magic", content=part))


def sounds(answer):
    return [sf.read(io.BytesIO(base64.b64decode(address.split(",")[1]))) for address in answer["sounds"]]


def test_a_voice_is_denoised(opened, spoken):
    client, sent = opened(), spoken.read_bytes()
    clean = told(client.post("/api/denoise?name=vowel.wav&above=5", content=sent))
    assert clean["by"] == "speech" and len(clean["levels"]) == 1
    assert clean["above_before"] == pytest.approx(5, abs=0.3)
    assert clean["above_after"] > clean["above_before"] + 3
    (before, rate), (after, _) = sounds(clean)
    assert (rate, before.shape, after.shape) == (8000, (16000,), (16000,))
    seen = [pixels(each) for each in clean["pictures"]]
    assert seen[0].shape == seen[1].shape == (160, 640) and seen[1].mean() < 0.8 * seen[0].mean()
    alone = told(client.post("/api/denoise?name=vowel.wav&how=self&above=5", content=sent))
    assert alone["by"] == "self" and alone["above_after"] > alone["above_before"]
    plain = told(client.post("/api/denoise?name=VOWEL.WAV", content=sent))
    assert "above_before" not in plain
    assert np.abs(sounds(plain)[0][0] - sf.read(spoken)[0]).max() < 1e-4


def test_a_voice_is_denoised_by_the_model_that_is_open(opened, folder, spoken):
    client = opened("voices.isthmus")
    samples, rate = sf.read(spoken)
    after, _ = sounds(told(client.post("/api/denoise?name=vowel.wav", content=spoken.read_bytes())))[1]
    own = im.load(folder / "voices.isthmus").denoise(samples, rate)
    assert np.abs(after - own).max() < 1e-4 < np.abs(after - speech().denoise(samples, rate)).max()
    part = png(np.uint8(load_sample_image("china.jpg")[150:214, 200:264].mean(2)))
    assert told(client.post("/api/denoise?noise=25", content=part))["rows"] == 64


def test_what_sounds_nobody_can_clean_is_told_in_a_line(opened, spoken, monkeypatch):
    client, sent = opened(), spoken.read_bytes()

    def ask(content, **query):
        return refused(client.post("/api/denoise", params={"name": "a.wav"} | query, content=content))

    assert "which is for pictures" in ask(sent, how="both")
    assert "give -20 to 60 decibels" in ask(sent, above=99)
    assert "'a.wav' cannot be read as sound" in ask(b"junk")
    assert "'a.wav' is empty" in ask(b"")
    assert "holds 90 seconds" in ask(silence(90, rate=8000))
    assert "0.010 seconds of sound" in ask(silence(0.01))
    monkeypatch.setattr(denoise, "MOST", 9999)
    assert "16,000 samples: at most 9,999 here" in ask(sent, how="self")
    quiet = told(client.post("/api/denoise?name=a.flac", content=silence(1)))
    assert quiet["by"] == "speech" and not sounds(quiet)[1][0].any()


def test_features_of_a_sparse_code_are_a_page_that_may_load_nothing(opened):
    client = opened("sparse.isthmus", "houses.csv")
    answer = client.get("/api/features/page")
    assert answer.status_code == 200 and "16 features of 160 rows" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert told(client.get("/api/features")) == {"steers": False}
    assert "no language model is open" in refused(
        client.post("/api/features/steer", json={"text": "a", "feature": 1, "by": 2})
    )


def test_what_is_malformed_is_one_line(on_houses):
    assert "n" in refused(on_houses.post("/api/generate", json={"n": "many"}))
    assert refused(on_houses.post("/api/sliders/decode", content=b"{"))
    assert refused(on_houses.get("/api/rows/abc"))
