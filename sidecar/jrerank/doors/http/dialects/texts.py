"""What is read of a value that stands where a text is expected. One odd value must not cost a request its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jrerank.errors import InputTooLong, InvalidInput

# Of a document with a list of parts as its `content`
MAX_CONTENT_PARTS = 1_000


def text_of(value: Any, field: str, rank_fields: Sequence[str] | None = None) -> str:
    """The text of a string, a number, an object with `text` or content parts; null is an empty text.

    Args:
        field: where the value stands, for the error.
        rank_fields: of an object; their texts are joined by newlines.

    Raises:
        InvalidInput: there is nothing in it that can be read.
    """
    match value:
        case str():
            return value
        case None:
            return ""
        case bool() | int() | float():
            return json.dumps(value)
        case dict():
            return _text_of_object(value, field, rank_fields or ["text"])
        case _:
            raise InvalidInput(
                f"{field}: a text is needed, as a string or in an object with `text`", field=field
            )


def texts_of(value: Any, field: str, rank_fields: Sequence[str] | None = None) -> list[str]:
    """The texts of a list, or of what stands alone.

    Raises:
        InvalidInput: see `text_of`.
    """
    return [text_of(one, f"{field}.{index}", rank_fields) for index, one in enumerate(listed(value))]


def listed(value: Any) -> list[Any]:
    """A list as it is, the parts of an object with a list in `content`, or one value as a list."""
    if isinstance(value, dict) and isinstance(content := value.get("content"), list):
        return content
    return value if isinstance(value, list) else [value]


def _text_of_object(value: dict[str, Any], field: str, rank_fields: Sequence[str]) -> str:
    texts = [_joinable(value[name]) for name in rank_fields if value.get(name) is not None]
    if texts:
        return "\n".join(texts)
    if "content" in value:
        if isinstance(value["content"], list) and len(value["content"]) > MAX_CONTENT_PARTS:
            raise InputTooLong(
                f"{field}.content has more than {MAX_CONTENT_PARTS} parts: send a document for each",
                field=field,
            )
        return "\n".join(texts_of(value["content"], f"{field}.content"))
    if any(name in value for name in rank_fields):
        return ""
    raise InvalidInput(
        f"{field} has none of the fields {', '.join(rank_fields)}; name the ones to read in rank_fields",
        field=field,
    )


def _joinable(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
