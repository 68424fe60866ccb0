"""A fit from the page: progress, what it leaves, what it says when it fails, and a cancel that leaves nothing."""

import time

import pytest

from isthmus.app.fitting import Fitting, seconds_of


def wait(client, *states):
    until = time.monotonic() + 300
    while (fit := client.get("/api/fit").json()["fit"])["state"] not in states:
        assert time.monotonic() < until, fit
        time.sleep(0.1)
    return fit


def test_a_fit_leaves_a_model_that_opens(opened, folder):
    client = opened()
    asked = {"data": "houses.csv", "name": "mine", "code": "3", "minutes": 0.05, "drop": ["sold"]}
    assert client.post("/api/fit", json=asked).json()["state"] == "running"
    second = client.post("/api/fit", json={**asked, "name": "other"})
    assert second.status_code == 400 and "a fit is going on" in second.json()["error"]
    fit = wait(client, "done", "failed")
    assert (fit["state"], fit["model"], fit["share"]) == ("done", "mine.isthmus", 1.0)
    assert client.post("/api/library/open", json={"model": "mine.isthmus", "data": "houses.csv"}).status_code == 200
    assert "sold" not in [column["name"] for column in client.get("/api/state").json()["subject"]["columns"]]


def test_a_cancelled_fit_leaves_nothing(opened, folder):
    client = opened()
    before = sorted(folder.iterdir())
    client.post("/api/fit", json={"data": "houses.csv", "name": "long", "minutes": 30})
    wait(client, "running")
    time.sleep(1)
    assert client.delete("/api/fit").json()["fit"]["state"] == "stopped"
    assert sorted(folder.iterdir()) == before


def test_a_fit_that_fails_says_why(opened, folder):
    client = opened()
    (folder / "empty.csv").write_text("a,b\n")
    client.post("/api/fit", json={"data": "empty.csv", "name": "none"})
    fit = wait(client, "done", "failed")
    assert fit["state"] == "failed" and "empty.csv" in fit["says"]
    assert not (folder / "none.isthmus").exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "houses"},
        {"name": "x", "code": "--help"},
        {"name": "x", "minutes": -1},
        {"name": "x", "data": "gone.csv"},
    ],
)
def test_what_cannot_be_fitted_is_refused_at_once(opened, asked):
    answer = opened().post("/api/fit", json={"data": "houses.csv", **asked})
    assert answer.status_code == 400 and answer.json()["error"]


def test_before_the_first_fit_there_is_none():
    assert Fitting().look() is None
    assert seconds_of("2 h 5 min") == 7500
