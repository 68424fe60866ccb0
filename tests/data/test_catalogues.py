"""Translations of installed packages as sentences."""

import struct

import pytest

from isthmus.data import catalogues
from isthmus.data.catalogues import read_messages, sentences
from isthmus.errors import FileError

LONG = "Veuillez remplir le formulaire ci-dessous."


def catalogue(path, messages, order="<"):
    """Write a .mo file as gettext's msgfmt does."""
    originals = [f"message {j}".encode() for j in range(len(messages))]
    texts = [message.encode() for message in messages]
    count = len(messages)
    first, second = 28, 28 + 8 * count
    at = second + 8 * count
    tables = []
    for some in (originals, texts):
        for text in some:
            tables.append(struct.pack(f"{order}2I", len(text), at))
            at += len(text) + 1
    head = struct.pack(f"{order}7I", 0x950412DE, 0, count, first, second, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + b"".join(tables) + b"".join(text + b"\0" for text in originals + texts))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_messages_are_read_in_either_byte_order(tmp_path, order):
    messages = ["Content-Type: text/plain; charset=UTF-8\n", "salut", "un\0des"]
    assert read_messages(catalogue(tmp_path / "a.mo", messages, order)) == [messages[0], "salut", "un"]


@pytest.mark.parametrize("held", [b"", b"nothing of the kind", struct.pack("<7I", 0x950412DE, 0, 9, 28, 36, 0, 0)])
def test_what_is_no_catalogue_is_refused(tmp_path, held):
    (tmp_path / "a.mo").write_bytes(held)
    with pytest.raises(FileError):
        read_messages(tmp_path / "a.mo")


def test_only_plain_sentences_of_the_language_are_given_each_once(tmp_path, monkeypatch):
    held = [
        LONG,
        "Court",
        "Ceci est une page %(number)s de bien trop de pages",
        f"{LONG}",
        "Un <b>mot</b> de trop dans ce texte",
    ]
    fr = catalogue(tmp_path / "locale" / "fr" / "LC_MESSAGES" / "a.mo", held)
    again = catalogue(tmp_path / "locale" / "fr_FR" / "LC_MESSAGES" / "b.mo", [LONG])
    catalogue(tmp_path / "locale" / "de" / "LC_MESSAGES" / "a.mo", ["Dies hier ist ein ganz gewöhnlicher Satz."])
    broken = tmp_path / "locale" / "fr" / "LC_MESSAGES" / "c.mo"
    broken.write_bytes(b"broken")

    class File(type(fr)):
        def locate(self):
            return self

    class Package:
        files = tuple(File(path) for path in sorted(tmp_path.rglob("*.mo")))

    monkeypatch.setattr(catalogues, "distributions", lambda: [Package])
    assert list(sentences("fr")) == [LONG]
    assert len(list(sentences("de"))) == 1
    assert list(sentences("es")) == []
    assert again.is_file()
