"""What the app does not answer: other sites, other names, wrong tokens, too much, and nothing beside its folder."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from isthmus.app import guard
from isthmus.app.folder import Folder
from isthmus.app.server import create_app
from tests.app.conftest import TOKEN


@pytest.fixture
def browser(folder: Path) -> TestClient:
    """A client as a browser is that has opened the printed address."""
    client = TestClient(create_app(Folder(folder), token=TOKEN), base_url="http://127.0.0.1")
    assert client.get(f"/?token={TOKEN}").status_code == 200
    return client


def test_the_address_gives_a_cookie_that_no_script_and_no_other_site_can_use(folder):
    client = TestClient(create_app(Folder(folder), token=TOKEN), base_url="http://127.0.0.1", follow_redirects=False)
    answer = client.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
    page = client.get("/")
    assert page.status_code == 200 and "isthmus" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/library", "/static/app.js", "/?token=wrong", "/nothing"])
def test_without_the_token_nothing_is_answered(folder, path):
    answer = TestClient(create_app(Folder(folder), token=TOKEN), base_url="http://127.0.0.1").get(path)
    assert answer.status_code == 401
    assert answer.text.startswith("isthmus: open the address that `isthmus open` printed")


def test_a_token_elsewhere_than_in_the_first_address_is_none(folder):
    client = TestClient(create_app(Folder(folder), token=TOKEN), base_url="http://127.0.0.1")
    assert client.get(f"/api/state?token={TOKEN}").status_code == 401
    assert client.post(f"/?token={TOKEN}").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5", "", "localhost.evil.example"]
)
def test_another_host_is_refused(browser, host):
    assert browser.get("/api/state", headers={"host": host}).status_code == 403
    assert browser.get(f"/?token={TOKEN}", headers={"host": host}).status_code == 403


def test_another_port_is_refused(folder):
    client = TestClient(create_app(Folder(folder), token=TOKEN, port=8123), base_url="http://127.0.0.1:8123")
    assert client.get(f"/?token={TOKEN}").status_code == 200
    assert client.get("/api/state", headers={"host": "127.0.0.1:9999"}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1", "null", "http://127.0.0.1:1"])
def test_another_origin_is_refused(browser, origin):
    more = {"origin": origin}
    assert browser.post("/api/generate", json={"n": 1}, headers=more).status_code == 403
    assert browser.get("/api/state", headers=more).status_code == 403


def test_what_changes_something_must_say_where_it_comes_from(browser):
    assert browser.post("/api/library/open", json={"model": "houses.isthmus"}).status_code == 403
    own = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    assert browser.post("/api/library/open", json={"model": "houses.isthmus"}, headers=own).status_code == 200
    assert browser.get("/api/state", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.get("/api/state", headers={"sec-fetch-site": "same-site"}).status_code == 403


def test_too_much_is_refused_announced_or_not(opened, monkeypatch):
    client = opened()
    assert client.post("/api/generate", content=b" " * (guard.SMALL + 1)).status_code == 413
    parts = (b" " * (1 << 20) for _ in range(6))
    assert client.post("/api/generate", content=parts).status_code == 413
    monkeypatch.setattr(guard, "LARGE", 1000)
    sent = client.put("/api/library/files/big.csv", content=(b"a" * 600 for _ in range(3)))
    assert sent.status_code == 413 and "more than 1,000 bytes" in sent.text
    assert client.get("/api/library").json()["data"][0]["name"] != "big.csv"


OUTSIDE = [
    "../secret.csv",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/../../secret.csv",
    "sub\\..\\secret.csv",
    "link.csv",
    ".hidden",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_beside_the_folder_is_opened(opened, folder, name):
    (folder.parent / "secret.csv").write_text("a,b\n1,2\n")
    (folder / "link.csv").symlink_to(folder.parent / "secret.csv")
    (folder / ".hidden").write_text("a\n1\n")
    client = opened("houses.isthmus")
    for asked in ({"model": "houses.isthmus", "data": name or " "}, {"model": name}):
        answer = client.post("/api/library/open", json=asked)
        assert answer.status_code == 400, answer.text
        assert "secret" not in answer.text.replace("secret.csv", "")
    assert client.post("/api/fit", json={"data": name, "name": "m"}).status_code == 400
    assert client.post("/api/fit", json={"data": "houses.csv", "name": f"../{name}.isthmus"}).status_code == 400


@pytest.mark.parametrize(
    "name", ["..%2Fnew.csv", "%2Ftmp%2Fnew.csv", ".new.csv", "new.py", "new", "new.csv%00.py", "houses.csv"]
)
def test_files_are_kept_in_the_folder_alone_and_replace_none(opened, folder, name):
    before = sorted(path for path in folder.parent.rglob("*"))
    answer = opened().put(f"/api/library/files/{name}", content=b"a,b\n1,2\n")
    assert answer.status_code in {400, 404, 405}
    assert sorted(path for path in folder.parent.rglob("*")) == before


def test_static_files_are_those_of_the_page_alone(opened):
    client = opened()
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd", "/drawing/../html.py"):
        assert client.get(path).status_code == 404


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[str, int, str]]:
    """The app as a process of its own: its address, port and token."""
    words = [sys.executable, "-m", "isthmus", "open", "houses.isthmus", "houses.csv", "--no-browser"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=folder)
    try:
        assert process.stderr is not None
        found = re.search(r"http://([\d.]+):(\d+)/\?token=(\S+)", process.stderr.readline())
        assert found is not None
        yield found[1], int(found[2]), found[3]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 130, -signal.SIGINT)


def test_it_listens_on_this_machine_alone(served):
    host, port, token = served
    assert host == "127.0.0.1"
    asked = http.client.HTTPConnection(host, port, timeout=30)
    asked.request("GET", f"/?token={token}")
    assert asked.getresponse().status == 303
    listening = {
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
    }
    assert {each for each in listening if each.endswith(f":{port:04X}")} == {f"0100007F:{port:04X}"}
    with pytest.raises(OSError), socket.create_connection(("127.0.0.2", port), timeout=5):
        pass


def test_a_taken_port_is_one_clear_line(served, folder):
    words = [sys.executable, "-m", "isthmus", "open", "--port", str(served[1]), "--no-browser"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, env=os.environ, check=False)
    assert done.returncode == 2
    assert f"--port {served[1]}: Address already in use; choose another" in done.stderr
