"""The service's description of itself is true: what is made by it is answered as it says."""

import pytest

pytest.importorskip("schemathesis", reason="needs schemathesis")

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from isthmus.serve.limits import Limits
from isthmus.serve.server import create_app

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def described(model):
    """The description, with so few rows to a request that examples are quick."""
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(model, limits=Limits(rows=5)), headers=HOST)


HOST = {"host": "127.0.0.1"}
schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_what_the_description_says_holds(case):
    case.call_and_validate(checks=CHECKS, headers=HOST)


def test_every_type_that_is_named_is_there(client):
    told = client.get("/openapi.json").json()
    names = set()

    def walk(part):
        if isinstance(part, dict):
            names.update([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            part = list(part.values())
        for each in part if isinstance(part, list) else []:
            walk(each)

    walk(told)
    assert {"#/components/schemas/Row", "#/components/schemas/Sampling"} <= names
    assert {name.removeprefix("#/components/schemas/") for name in names} <= told["components"]["schemas"].keys()
    assert set(told["components"]["schemas"]["Row"]["properties"]) >= {"area", "zone", "sold"}
