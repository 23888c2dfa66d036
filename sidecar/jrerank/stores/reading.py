"""How the settings of a store are read, whatever its kind."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ValidationError

from jrerank.errors import ConfigurationError


class KindSettings(BaseModel):
    """What a store of one kind is told in `JRERANK_STORES`."""

    @classmethod
    def read(cls, name: str, given: dict[str, Any]) -> Self:
        """The settings of the store `name`.

        Raises:
            ConfigurationError: a field is wrong; the message names it and repeats no value, which may be a secret.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(["JRERANK_STORES", name, *map(str, first["loc"])])
            raise ConfigurationError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
