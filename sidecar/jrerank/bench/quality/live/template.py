"""A search body with places for the query and the size: `"{{query}}"` and `"{{size}}"` as whole JSON strings, or within one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jrerank.errors import InvalidInput

_QUERY, _SIZE = "{{query}}", "{{size}}"


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """Filled in after parsing, so that no query can change the body's form."""

    body: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> BodyTemplate:
        """From a JSON file.

        Raises:
            InvalidInput: the file can't be read, is no JSON object, or has no place for the query.
        """
        try:
            text = path.read_text(encoding="utf-8")
            body = json.loads(text)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path} can't be read as JSON: {error}", field="template") from None
        if not isinstance(body, dict) or _QUERY not in text:
            raise InvalidInput(
                f'{path} must be a JSON object with "{_QUERY}" where the query goes', field="template"
            )
        return cls(body)

    def fill(self, query: str, size: int) -> dict[str, Any]:
        """The body for a query; `size` is set where the template has none."""
        filled: dict[str, Any] = _filled(self.body, query, size)
        return {"size": size, **filled}


def _filled(value: Any, query: str, size: int) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, query, size) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, query, size) for one in value]
    if value == _SIZE:
        return size
    return value.replace(_QUERY, query) if isinstance(value, str) else value
