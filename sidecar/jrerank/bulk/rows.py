"""A row -> a request, in the shape of `/v1/hits`; a row that is wrong is an error of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from jrerank.bulk.sources.source import SourceRow
from jrerank.domain import RerankRequest
from jrerank.doors.intake import Caller, Intake
from jrerank.doors.native import HitsBody
from jrerank.errors import InvalidInput, JrerankError
from jrerank.json_reader.text import parsed

# What a row may have; a source may leave out all else
ROW_FIELDS = frozenset({"id", "passages", *HitsBody.model_fields})
# As long as it takes
_TIMEOUT_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class BulkRow:
    """A row's id, and its request or what is wrong with it."""

    id: str
    request: RerankRequest | InvalidInput

    @property
    def pairs(self) -> int:
        """How many passages it has."""
        return 0 if isinstance(self.request, InvalidInput) else self.request.documents

    @property
    def passages(self) -> list[str]:
        """Their texts, where the row gives them."""
        if isinstance(self.request, InvalidInput):
            return []
        return [candidate.passage for candidate in self.request.candidates if candidate.passage is not None]


def read_row(row: SourceRow, intake: Intake, store: str | None = None) -> BulkRow:
    """What a row asks for.

    A row is a body of `/v1/hits`, with an `id` if it likes: else its number is the id. In place of `hits` it may have `passages`,
    a list of texts or of objects with `id` and `text`. `store` has the texts that the row doesn't give, unless it names one.
    """
    id = str(row.number) if row.key is None else row.key
    try:
        content: Any = parsed(row.text)
        if not isinstance(content, dict):
            raise InvalidInput("it is not a JSON object")
        own_id = content.pop("id", None)
        if row.key is None and own_id is not None:
            id = str(own_id)
        if row.wrong is not None:
            raise InvalidInput(row.wrong)
        return BulkRow(id, _request(content, intake, store))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return BulkRow(id, _wrong(row, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
    except InvalidInput as error:
        return BulkRow(id, _wrong(row, str(error)))
    except (ValueError, RecursionError, JrerankError) as error:
        return BulkRow(id, _wrong(row, f"it is not JSON: {error}"))


def _wrong(row: SourceRow, message: str) -> InvalidInput:
    return InvalidInput(f"{row.place}: {message}" if row.place else message)


def _request(content: dict[str, Any], intake: Intake, store: str | None) -> RerankRequest:
    given = {name: value for name, value in content.items() if value is not None}
    if "passages" in given:
        if "hits" in given:
            raise InvalidInput("passages and hits are two ways to say the same; give one of them")
        given["hits"] = _hits(given.pop("passages"))
    body = HitsBody.model_validate({"store": store, **given, "timeout_ms": _TIMEOUT_MS})
    return body.to_request(intake, Caller("bulk", time.monotonic()))


def _hits(passages: Any) -> Any:
    if not isinstance(passages, list):
        return passages
    return [
        {"id": str(place), "text": passage} if isinstance(passage, str) else passage
        for place, passage in enumerate(passages)
    ]
