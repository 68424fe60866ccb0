"""Labels: what strongest examples share, how far it holds, and what a chat model is asked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from isthmus.errors import DataError, UsageError
from isthmus.tasks.interpret import ask as asking
from isthmus.tasks.interpret.ask import ask, question
from isthmus.tasks.interpret.aspects import Example, aspects, word_at
from isthmus.tasks.interpret.labels import NO_PATTERN, Background, label
from isthmus.tasks.interpret.tongues import language_of, script_of

TEXTS = {
    "English": "The cat sat on the mat and he was very happy with all of the things that they had for dinner .",
    "French": "Le chat est sur la table et il regarde les oiseaux dans le jardin avec une grande joie pour la vie .",
    "code": "def main ( self ) : \n return [ x for x in self . rows if x > 3 ] ; import os ; class Big ( Base ) :",
}


def places(text, source=None):
    tokens = [f" {word}" if word != "\n" else word for word in text.split(" ")]
    return [Example(tokens, peak, source=source) for peak in range(len(tokens))]


EVERY = [place for text in TEXTS.values() for place in places(text)]
USUAL = Background.of(EVERY * 5)


def at(name, word):
    found = [place for place in places(TEXTS[name]) if place.tokens[place.peak].strip() == word]
    return (found * 20)[:20]


def test_a_feature_of_one_token_is_named_after_it():
    found = label(at("English", "dinner"), at("English", "dinner")[:4], USUAL)
    assert found.text.startswith("“dinner”")
    assert (found.top, found.drawn) == (1.0, 1.0)
    assert found.clear > 0.9


def test_few_tokens_are_joined():
    found = label([*at("English", "cat")[:10], *at("English", "mat")[:10]], [], USUAL)
    assert "“cat” or “mat”" in found.text


def test_what_comes_next_is_told():
    tokens = [[f" a{j}", f" word{j}", " of", " it"] for j in range(20)]
    assert label([Example(each, 1) for each in tokens], [], USUAL).text.startswith("before “of”")


def test_endings_are_told():
    words = ("walking", "singing", "reading", "jumping", "sleeping") * 4
    assert "words in -ing" in label([Example([" so", f" {word}"], 1) for word in words], [], USUAL).text


def test_a_language_is_told_where_only_it_is_shared():
    assert label(places(TEXTS["French"])[::1], [], USUAL).text.startswith(("French", "in French"))


def test_code_is_told():
    assert "code" in label(places(TEXTS["code"]), [], USUAL).text


def test_the_first_token_of_a_text_is_told():
    tops = [Example([f" w{j}", f" and{j}", " so"], 0) for j in range(20)]
    assert "the first token of a text" in label(tops, [], USUAL).text


def test_where_nothing_is_shared_the_label_says_so():
    letters = "bcdfghjklmnpqrstvwxz"
    mixed = [
        Example([f" q{a}{a}q", f" {a}o{b}u", f" {b}y{a}"], 1, before=50)
        for a, b in zip(letters, letters[::-1], strict=True)
    ]
    found = label(mixed, mixed, USUAL)
    assert found.text.startswith(NO_PATTERN)
    assert (found.top, found.clear) == (None, 0.0)


def test_a_label_that_fails_beyond_the_strongest_says_so():
    found = label(at("English", "dinner"), at("French", "chat")[:8], USUAL)
    assert (found.top, found.drawn) == (1.0, 0.0)
    assert found.clear <= 0.5


def test_a_dead_feature_never_fires():
    assert label([], [], USUAL).text == "never fires"


def test_what_cannot_be_printed_is_spelled_out():
    assert "“U+0092”" in label([Example([f" l{j}", "\x92", f"eau{j}"], 1) for j in range(20)], [], USUAL).text


def test_shares_of_a_background_never_are_nought():
    assert 0 < USUAL.share([("token", "never met")]) < 0.01


def test_a_word_is_put_together_from_its_tokens():
    assert word_at([" un", "believ", "able", ","], 1) == "unbelievable"
    assert word_at([" un", "believ", "able", ","], 3) == ","
    assert ("part", "inside a word") in aspects(Example([" un", "believ"], 1))


@pytest.mark.parametrize("name", ["English", "French"])
def test_languages_are_guessed(name):
    assert language_of(TEXTS[name]) == name


def test_scripts_are_named():
    assert script_of("Ελλάδα") == "Greek"
    assert script_of("東京") == "Chinese"


class Chat(BaseHTTPRequestHandler):
    """Answers as a chat model does, and keeps what it was asked."""

    asked: ClassVar[list] = []
    answer: bytes = b""
    status = 200

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Chat.asked.append((self.headers.get("Authorization"), json.loads(body)))
        self.send_response(Chat.status)
        self.end_headers()
        self.wfile.write(Chat.answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def chat():
    server = HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Chat.asked, Chat.status = [], 200
    Chat.answer = json.dumps({"choices": [{"message": {"content": ' "French articles."\nBecause ...'}}]}).encode()
    yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    server.shutdown()
    server.server_close()


def test_a_chat_model_is_asked_with_the_examples(chat, monkeypatch):
    monkeypatch.setenv(asking.KEY, "secret")
    assert ask(chat, at("French", "chat")[:2]) == "French articles"
    ((key, body),) = Chat.asked
    assert key == "Bearer secret"
    assert "<<< chat>>>" in body["messages"][1]["content"]


def test_a_question_holds_a_line_an_example():
    assert question([Example(["a", "\n", "b"], 2), Example(["c"], 0)]) == "a <<<b>>>\n<<<c>>>"


@pytest.mark.parametrize(
    "answer", [b"nonsense", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": 3}}]}']
)
def test_another_answer_is_refused_in_one_line(chat, answer):
    Chat.answer = answer
    with pytest.raises(DataError, match="not a chat completion"):
        ask(chat, at("French", "chat")[:1])


def test_a_refusal_and_an_absent_server_are_told(chat):
    Chat.status = 401
    with pytest.raises(DataError, match="answered 401"):
        ask(chat, at("French", "chat")[:1])
    with pytest.raises(DataError, match="cannot be reached"):
        ask("http://127.0.0.1:9/v1", at("French", "chat")[:1])


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:80", "ftp://host/x"])
def test_only_urls_of_the_web_are_taken(url):
    with pytest.raises(UsageError, match="give a URL"):
        ask(url, [])
