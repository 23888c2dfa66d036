"""A store's settings are right, or the operator is told which field is not, and no secret."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, field_validator

from jrerank.errors import ConfigurationError
from jrerank.stores.reading import KindSettings


class Shelf(KindSettings):
    key: SecretStr
    boards: int = 1

    @field_validator("key")
    @classmethod
    def _long(cls, key: SecretStr) -> SecretStr:
        if len(key.get_secret_value()) < 3:
            raise ValueError("the key is too short")
        return key


def test_what_is_right_is_read() -> None:
    assert Shelf.read("attic", {"key": "abc", "boards": 2}).boards == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"key": "abc", "boards": "many"}, "JRERANK_STORES.attic.boards: Input should be a valid integer"),
        ({}, "JRERANK_STORES.attic.key: Field required"),
        ({"key": "xy"}, "JRERANK_STORES.attic.key: the key is too short"),
    ],
)
def test_what_is_wrong_is_named_without_its_value(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Shelf.read("attic", given)
    assert "xy" not in str(caught.value)
    assert "many" not in str(caught.value)
