"""What was searched for, found in a search body: what a person would name, never a filter, or nothing."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jrerank.doors.search.body_path import at_path
from jrerank.doors.search.fields import FieldKind, Fields
from jrerank.doors.search.query_syntax import query_string_words, simple_query_string_words

# {"match": {FIELD: "text"}} or {"match": {FIELD: {"query": "text"}}}
_ON_TEXT_FIELD = {"match", "match_phrase", "match_phrase_prefix", "match_bool_prefix", "common"}
# The same on a field of vectors: under the field, the key that holds the text
_ON_VECTOR_FIELD = {"neural": "query_text", "neural_sparse": "query_text", "text_expansion": "model_text"}
_ON_FIELDS = {"multi_match", "combined_fields"}
_WITH_TEXT = {"semantic": "query", "sparse_vector": "query", "agentic": "query_text"}
# Queries around other queries. What only filters (`filter`, `must_not`, `constant_score`) was not searched for
_AROUND = {
    "dis_max": "queries",
    "hybrid": "queries",
    "boosting": "positive",
    "function_score": "query",
    "script_score": "query",
    "nested": "query",
    "has_child": "query",
    "has_parent": "query",
    "pinned": "organic",
    "rule": "organic",
    "span_or": "clauses",
    "span_first": "match",
    "span_multi": "match",
    "span_not": "include",
    "span_containing": "big",
    "span_within": "little",
    "field_masking_span": "query",
}
# {"span_term": {FIELD: "word"}} or {"span_term": {FIELD: {"value": "word"}}}
_ON_TERM = {"span_term", "fuzzy"}
_VECTOR_BUILDER_PATH = "query_vector_builder.text_embedding.model_text"
_MATCHES_ALL = re.compile(r"[\s*?:]*")
_VARIABLE = re.compile(r"\$\{|\{\{")
_MAX_DEPTH = 50
_UNKNOWN = Fields()


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    kind: FieldKind

    @property
    def order(self) -> tuple[FieldKind, int]:
        return self.kind, -len(self.text)


def query_text(
    body: Mapping[str, Any], said: str | None, path: str | None, fields: Fields = _UNKNOWN
) -> str | None:
    """The caller's own text, else the one at a dotted path into the body, else the likeliest in its `query`."""
    at = None if path is None else _text(at_path(body, path))
    if (text := _text(said) or at) is not None:
        return text
    found = _Reader(fields).read(body.get("query"), 0)
    return None if found is None else found.text


@dataclass(frozen=True, slots=True)
class _Reader:
    """Finds the text on the likeliest field; among equals the longest, and among these the first."""

    fields: Fields

    def read(self, query: object, depth: int) -> _Found | None:
        if depth > _MAX_DEPTH:
            return None
        if isinstance(query, list):
            return _best(self.read(one, depth + 1) for one in query)
        if isinstance(query, dict):
            return _best(self._of_type(kind, body, depth + 1) for kind, body in query.items())
        return None

    def _each(self, queries: object, depth: int) -> list[_Found]:
        listed = queries if isinstance(queries, list) else [queries]
        return [found for one in listed if (found := self.read(one, depth + 1)) is not None]

    def _of_type(self, kind: str, body: object, depth: int) -> _Found | None:
        if not isinstance(body, dict) or body.get("boost") == 0:
            return None
        if kind in {"bool", "span_near"}:
            return self._of_clauses(kind, body, depth)
        if kind in _AROUND:
            return self.read(body.get(_AROUND[kind]), depth)
        if kind == "template":
            return self.read(body, depth)
        if kind == "wrapper":
            return self.read(_unwrapped(body.get("query")), depth)
        return self._of_leaf(kind, body)

    def _of_clauses(self, kind: str, body: Mapping[str, Any], depth: int) -> _Found | None:
        if kind == "span_near":
            return _together(self._each(body.get("clauses"), depth), FieldKind.UNKNOWN)
        must = _together(self._each(body.get("must"), depth))
        return _of_bool(must, self.read(body.get("should"), depth))

    def _of_leaf(self, kind: str, body: Mapping[str, Any]) -> _Found | None:
        if kind in _ON_TEXT_FIELD:
            return self._on_field(body, lambda value: _text(_under_field(value, "query")))
        if kind in _ON_TERM:
            return self._on_field(body, lambda value: _text(_under_field(value, "value")))
        if kind == "intervals":
            return self._on_field(body, _of_intervals)
        if kind in {*_ON_FIELDS, "query_string", "simple_query_string", "more_like_this"}:
            return _found(self._of_fields(kind, body), self._kind_of_fields(body))
        return _best(_found(text, FieldKind.UNKNOWN) for text in _of_vectors(kind, body))

    def _on_field(self, body: Mapping[str, Any], read: Callable[[object], str | None]) -> _Found | None:
        return _best(
            _found(read(value), self.fields.kind(name))
            for name, value in body.items()
            if not (isinstance(value, dict) and value.get("boost") == 0)
        )

    def _kind_of_fields(self, body: Mapping[str, Any]) -> FieldKind:
        named = body.get("fields") or body.get("default_field") or []
        return self.fields.likeliest(named if isinstance(named, list) else [named])

    def _of_fields(self, kind: str, body: Mapping[str, Any]) -> str | None:
        if kind == "more_like_this":
            like = body.get("like")
            return max(
                filter(None, map(_text, like if isinstance(like, list) else [like])), key=len, default=None
            )
        text = _text(body.get("query"))
        if text is None or kind in _ON_FIELDS:
            return text
        if kind == "query_string":
            return _text(query_string_words(text, self.fields.kind))
        return text if body.get("flags") in {"NONE", 0} else _text(simple_query_string_words(text))


def _of_bool(must: _Found | None, should: _Found | None) -> _Found | None:
    """What has to match goes before what may, on fields of the same kind."""
    if must is None or should is None:
        return must or should
    return should if should.kind < must.kind else must


def _together(found: Sequence[_Found], at_most: FieldKind = FieldKind.TEXT) -> _Found | None:
    """All texts on fields of the likeliest kind, each once, where all have to match; but the best alone on an unlikelier kind."""
    best = _best(found)
    if best is None or best.kind > at_most:
        return best
    texts = list(dict.fromkeys(one.text for one in found if one.kind == best.kind))
    whole = [text for text in texts if not any(text != other and text in other for other in texts)]
    return _Found(" ".join(whole), best.kind)


def _of_vectors(kind: str, body: Mapping[str, Any]) -> Iterator[str | None]:
    """The text from which a vector or weighted tokens are made, whatever the type of their field."""
    if kind in _ON_VECTOR_FIELD:
        for value in body.values():
            yield _text(_under_field(value, _ON_VECTOR_FIELD[kind]))
    elif kind in _WITH_TEXT:
        yield _text(body.get(_WITH_TEXT[kind]))
    elif kind == "knn":
        yield _text(at_path(body, _VECTOR_BUILDER_PATH))


def _of_intervals(rule: object) -> str | None:
    if not isinstance(rule, dict):
        return None
    text = _text(_under_field(rule.get("match"), "query"))
    every = _texts_of_intervals(rule.get("all_of"))
    some = _texts_of_intervals(rule.get("any_of"))
    return text or " ".join(every) or max(some, key=len, default=None)


def _texts_of_intervals(rule: object) -> list[str]:
    rules = rule.get("intervals") if isinstance(rule, dict) else None
    return [text for one in rules or () if (text := _of_intervals(one)) is not None]


def _unwrapped(encoded: object) -> object:
    if not isinstance(encoded, str):
        return None
    try:
        return json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None


def _under_field(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else value


def _found(text: str | None, kind: FieldKind) -> _Found | None:
    return None if text is None or kind is FieldKind.OTHER else _Found(text, kind)


def _best(candidates: Iterable[_Found | None]) -> _Found | None:
    return min((one for one in candidates if one is not None), key=lambda one: one.order, default=None)


def _text(value: object) -> str | None:
    """Text that says something: not blank, not `*` or `*:*`, no variable that a template has left open."""
    if not isinstance(value, str) or _MATCHES_ALL.fullmatch(value) or _VARIABLE.search(value):
        return None
    return value
