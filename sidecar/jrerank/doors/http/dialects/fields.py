"""The parts that a request may have, whatever a dialect calls them: their types, defaults and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import FailFast, Field, TypeAdapter, ValidationError

from jrerank.doors.validation import described
from jrerank.errors import InvalidInput

MAX_RANK_FIELDS = 100
Count = Annotated[int, Field(ge=0, le=10**12, description="0 is no limit")]
Positive = Annotated[int, Field(ge=1, le=10**9)]
# As text-embeddings-inference and NIM say it: a flag, or what is to be cut
Truncate = bool | Literal["NONE", "START", "END"]
# A list of another kind would be an error for each item
RankFields = Annotated[list[str], FailFast(), Field(max_length=MAX_RANK_FIELDS)]
Side = Literal["left", "right", "Left", "Right"]


@dataclass(frozen=True)  # without slots: `schema` is kept
class Part:
    """A part of a request: what may stand there, and what it means."""

    adapter: TypeAdapter[Any]
    description: str

    def read(self, value: Any, field: str) -> Any:
        """The value in its type.

        Raises:
            InvalidInput: it is of another type, or too large; it names `field`.
        """
        try:
            return self.adapter.validate_python(value)
        except ValidationError as error:
            message, place = described(error.errors(include_url=False), field)
            raise InvalidInput(message, field=place) from None

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """For the OpenAPI document."""
        return {**self.adapter.json_schema(), "description": self.description}


def _part(kind: Any, description: str) -> Part:
    return Part(TypeAdapter(kind), description)


PARTS = {
    "query": _part(Any, "a string; also a number, or an object with `text`"),
    "documents": _part(
        Any, "a list of strings; also of objects with `text` or `rank_fields`, numbers, nulls"
    ),
    "model": _part(Any, "accepted and ignored: the sidecar serves one model"),
    "top_n": _part(Count, "return this many results; 0 is all"),
    "echo": _part(bool, "return the documents too"),
    "rank_fields": _part(RankFields, "of document objects; their texts are joined"),
    "raw_scores": _part(bool, "return logits"),
    "activation": _part(bool, "false: return logits"),
    "truncate": _part(Truncate, "false or NONE refuses what is too long"),
    "side": _part(Side, "which end of a long text is cut"),
    "max_tokens_per_doc": _part(Positive, "read at most this much of a document"),
    "max_chunks_per_doc": _part(Positive, "read at most this many windows of a document"),
    "prompt_tokens": _part(
        Annotated[int, Field(ge=-1, le=10**9)], "refused where it is less than the model reads anyway"
    ),
    "query_tokens": _part(Count, "refused: a query is read whole; 0 is no limit"),
    "instruction": _part(str, "refused: the model takes none"),
    "embeddings": _part(bool, "refused: there are none"),
    "timeout_ms": _part(
        Annotated[int, Field(ge=1, le=86_400_000)], "ours: the answer comes within this time"
    ),
}
