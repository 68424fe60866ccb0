"""The service's description of itself is true: what is made by it is answered as it says."""

import pytest

pytest.importorskip("schemathesis", reason="needs schemathesis")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from isthmus.serve.limits import Limits

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_what_the_description_says_holds(serve):
    client = serve(limits=Limits(rows=5))  # so few that examples are quick
    described = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    seen = set()
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def holds(case):
            asked = case.as_transport_kwargs(base_url="http://127.0.0.1")
            answer = client.request(**{name: value for name, value in asked.items() if name != "cookies"})
            case.validate_response(answer, checks=CHECKS)
            seen.add((case.path, answer.status_code))

        holds()
    paths = {"/encode", "/decode", "/impute", "/outliers", "/sample", "/reconstruct", "/schema", "/metrics", "/health"}
    assert paths <= {path for path, _ in seen}
    assert ("/impute", 200) in seen


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
