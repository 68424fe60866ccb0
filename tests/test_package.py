"""The package as such: its public names, and what ships with it."""

import importlib.resources

import pytest

import isthmus


@pytest.mark.parametrize("name", isthmus.__all__)
def test_every_public_name_is_there(name):
    assert getattr(isthmus, name) is not None
    assert name in dir(isthmus)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Autoencodre'"):
        isthmus.Autoencodre  # noqa: B018


def test_the_package_is_typed():
    assert (importlib.resources.files("isthmus") / "py.typed").is_file()
