"""What the service does not answer, and that it says why in one line: too much, too long, no key, nonsense."""

import json
import struct
import threading
import time

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.errors import FileError, UsageError
from isthmus.serve import server
from isthmus.serve.gate import KEY, find_key
from isthmus.serve.limits import Limits
from isthmus.serve.server import ARROW
from tests.serve.conftest import as_arrow

SECRET = "a-key-of-sixteen-or-more"


def refused(answer, status, words=""):
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    return True


BAD = {
    "no JSON": (b"[{", "no JSON"),
    "no UTF-8": (b'[{"zone": "\xff"}]', "no UTF-8 at byte 11"),
    "half a pair": (b'[{"zone": "\\ud800"}]', "half a surrogate pair"),
    "half a pair as a column": (b'[{"\\ud800": 1}]', "half a surrogate pair"),
    "NaN": (b'[{"area": NaN}]', "NaN is no number of JSON: write null"),
    "infinity": (b'[{"area": -Infinity}]', "-Infinity is no number"),
    "an endless number": (b'[{"area": 1e999}]', "1e999 is beyond what 64 bits hold"),
    "a huge whole number": (b'[{"rooms": ' + b"9" * 5000 + b"}]", "is beyond what 64 bits hold"),
    "too deep": (b"[" * 100_000 + b"]" * 100_000, "too deep"),
    "no list": (b'{"area": 1}', "a list of rows was expected"),
    "no rows": (b"[]", "an empty list"),
    "a row that is none": (b"[{}, 3]", "row 2: cells by column were expected"),
    "an unknown column": (b'[{"aera": 1}]', "did you mean 'area'?"),
    "words for numbers": (b'[{"area": 1.0}, {"area": "big"}]', "column 'area' row 2: 'big' is no double"),
    "a truth for a number": (b'[{"area": true}]', "column 'area' row 1: True is no double"),
    "half a room": (b'[{"rooms": 2.5}]', "column 'rooms' row 1: 2.5 is no int64"),
    "a number for words": (b'[{"zone": 3}]', "column 'zone' row 1: 3 is no string"),
    "a list for a cell": (b'[{"zone": ["hill"]}]', "column 'zone' row 1"),
    "no day": (b'[{"sold": "2010-02-31"}]', "column 'sold' row 1: '2010-02-31' is no date32"),
    "nothing": (b"", "no JSON"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_body_is_one_line(client, case):
    body, words = BAD[case]
    answer = client.post("/impute", content=body, headers={"content-type": "application/json"})
    assert refused(answer, 422, words)


def test_a_bad_option_is_one_line(client, sent):
    for options in (
        {"method": "guess"},
        {"draws": 0},
        {"draws": "x"},
        {"interval": 1},
        {"seed": -1},
        {"colour": "red"},
    ):
        assert refused(client.post("/impute", json=sent, params=options), 422, f"query.{next(iter(options))}")
    assert refused(client.post("/impute", json=sent, params={"method": "mode", "draws": 2}), 422, "several tables")


def test_bad_codes_and_conditions_are_one_line(client):
    for codes in ([], [[1, 2]], [[1, 2, 3, 4], [1]], [[1, 2, 3, 1e300]], [["x"]], 3, [{}], [[True] * 4]):
        assert refused(client.post("/decode", json={"codes": codes}), 422, "codes")
    assert refused(client.post("/decode", json={"codes": [[0] * 4], "given": {"zone": "hill"}}), 422, "condition")
    for given_ in (
        {"moon": 1},
        {"zone": "moon"},
        {"area": "x"},
        {"area": {"low": 5, "high": 1}},
        {"zone": []},
        {"zone": {}},
    ):
        assert refused(client.post("/sample", json={"n": 1, "given": given_}), 422, next(iter(given_)))
    for n in (0, -1, "x", 1.5, True):
        assert refused(client.post("/sample", json={"n": n}), 422, "n: ")


def test_what_arrow_unpacks_to_is_limited_before_it_is_unpacked(serve, table):
    client = serve(limits=Limits(rows=4000, most_bytes=1 << 16))
    more = {"content-type": ARROW}
    for codec in ("lz4", "zstd"):
        packed = pa.ipc.IpcWriteOptions(compression=codec)
        whole = as_arrow(table, packed)
        assert client.post("/impute", **whole).content == client.post("/impute", **as_arrow(table)).content
        texts = pa.table({"zone": ["hill" * 100] * 2000})
        assert len(as_arrow(texts, packed)["content"]) < 20_000
        assert refused(client.post("/impute", **as_arrow(texts, packed)), 413, "unpacked, the body takes 8")
        coded = pa.table({"zone": pa.array(["x" * 70_000]).dictionary_encode()})
        assert refused(client.post("/impute", **as_arrow(coded, packed)), 413, "unpacked, the body takes 70")
    many = as_arrow(pa.table({"zone": pa.nulls(1 << 30)}))
    assert refused(client.post("/impute", **many), 413, "1,073,741,824 rows are too many")
    coded = pa.DictionaryArray.from_arrays(pa.array([0] * 99), pa.array(["x" * 5000]))
    view = pa.py_buffer(struct.pack("<i4sii", 5000, b"xxxx", 0, 0) * 99)
    views = pa.Array.from_buffers(pa.string_view(), 99, [None, view, pa.py_buffer(b"x" * 5000)])
    for column in (coded, views):
        assert refused(client.post("/impute", **as_arrow(pa.table({"zone": column}))), 413, "takes 495,000 bytes")
    assert refused(client.post("/decode", **many), 413, "rows are too many")
    assert refused(client.post("/impute", content=b"\xff" * 64, headers=more), 422, "no Arrow stream")


def test_bad_arrow_is_one_line(client, table):
    whole = as_arrow(table)["content"]
    more = {"content-type": ARROW}
    for body in (b"", b"x" * 99, whole[:40], whole[: len(whole) // 2], whole[:-40], bytes(len(whole))):
        assert refused(client.post("/impute", content=body, headers=more), 422, "no Arrow stream, or is cut short")
    assert refused(client.post("/impute", **as_arrow(table.slice(0, 0))), 422, "without rows")
    assert refused(client.post("/impute", **as_arrow(pa.table({"moon": [1]}))), 422, "no column 'moon'")
    assert refused(
        client.post("/impute", **as_arrow(pa.table({"area": ["x"]}))), 422, "column 'area': string is no double"
    )
    twice = pa.table([pa.array([1.0]), pa.array([2.0])], names=["area", "area"])
    assert refused(client.post("/impute", **as_arrow(twice)), 422, "must differ")
    endless = as_arrow(pa.table({"area": [1.0, float("inf")]}))
    assert refused(client.post("/impute", **endless), 422, "'area': 1 infinite value, the first in row 2")
    table_only = {"accept": ARROW}
    asked = client.post("/impute", json=[{}], params={"probabilities": True}, headers=table_only)
    assert refused(asked, 422, "as JSON only")


def test_another_kind_of_body_path_or_method_is_one_line(client):
    for kind in ("text/csv", "", "application/x-www-form-urlencoded"):
        assert refused(
            client.post("/impute", content=b"a=1", headers={"content-type": kind}), 415, "send application/json"
        )
    assert refused(client.post("/sample", content=b"a", headers={"content-type": ARROW}), 415)
    assert refused(client.get("/impute"), 405)
    assert refused(client.get("/../etc/passwd"), 404)


def test_too_many_rows_and_bytes(serve, table):
    client = serve(limits=Limits(rows=3, most_bytes=2000))
    assert client.post("/encode", json=[{}] * 3).status_code == 200
    assert refused(client.post("/encode", json=[{}] * 4), 413, "4 rows are too many for one request: 3 at most")
    assert refused(client.post("/encode", **as_arrow(table)), 413)
    assert refused(client.post("/impute", json=[{}], params={"draws": 4}), 413)
    assert refused(client.post("/sample", json={"n": 4}), 413)
    assert refused(client.post("/decode", json={"codes": [[0] * 4] * 4}), 413)
    assert refused(client.post("/encode", content=b" " * 2001, headers={"content-type": "application/json"}), 413)
    parts = (b" " * 900 for _ in range(3))
    unannounced = client.post("/encode", content=parts, headers={"content-type": "application/json"})
    assert refused(unannounced, 413, "more than 2,000 bytes")


@pytest.fixture
def slow(monkeypatch):
    """Hold the model until it is let go; gives what tells that it is held, and what lets it go."""
    held, go = threading.Event(), threading.Event()

    def answer(asked):
        held.set()
        go.wait(60)
        return [b"{}" for _ in asked]

    monkeypatch.setattr(server, "answer", answer)
    yield held, go
    go.set()


def test_what_takes_too_long_is_let_go(serve, slow):
    client = serve(limits=Limits(seconds=0.2))
    assert refused(client.post("/encode", json=[{}]), 504, "it took more than 0.2 seconds")
    slow[1].set()
    assert client.post("/encode", json=[{}]).status_code == 200


def test_no_more_wait_than_may(serve, slow):
    client = serve(limits=Limits(waiting=1))
    held, go = slow
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.post("/encode", json=[{}]).status_code)) for _ in range(2)
    ]
    threads[0].start()
    assert held.wait(60)
    threads[1].start()
    while client.get("/health").json()["ready"]:
        time.sleep(0.01)
    assert client.get("/health/ready").status_code == 503
    full = client.post("/encode", json=[{}])
    assert refused(full, 503, "1 requests are waiting already")
    assert full.headers["retry-after"] == "1"
    go.set()
    for each in threads:
        each.join(60)
    assert answers == [200, 200]


def test_the_key_opens_everything_but_health(serve):
    client = serve(key=SECRET)
    for headers in (
        {},
        {"authorization": SECRET},
        {"authorization": f"Bearer {SECRET}x"},
        {"authorization": "Bearer é"},
    ):
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        for path in ("/schema", "/metrics", "/openapi.json"):
            assert refused(client.get(path, headers=encoded), 401, "Authorization: Bearer KEY")
        assert refused(client.post("/encode", json=[{}], headers=encoded), 401)
    assert client.get("/health").status_code == client.get("/health/ready").status_code == 200
    known = {"authorization": f"Bearer {SECRET}"}
    assert client.post("/encode", json=[{}], headers=known).status_code == 200


def test_without_a_key_no_page_of_another_site_is_answered(client):
    assert refused(client.get("/schema", headers={"host": "evil.example"}), 403)
    assert refused(client.post("/encode", json=[{}], headers={"origin": "http://evil.example"}), 403)
    assert client.get("/schema", headers={"host": "localhost:9"}).status_code == 200


def test_where_the_key_is(tmp_path):
    file = tmp_path / "key.txt"
    file.write_text(f"{SECRET}\n")
    assert find_key(file, "0.0.0.0", {KEY: "x" * 20}) == SECRET
    assert find_key(None, "0.0.0.0", {KEY: SECRET}) == SECRET
    assert find_key(None, "127.0.0.1", {}) is find_key(None, "::1", {}) is find_key(None, "localhost", {}) is None
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        with pytest.raises(UsageError, match="others can reach it: set ISTHMUS_KEY or give --key-file"):
            find_key(None, host, {})
    with pytest.raises(UsageError, match="ISTHMUS_KEY: a key is 16 or more"):
        find_key(None, "127.0.0.1", {KEY: "short"})
    with pytest.raises(FileError, match="No such file"):
        find_key(tmp_path / "none", "127.0.0.1", {})


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
NAMES = st.sampled_from(["area", "rooms", "zone", "pool", "sold", "price"]) | st.text(max_size=4)
ANYTHING = st.recursive(CELLS, lambda each: st.lists(each, max_size=3) | st.dictionaries(NAMES, each, max_size=4))
PATHS = st.sampled_from(["/encode", "/decode", "/impute", "/outliers", "/sample", "/reconstruct"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, value=ANYTHING | st.lists(st.dictionaries(NAMES, CELLS, max_size=3), min_size=1, max_size=3))
def test_whatever_is_sent_is_answered_or_refused_in_one_line(client, path, value):
    body = json.dumps(value).encode()
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200 or refused(answer, answer.status_code)
    assert answer.status_code < 500


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, arrow=st.booleans(), place=st.integers(0, 3000), byte=st.integers(0, 255))
def test_whatever_byte_is_changed_is_answered_or_refused(client, sent, table, path, arrow, place, byte):
    body = bytearray(as_arrow(table)["content"] if arrow else json.dumps(sent).encode())
    body[place % len(body)] = byte
    kind = ARROW if arrow else "application/json"
    answer = client.post(path, content=bytes(body), headers={"content-type": kind})
    assert answer.status_code < 500, answer.text
