"""A body in the words of its dialect becomes queries, documents and options."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jrerank.domain import Candidate, RerankRequest, Truncation
from jrerank.doors.http.dialects.dialect import Dialect
from jrerank.doors.http.dialects.fields import PARTS
from jrerank.doors.http.dialects.texts import listed, text_of, texts_of
from jrerank.doors.intake import Caller, Fields, Intake, Limits, Options
from jrerank.doors.outline import Outline
from jrerank.errors import InvalidInput

# What cannot be obeyed, where it would change a score
_REFUSALS = {
    "query_tokens": "a query is read whole; leave it out",
    "instruction": "the model takes no instruction; leave it out",
    "embeddings": "a cross-encoder has no embeddings; leave it out",
}


# What changes how a passage is read
_OF_READING = ("truncate", "side", "max_tokens_per_doc", "max_chunks_per_doc")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was read. `queries` are with their candidates, whose ids are their documents' places."""

    queries: tuple[tuple[str, tuple[Candidate, ...]], ...]
    documents: tuple[Any, ...]
    texts: tuple[str, ...]
    fields: Fields
    options: Options
    echo: bool | None
    raw: bool

    def requests(self, intake: Intake, caller: Caller) -> list[RerankRequest]:
        """One for each query.

        Raises:
            InvalidInput: see `Intake.requests`.
        """
        return intake.requests(caller, self.queries, self.options, self.fields)


def read(dialect: Dialect, body: Mapping[str, Any], model_tokens: int) -> Asked:
    """Read a body.

    Args:
        model_tokens: what the model reads of a pair at once.

    Raises:
        InvalidInput: a part is missing, of a wrong type, or can't be obeyed; the error names it as the dialect does.
    """
    parts, names = _parts(dialect, body)
    _check_obeyed(parts, names, model_tokens)
    texts = texts_of(parts["documents"], names["documents"], parts.get("rank_fields"))
    return Asked(
        queries=_queries(dialect, parts["query"], names, texts),
        documents=tuple(listed(parts["documents"])),
        texts=tuple(texts),
        fields=Fields(names["query"], names["documents"]),
        options=_options(parts, model_tokens),
        echo=parts.get("echo"),
        raw=parts.get("raw_scores", False) or not parts.get("activation", True),
    )


def outline_of(dialect: Dialect, body: Mapping[str, Any]) -> Outline | None:
    """What a body asks for at a glance; None where that takes a closer look."""
    parts = {part: _first(body, names) for part, names in dialect.request.items()}
    if dialect.order != "rank" or any(parts.get(part) is not None for part in _OF_READING):
        return None
    return Outline.of([parts["query"]], parts["documents"], parts["timeout_ms"])


def check_counts(dialect: Dialect, body: Mapping[str, Any], limits: Limits) -> int:
    """Count the documents and the queries before they are read.

    Returns:
        How many documents there are.

    Raises:
        InputTooLong: there are more than may be; it names their field.
    """
    documents = 1
    for part in ("query", "documents"):
        for name in dialect.request[part]:
            values = listed(_value(body, name))
            limits.check_count(values, name)
            documents = max(documents, len(values))
    return documents


def _parts(dialect: Dialect, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of the parts, and the names that the body has them by. Null is as good as absent."""
    parts, used = dict(dialect.defaults), {}
    for part, names in dialect.request.items():
        present = [(name, value) for name in names if (value := _value(body, name)) is not None]
        used[part], value = present[0] if present else (names[0], None)
        if value is not None:
            parts[part] = PARTS[part].read(value, used[part])
    for part in ("query", "documents"):
        if part not in parts:
            raise InvalidInput(f"{used[part]}: Field required", field=used[part])
    return parts, used


def _first(body: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((value for name in names if (value := _value(body, name)) is not None), None)


def _value(body: Mapping[str, Any], name: str) -> Any:
    value: Any = body
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _queries(
    dialect: Dialect, value: Any, names: Mapping[str, str], texts: Sequence[str]
) -> tuple[tuple[str, tuple[Candidate, ...]], ...]:
    candidates = [Candidate(str(index), text) for index, text in enumerate(texts)]
    if dialect.order == "rank":
        return ((text_of(value, names["query"]), tuple(candidates)),)
    queries = texts_of(value, names["query"])
    if len(queries) == 1:
        queries *= len(texts)
    if len(queries) != len(texts):
        raise InvalidInput(
            f"{names['query']} has {len(queries)} texts and {names['documents']} {len(texts)}:"
            f" send one, or as many, in {names['query']}",
            field=names["query"],
        )
    by_query: dict[str, list[Candidate]] = defaultdict(list)
    for query, candidate in zip(queries, candidates, strict=True):
        by_query[query].append(candidate)
    return tuple((query, tuple(group)) for query, group in by_query.items())


def _check_obeyed(parts: Mapping[str, Any], names: Mapping[str, str], model_tokens: int) -> None:
    for part, why in _REFUSALS.items():
        if parts.get(part):
            raise InvalidInput(f"{names[part]}: {why}", field=names[part])
    if 0 <= parts.get("prompt_tokens", -1) < model_tokens:
        raise InvalidInput(
            f"{names['prompt_tokens']}: a pair is cut at the model's {model_tokens} tokens; leave it out, or bound"
            " documents with max_tokens_per_doc",
            field=names["prompt_tokens"],
        )


def _options(parts: Mapping[str, Any], model_tokens: int) -> Options:
    bounds = [parts.get("max_tokens_per_doc"), parts.get("max_chunks_per_doc", 0) * model_tokens]
    return Options(
        top_n=parts.get("top_n") or None,
        timeout_ms=parts.get("timeout_ms"),
        max_tokens_per_doc=min((bound for bound in bounds if bound), default=None),
        truncation=_truncation(parts.get("truncate", True), parts.get("side", "right")),
    )


def _truncation(truncate: bool | str, side: str) -> Truncation:
    if truncate in {False, "NONE"}:
        return "refuse"
    return "left" if truncate == "START" or side.lower() == "left" else "right"
