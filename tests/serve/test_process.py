"""The service as a process: its one line at the start, what it refuses to start with, and how it ends."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

import isthmus as im
from isthmus.cli.main import main


@pytest.fixture
def served(houses_model):
    words = [sys.executable, "-m", "isthmus", "serve", str(houses_model), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if name != "ISTHMUS_KEY"}
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        line = process.stderr.readline()
        found = re.search(r"^isthmus: serving \S+ at http://127\.0\.0\.1:(\d+)$", line)
        assert found is not None, line
        yield process, int(found[1])
    finally:
        process.kill()


def ask(port, path, body):
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    asked.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = asked.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_finishes_what_it_has_and_goes(served, number):
    process, port = served
    assert ask(port, "/encode", [{}])[0] == 200
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(port, "/sample", {"n": 10_000})))
    asking.start()
    health = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    taken = False
    while not taken:  # until the large one is in work
        health.request("GET", "/metrics")
        taken = "isthmus_together_count 2.0" in health.getresponse().read().decode()
    process.send_signal(number)
    assert process.wait(120) == 0
    asking.join(60)
    assert [(status, len(told["rows"])) for status, told in answers] == [(200, 10_000)]
    assert "Traceback" not in process.stderr.read()


def test_what_cannot_be_served_is_one_line(capsys, houses_model, tmp_path, monkeypatch):
    monkeypatch.delenv("ISTHMUS_KEY", raising=False)
    im.load(houses_model).encoder.save(tmp_path / "half.isthmus")
    for words, code, line in (
        ([houses_model, "--host", "0.0.0.0"], 2, "others can reach it"),
        ([houses_model, "--key-file", tmp_path / "none"], 1, "No such file"),
        ([tmp_path / "half.isthmus"], 1, "holds a model of kind 'encoder'"),
        ([tmp_path / "none.isthmus"], 1, "no such file"),
    ):
        assert main(["serve", *map(str, words)]) == code
        assert line in capsys.readouterr().err
