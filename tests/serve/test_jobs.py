"""Each address gives what the library's call gives, as JSON and as Arrow."""

import asyncio
import json

import numpy as np
import pyarrow as pa
import pytest

import isthmus as im
from isthmus.serve.rows import to_records
from isthmus.serve.server import ARROW, create_app
from isthmus.tasks.batches import FEW, pieces
from tests.serve.conftest import as_arrow, from_arrow


@pytest.fixture(autouse=True)
def as_served():
    with pieces(FEW):
        yield


def expected(table: pa.Table) -> list[dict]:
    return json.loads(json.dumps(to_records(table)))


def test_encode(client, model, sent, table):
    codes = model.encode(table)
    answer = client.post("/encode", json=sent)
    assert answer.status_code == 200, answer.text
    np.testing.assert_array_equal(np.float32(answer.json()["codes"]), codes)
    told = from_arrow(client.post("/encode", **as_arrow(table)).content)
    assert told.column_names == ["z0", "z1", "z2", "z3"]
    np.testing.assert_array_equal(np.column_stack(told.columns), codes)


def test_decode(client, model, table):
    codes = model.encode(table)
    made = im.data.sources.open_table(model.decode(codes)).columns
    answer = client.post("/decode", json={"codes": codes.tolist()})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"rows": expected(made), "notes": []}
    sent = as_arrow(pa.table({f"z{i}": column for i, column in enumerate(codes.T)}))
    assert from_arrow(client.post("/decode", **sent).content).equals(made)


def test_reconstruct(client, model, sent, table):
    again = model.reconstruct(table)
    assert client.post("/reconstruct", json=sent).json()["rows"] == expected(again)
    assert from_arrow(client.post("/reconstruct", **as_arrow(table)).content).equals(again)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "mean"},
        {"method": "sample", "seed": 7},
        {"uncertainty": True},
        {"uncertainty": True, "interval": 0.5},
    ],
)
def test_impute(client, model, sent, table, options):
    filled = model.impute(table, **options)
    answer = client.post("/impute", json=sent, params=options)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == expected(filled)
    told = from_arrow(client.post("/impute", params=options, **as_arrow(table)).content)
    assert told.to_pylist() == filled.to_pylist()


def test_impute_with_draws_and_probabilities(client, model, sent, table):
    drawn = model.impute(table, draws=3, seed=1)
    answer = client.post("/impute", json=sent, params={"draws": 3, "seed": 1, "probabilities": True}).json()
    rows = [row | {"isthmus_draw": draw} for draw, each in enumerate(drawn) for row in expected(each)]
    assert answer["rows"] == rows
    chances = model.probabilities(table)
    assert answer["probabilities"].keys() == chances.keys()
    np.testing.assert_allclose(answer["probabilities"]["zone"], chances["zone"])


def test_outliers(client, model, sent, table):
    found = model.outliers(table)
    answer = client.post("/outliers", json=sent, params={"false_alarms": 0.1, "explain": 2}).json()
    assert answer["scores"] == found.scores.tolist()
    assert answer["outlier"] == found.flags(false_alarms=0.1).tolist()
    assert answer["explained"] == json.loads(json.dumps(found.explain(2).to_pylist()).replace("NaN", "null"))
    told = from_arrow(client.post("/outliers", **as_arrow(table)).content)
    assert told["score"].to_pylist() == found.scores.tolist()


def test_sample(client, model):
    given = {"zone": ["hill", "harbour"], "area": {"low": 100}, "pool": "N"}
    made = model.sample(6, {"zone": ["hill", "harbour"], "area": (100, None), "pool": "N"}, seed=3)
    made = im.data.sources.open_table(made).columns
    asked = {"n": 6, "given": given, "seed": 3}
    answer = client.post("/sample", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == expected(made)
    assert from_arrow(client.post("/sample", json=asked, headers={"accept": ARROW}).content).equals(made)


def test_search(serve, model, houses_csv, sent, table, tmp_path):
    pytest.importorskip("lancedb")
    index = im.Index.create(tmp_path / "houses.index", model, houses_csv)
    client = serve(model, index)
    found = index.search(table, n=3, where="zone = 'hill'")
    answer = client.post("/search", json=sent, params={"n": 3, "where": "zone = 'hill'"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == expected(found)
    for where in ("zone =", "1; drop table x", "nothing = 3", "'"):
        assert client.post("/search", json=sent, params={"where": where}).status_code == 422


def test_without_an_index_there_is_no_search(client, sent):
    assert client.post("/search", json=sent).status_code == 404


def test_what_is_not_named_is_missing_and_what_was_never_seen_is_noted(client):
    answer = client.post("/impute", json=[{"area": 1e6, "zone": "moon"}]).json()
    assert set(answer["rows"][0]) == {"area", "rooms", "zone", "pool", "sold", "price"}
    assert None not in answer["rows"][0].values()
    assert len(answer["notes"]) == 2
    assert any("'area': 1 value outside" in note for note in answer["notes"])
    assert any("'zone': 1 value never seen" in note for note in answer["notes"])


def test_facts(client, model):
    told = client.get("/schema").json()
    assert [each["name"] for each in told["variables"]] == model.schema_.names
    assert (told["code"], told["limits"]["rows"]) == (4, 10_000)
    assert client.get("/health").json() == client.get("/health/ready").json() == {"live": True, "ready": True}


def test_metrics_count_what_was_answered(client, sent):
    client.post("/impute", json=sent)
    client.post("/impute", content=b"x")
    client.get("/nowhere/at/all")
    text = client.get("/metrics").text
    assert 'isthmus_requests_total{path="/impute",status="200"} 1.0' in text
    assert 'isthmus_requests_total{path="/impute",status="415"} 1.0' in text
    assert 'isthmus_requests_total{path="other",status="404"} 1.0' in text
    assert 'isthmus_seconds_count{path="/impute"} 2.0' in text
    assert "isthmus_waiting 0.0" in text
    assert "process_resident_memory_bytes" in text


@pytest.mark.parametrize("path", ["/impute", "/encode", "/outliers", "/reconstruct"])
@pytest.mark.parametrize("arrow", [False, True])
def test_rows_of_many_requests_are_answered_together_as_if_each_were_alone(model, sent, table, path, arrow):
    """Among them are some that are refused, and some whose cells are worth a note."""
    from isthmus.serve.jobs import JOBS, Served
    from isthmus.serve.limits import Limits
    from isthmus.serve.rows import Rows
    from isthmus.serve.worker import Asked, answer

    job = next(kind for kind in JOBS if f"/{kind.name}" == path)(Served(model, Limits(), Rows(model.schema_)))
    options = job.options()
    if arrow:
        bodies = [as_arrow(table.slice(i, 1 + i % 2))["content"] for i in range(5)]
        bodies += [as_arrow(pa.table({"area": [1e9]}))["content"], as_arrow(pa.table({"area": ["x"]}))["content"]]
    else:
        bodies = [json.dumps(sent[i : i + 1 + i % 2]).encode() for i in range(5)]
        bodies += [b'[{"area": 1e9}]', b'[{"area": "x"}]', b'[{"zone": "moon"}]', b'[{"rooms": 2.5}]', b"[{}]"]
    asked = [Asked(job, options, body, arrow, False) for body in bodies]
    assert len({each.key for each in asked}) == 1
    together, alone = answer(asked), [answer([each])[0] for each in asked]
    assert [str(each) for each in together] == [str(each) for each in alone]
    assert sum(isinstance(each, Exception) for each in alone) == (1 if arrow else 2)


def test_words_for_missing_cells_are_read_column_by_column_as_the_library_reads_them(model, sent):
    """Columns of a type are looked through in one go: none may take another's cells."""
    from isthmus.data.sources import open_table
    from isthmus.serve.rows import Rows

    rows = Rows(model.schema_, [3, "A"])
    for word in ("?", " NA ", "A", ""):
        records = [row | {"zone": word} if i % 2 else row | {"rooms": 3} for i, row in enumerate(sent)]
        table = rows.from_records(records)
        opened = rows.open(table)
        assert opened.columns.equals(open_table(table, missing=[3, "A"]).columns)
        assert opened.columns["zone"].null_count == sum(i % 2 or row["zone"] == "A" for i, row in enumerate(sent))


def test_what_waits_while_the_model_is_busy_is_answered_together(model, sent):
    import httpx

    app = create_app(model)

    async def ask() -> str:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                answers = await asyncio.gather(*(client.post("/impute", json=[sent[i % 5]]) for i in range(12)))
                alone = [await client.post("/impute", json=[row]) for row in sent]
                assert [each.json() for each in answers] == [alone[i % 5].json() for i in range(12)]
                return (await client.get("/metrics")).text

    text = asyncio.run(ask())
    passes = float(next(line for line in text.splitlines() if line.startswith("isthmus_together_count")).split()[1])
    assert passes < 17
