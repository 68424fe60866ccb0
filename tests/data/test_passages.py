"""Passages come out of files of every kind, and what is wrong with a file is said in one line."""

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.data.passages import mixed_passages, read_passages
from isthmus.errors import DataError, FileError, UsageError


def texts(path, **settings):
    return [passage.text for passage in read_passages([path], **settings)]


def test_a_text_without_blank_lines_is_lines(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n\n")
    assert texts(tmp_path / "a.txt") == ["one", "two", "three"]


def test_a_text_with_blank_lines_is_paragraphs(tmp_path):
    (tmp_path / "a.txt").write_text("\n\none\nstill one\n\n\n  \ntwo\n")
    assert texts(tmp_path / "a.txt") == ["one\nstill one", "two"]
    assert texts(tmp_path / "a.txt", unit="line") == ["one", "still one", "two"]
    assert [passage.number for passage in read_passages([tmp_path / "a.txt"], unit="line")] == [2, 3, 7]


def test_source_code_is_read_whole(tmp_path):
    (tmp_path / "a.py").write_text("import sys\n\nprint(sys)\n")
    assert texts(tmp_path / "a.py") == ["import sys\n\nprint(sys)\n"]
    assert texts(tmp_path / "a.py", unit="paragraph") == ["import sys", "print(sys)"]


def test_rows_of_json_lines_and_parquet_are_passages(tmp_path):
    rows = [{"text": "eins\nzwei", "other": "x"}, {"text": "drei", "other": "y"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parquet.write_table(pa.Table.from_pylist([*rows, {"text": None, "other": "z"}]), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert texts(tmp_path / name) == ["eins\nzwei", "drei"]
        assert texts(tmp_path / name, column="other")[:2] == ["x", "y"]


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\ntwo\n")
    assert texts(tmp_path / "a.txt") == ["one", "two"]


def test_files_are_read_in_turn_until_each_is_at_its_end(tmp_path):
    (tmp_path / "short.txt").write_text("aa\n" * 3)
    (tmp_path / "long.txt").write_text("bbbb\n" * 20)
    passages = list(mixed_passages([tmp_path / "short.txt", tmp_path / "long.txt"]))
    assert len(passages) == 23
    first = [passage.source for passage in passages[:6]]
    assert first.count("short.txt") == 3  # of four passages' length, two of the other's
    assert passages == list(mixed_passages([tmp_path / "short.txt", tmp_path / "long.txt"]))


def furnish(folder):
    (folder / "empty.txt").write_text("")
    (folder / "blank.txt").write_text("\n \n\n")
    (folder / "latin1.txt").write_bytes(b"plain\nh\xfcgel\n")
    (folder / "late.txt").write_bytes(b"plain\n" * 100_000 + b"\xff\n")
    (folder / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n')
    (folder / "list.jsonl").write_text("[1]\n")
    (folder / "number.jsonl").write_text('{"text": 1}\n')
    (folder / "others.jsonl").write_text('{"body": "a", "title": "b"}\n')
    (folder / "broken.parquet").write_text("PAR1")
    parquet.write_table(pa.table({"body": ["a"], "text": [1]}), folder / "number.parquet")
    parquet.write_table(pa.table({"body": ["a"]}), folder / "others.parquet")
    (folder / "folder.txt").mkdir()


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("missing.txt", FileError, "no such file"),
        ("folder.txt", FileError, "is a folder"),
        ("empty.txt", FileError, "holds no text"),
        ("blank.txt", FileError, "holds no text"),
        ("latin1.txt", FileError, "not text in UTF-8: byte 7 "),
        ("late.txt", FileError, "not text in UTF-8: byte 600,000 "),
        ("broken.jsonl", FileError, "line 2 is not JSON"),
        ("list.jsonl", DataError, "line 1 has no key 'text'"),
        ("number.jsonl", DataError, "line 1 holds no text"),
        ("others.jsonl", DataError, "its keys are 'body', 'title'"),
        ("broken.parquet", FileError, "is broken"),
        ("number.parquet", DataError, "column 'text' holds int64, not text"),
        ("others.parquet", DataError, "its columns are 'body'"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, name, kind, says):
    furnish(tmp_path)
    with pytest.raises(kind, match=says) as caught:
        list(read_passages([tmp_path / name]))
    assert "\n" not in str(caught.value)


def test_an_unknown_unit_is_refused(tmp_path):
    with pytest.raises(UsageError, match="unit 'word' is unknown"):
        list(read_passages([tmp_path / "a.txt"], unit="word"))
