"""What engines read of a search from the URL: passed on as it is, but for what reranking has to know, which goes into the body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]
_FLAGS = {"true": True, "false": False, "": True}
_QUERY_STRING = ("analyze_wildcard", "analyzer", "default_operator", "lenient")
_WRITTEN_HERE = {"filter_path", "pretty"}
MAX_FILTER_PATH_CHARS = 2_000  # each path is looked for in each hit
_NAMED = "one or several of the store's indexes, comma-separated; all by default"


class OutputParameters(BaseModel):
    """How an answer is written."""

    model_config = ConfigDict(extra="forbid")

    error_trace: str | None = None
    filter_path: Annotated[
        str | None,
        Field(
            max_length=MAX_FILTER_PATH_CHARS, description="paths of the answer to keep or, with -, to drop"
        ),
    ] = None
    human: str | None = None
    pretty: Annotated[str | None, Field(description="the answer over several lines")] = None

    def for_engine(self) -> dict[str, str]:
        """What is passed on: how an answer is written is seen to here, since the engine's is read before."""
        return self.model_dump(exclude_none=True, by_alias=True, exclude=_WRITTEN_HERE)


class MultiSearchParameters(OutputParameters):
    """What of the engine's own URL parameters is passed on for a multi-search."""

    ccs_minimize_roundtrips: str | None = None
    max_concurrent_searches: str | None = None
    max_concurrent_shard_requests: str | None = None
    pre_filter_shard_size: str | None = None
    rest_total_hits_as_int: str | None = None
    search_type: str | None = None
    typed_keys: str | None = None


class SearchParameters(OutputParameters):
    """What of the engine's own URL parameters is passed on; what a body can say may be said there."""

    index: Annotated[str | None, Field(description=_NAMED)] = None
    allow_no_indices: str | None = None
    allow_partial_search_results: str | None = None
    analyze_wildcard: str | None = None
    analyzer: str | None = None
    batched_reduce_size: str | None = None
    cancel_after_time_interval: str | None = None
    ccs_minimize_roundtrips: str | None = None
    default_operator: str | None = None
    df: str | None = None
    docvalue_fields: str | None = None
    expand_wildcards: str | None = None
    explain: str | None = None
    from_: Annotated[int | None, Field(alias="from", ge=0, le=2**31 - 1)] = None
    ignore_throttled: str | None = None
    ignore_unavailable: str | None = None
    include_named_queries_score: str | None = None
    lenient: str | None = None
    max_concurrent_shard_requests: str | None = None
    phase_took: str | None = None
    pre_filter_shard_size: str | None = None
    preference: str | None = None
    q: Annotated[str | None, Field(description="a query in Lucene's syntax")] = None
    request_cache: str | None = None
    rest_total_hits_as_int: str | None = None
    routing: str | None = None
    scroll: Annotated[str | None, Field(description="later pages are the engine's own")] = None
    search_pipeline: str | None = None
    search_type: str | None = None
    seq_no_primary_term: str | None = None
    size: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    sort: str | None = None
    source_: Annotated[str | None, Field(alias="_source")] = None
    source_excludes: Annotated[str | None, Field(alias="_source_excludes")] = None
    source_includes: Annotated[str | None, Field(alias="_source_includes")] = None
    stats: str | None = None
    stored_fields: str | None = None
    suggest_field: str | None = None
    suggest_mode: str | None = None
    suggest_size: str | None = None
    suggest_text: str | None = None
    terminate_after: str | None = None
    timeout: str | None = None
    track_scores: str | None = None
    track_total_hits: str | None = None
    typed_keys: str | None = None
    verbose_pipeline: str | None = None
    version: str | None = None

    def for_body(self) -> Json:
        """What goes into the body in place of what stands there, as engines do it themselves."""
        return {name: value for name, read in _IN_BODY.items() if (value := read(self)) is not None}

    def for_engine(self) -> dict[str, str]:
        """What stays in the URL."""
        return self.model_dump(exclude_none=True, by_alias=True, exclude=_NOT_PASSED_ON)


def flag(value: str | None) -> bool:
    """Whether a parameter is on: its bare name is enough."""
    return value is not None and _FLAGS.get(value.lower(), False)


def of_output(parameters: Mapping[str, str]) -> OutputParameters:
    """Those of all parameters that say how an answer is written."""
    known = OutputParameters.model_fields
    return OutputParameters.model_validate(
        {name: value for name, value in parameters.items() if name in known}
    )


def _query(parameters: SearchParameters) -> Json | None:
    if parameters.q is None:
        return None
    more = {name: value for name in _QUERY_STRING if (value := getattr(parameters, name)) is not None}
    field = {} if parameters.df is None else {"default_field": parameters.df}
    return {"query_string": {"query": parameters.q, **field, **more}}


def _sort(parameters: SearchParameters) -> list[Any] | None:
    if not parameters.sort:
        return None
    parts = (one.rpartition(":") for one in parameters.sort.split(","))
    return [
        {name: {"order": order}} if order in {"asc", "desc"} and name else f"{name}{mark}{order}"
        for name, mark, order in parts
    ]


def _source(parameters: SearchParameters) -> Any:
    """As a body's `_source`: on, off, or which parts."""
    if parameters.source_ is not None and parameters.source_ in _FLAGS:
        return _FLAGS[parameters.source_]
    includes = [*_listed(parameters.source_), *_listed(parameters.source_includes)]
    excludes = _listed(parameters.source_excludes)
    if not includes and not excludes:
        return None
    parts = {"includes": includes, "excludes": excludes}
    return {name: patterns for name, patterns in parts.items() if patterns}


def _stored_fields(parameters: SearchParameters) -> list[str] | None:
    return _listed(parameters.stored_fields) or None


def _listed(names: str | None) -> list[str]:
    return [name for name in (names or "").split(",") if name]


_IN_BODY: Mapping[str, Callable[[SearchParameters], Any]] = {
    "from_": lambda parameters: parameters.from_,
    "size": lambda parameters: parameters.size,
    "query": _query,
    "sort": _sort,
    "_source": _source,
    "stored_fields": _stored_fields,
}
_NOT_PASSED_ON = {
    *(
        "index",
        "from_",
        "size",
        "q",
        "df",
        "sort",
        "source_",
        "source_includes",
        "source_excludes",
        "stored_fields",
    ),
    *_QUERY_STRING,
    *_WRITTEN_HERE,
}
