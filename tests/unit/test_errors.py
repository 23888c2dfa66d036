"""The error tree."""

from __future__ import annotations

import inspect

import pytest

from jrerank import errors
from jrerank.errors import InputTooLong, InvalidInput, JrerankError, Overloaded, Unavailable, UnsupportedModel

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, JrerankError)]


def drawn(one: type[JrerankError]) -> int:
    """How deep the tree at the top of the module draws a class."""
    line = next(line for line in (errors.__doc__ or "").splitlines() if one.__name__ in line.split())
    return line.index(one.__name__) // 4 - 1


@pytest.mark.parametrize("one", CLASSES)
def test_every_class_is_drawn_where_it_stands(one: type[JrerankError]) -> None:
    assert drawn(one) == one.__mro__.index(JrerankError)


@pytest.mark.parametrize("one", CLASSES)
def test_the_docstring_is_the_default_message(one: type[JrerankError]) -> None:
    assert str(one()) == one.__doc__
    assert str(one("what happened")) == "what happened"
    assert (one.__doc__ or "").partition("\n")[0].endswith(".")


def test_an_input_error_names_the_field_in_the_callers_words() -> None:
    assert InvalidInput("too many", field="documents").field == "documents"
    assert InputTooLong().field is None


def test_who_is_turned_away_learns_when_to_come_again() -> None:
    assert Overloaded(retry_after_s=2.5).retry_after_s == 2.5
    assert Unavailable().retry_after_s == 1.0


def test_a_model_that_cannot_run_is_the_operators_mistake() -> None:
    assert issubclass(UnsupportedModel, errors.ConfigurationError)
    assert not issubclass(UnsupportedModel, InvalidInput)
