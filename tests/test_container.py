"""A container gives back what was put into it, names what is damaged, and saves what is whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.container import BLOCK, MODEL, Container, Writer
from isthmus.errors import FileError


def write(path, blocks):
    with Writer(path, {"kind": "test", "rows": len(blocks)}) as writer:
        writer.add(MODEL, b"weights")
        for block in blocks:
            writer.add(BLOCK, block)
        writer.totals({"bits": 7})


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "c.isz", [b"one" * 50, b"", b"three" * 50])
    return tmp_path / "c.isz"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_any_blocks_come_back(tmp_path_factory, blocks):
    path = tmp_path_factory.mktemp("c") / "c.isz"
    write(path, blocks)
    with Container(path) as container:
        assert list(container.each(range(container.blocks))) == blocks
        assert (container.models(), container.totals, container.damage) == ([b"weights"], {"bits": 7}, [])


def test_a_file_without_its_end_is_walked_from_the_front(path):
    data = path.read_bytes()
    path.write_bytes(data[:-20])
    with pytest.raises(FileError, match="end is missing or damaged, after 3 blocks: `isthmus decompress --salvage`"):
        Container(path).__enter__()
    with Container(path, salvage=True) as container:
        assert [len(block) for block in container.each(range(3))] == [150, 0, 250]
        assert container.damage == ["its end is missing or damaged, after 3 blocks"]


def test_a_damaged_block_is_named_and_the_others_are_saved(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"oneone")] ^= 4
    path.write_bytes(data)
    with Container(path) as container, pytest.raises(FileError, match=r"block 1 of 3 is damaged \(bytes "):
        container.block(0)
    with Container(path, salvage=True) as container:
        assert [None if block is None else len(block) for block in container.each(range(3))] == [None, 0, 250]
        assert len(container.damage) == 1


def test_without_its_model_nothing_can_be_read(path):
    data = path.read_bytes().replace(b"weights", b"weighty")
    path.write_bytes(data)
    with Container(path, salvage=True) as container, pytest.raises(FileError, match="its model is damaged"):
        container.models()


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "is nothing that `isthmus compress` wrote"),
        (b"PK\x03\x04" + bytes(99), "is nothing that `isthmus compress` wrote"),
        (b"isthmus\xc5\x63" + bytes(99), "is from a newer isthmus (version 99; this one reads 1): upgrade"),
        (b"isthmus\xc5\x01" + bytes(99), "the facts at its beginning are damaged"),
    ],
)
def test_what_is_no_container_gets_one_line(tmp_path, data, line):
    (tmp_path / "c.isz").write_bytes(data)
    with pytest.raises(FileError) as error:
        Container(tmp_path / "c.isz").__enter__()
    assert line in str(error.value)


def test_a_writer_that_fails_leaves_the_old_file(path):
    old = path.read_bytes()
    with pytest.raises(RuntimeError), Writer(path, {}) as writer:
        writer.add(BLOCK, b"new")
        raise RuntimeError
    assert path.read_bytes() == old
    assert [file.name for file in path.parent.iterdir()] == ["c.isz"]
