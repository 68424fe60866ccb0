"""What isthmus needs may be used by who uses isthmus: licences are stated, and those that ask for much are declared."""

import importlib.util
from email.message import Message
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("licences", Path(__file__).parents[1] / "tools" / "licences.py")
licences = importlib.util.module_from_spec(spec)
spec.loader.exec_module(licences)


class Package:
    """What importlib tells of a package."""

    def __init__(self, name, **told):
        self.metadata = Message()
        for key, value in {"Name": name, **told}.items():
            self.metadata[key.replace("_", "-")] = value


@pytest.mark.parametrize("extra", licences.extras())
def test_every_licence_is_stated_and_free_or_declared(extra):
    found = {package.metadata["Name"]: licences.faults(package) for package in licences.needed(extra)}
    assert {name: fault for name, fault in found.items() if fault} == {}
    assert {"torch", "numpy"} <= {name.lower() for name in found}


def test_what_everybody_gets_asks_for_a_notice_at_most():
    names = {package.metadata["Name"].lower() for package in licences.needed()}
    assert not names & set(licences.DECLARED)


def test_what_is_declared_is_still_needed():
    names = {package.metadata["Name"].lower() for extra in licences.extras() for package in licences.needed(extra)}
    assert set(licences.DECLARED) - names == set()


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"License_Expression": "MIT"}, ""),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, ""),
        ({"License": "GNU GENERAL PUBLIC LICENSE\n..."}, "is not declared in tools/licences.py"),
        ({"License_Expression": "MIT AND LGPL-3.0-only"}, "is not declared in tools/licences.py"),
        ({"License": "All rights reserved"}, "is not declared in tools/licences.py"),
        ({"License": "UNKNOWN"}, "states no licence"),
        ({}, "states no licence"),
    ],
)
def test_a_new_dependency_is_judged(told, fault):
    assert licences.faults(Package("new", **told)) == fault


def test_a_declared_one_may_stay():
    assert licences.faults(Package("psycopg", License_Expression="LGPL-3.0-only")) == ""
