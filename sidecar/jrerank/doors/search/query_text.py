"""What was searched for, found in a search body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from jrerank.doors.search.body_path import at_path

# {"match": {FIELD: "text"}} or {"match": {FIELD: {"query": "text"}}}: under a field, the key that holds the text
_PER_FIELD = {
    "match": "query",
    "match_phrase": "query",
    "match_phrase_prefix": "query",
    "match_bool_prefix": "query",
    "neural": "query_text",
    "neural_sparse": "query_text",
    "text_expansion": "model_text",
}
_WITH_TEXT = {
    "multi_match",
    "combined_fields",
    "simple_query_string",
    "query_string",
    "semantic",
    "sparse_vector",
}
# Queries around other queries, and where these are, the likeliest first; `must_not` is what was not searched for
_AROUND = {
    "bool": ("must", "should", "filter"),
    "dis_max": ("queries",),
    "hybrid": ("queries",),
    "boosting": ("positive",),
    "constant_score": ("filter",),
    "function_score": ("query",),
    "script_score": ("query",),
    "nested": ("query",),
    "has_child": ("query",),
    "has_parent": ("query",),
    "pinned": ("organic",),
}
_VECTOR_BUILDER_PATH = "query_vector_builder.text_embedding.model_text"
_Place = TypeVar("_Place")


def query_text(body: Mapping[str, Any], said: str | None, path: str | None) -> str | None:
    """The caller's own text, else the one at a dotted path into the body, else the first in its `query`."""
    at = None if path is None else _text(at_path(body, path))
    return _text(said) or at or _in(body.get("query"))


def _in(query: object) -> str | None:
    if isinstance(query, list):
        return _first(query, _in)
    if isinstance(query, dict):
        return _first(query.items(), lambda entry: _of_type(*entry))
    return None


def _of_type(kind: str, body: object) -> str | None:
    if not isinstance(body, dict):
        return None
    if kind in _PER_FIELD:
        return _first(body.values(), lambda value: _under_field(value, _PER_FIELD[kind]))
    if kind in _WITH_TEXT:
        return _text(body.get("query"))
    if kind == "knn":
        return _text(at_path(body, _VECTOR_BUILDER_PATH))
    return _first(_AROUND.get(kind, ()), lambda key: _in(body.get(key)))


def _under_field(value: object, key: str) -> str | None:
    return _text(value.get(key) if isinstance(value, dict) else value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _first(places: Iterable[_Place], look: Callable[[_Place], str | None]) -> str | None:
    return next((text for place in places if (text := look(place)) is not None), None)
