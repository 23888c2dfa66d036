"""The forms that searches have: queries, and what a search may say beside its query, as a search engineer would use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY
from integration.opensearch.search import Json

MATCH: Json = {"multi_match": {"query": QUERY, "fields": PASSAGE_FIELDS}}
TERM: Json = {"term": {"topic": "東大寺の仏像"}}
WORD: Json = {"match": {"body": "大仏"}}
NUMBERS: Json = {"range": {"number": {"gte": 10, "lt": 900}}}


@dataclass(frozen=True)
class Form:
    """One search: its body and its URL's parameters."""

    body: Json
    parameters: Mapping[str, str] = field(default_factory=dict)
    index: str = "docs"


def _queries() -> dict[str, Json]:
    base64_of_match_all = "eyJtYXRjaF9hbGwiOnt9fQ=="
    return {
        "match": {"match": {"body": QUERY}},
        "match, and": {"match": {"body": {"query": "世界の大会", "operator": "and"}}},
        "match_phrase": {"match_phrase": {"body": "世界"}},
        "match_phrase_prefix": {"match_phrase_prefix": {"body": "世界"}},
        "match_bool_prefix": {"match_bool_prefix": {"body": "世界 大会"}},
        "multi_match, cross_fields": {
            "multi_match": {"query": QUERY, "fields": PASSAGE_FIELDS, "type": "cross_fields"}
        },
        "multi_match, phrase": {"multi_match": {"query": "世界", "fields": PASSAGE_FIELDS, "type": "phrase"}},
        "combined_fields": {"combined_fields": {"query": QUERY, "fields": PASSAGE_FIELDS}},
        "query_string": {"query_string": {"query": "+大仏 -首都", "fields": PASSAGE_FIELDS}},
        "simple_query_string": {"simple_query_string": {"query": "大仏 | 首都", "fields": PASSAGE_FIELDS}},
        "intervals": {"intervals": {"body": {"match": {"query": "世界", "max_gaps": 3}}}},
        "more_like_this": {
            "more_like_this": {"fields": ["body"], "like": QUERY, "min_term_freq": 1, "min_doc_freq": 1}
        },
        "term": TERM,
        "terms": {"terms": {"topic": ["東大寺の仏像", "東京"]}},
        "range": NUMBERS,
        "exists": {"exists": {"field": "topic"}},
        "prefix": {"prefix": {"topic": "東"}},
        "wildcard": {"wildcard": {"topic": "*寺*"}},
        "regexp": {"regexp": {"topic": "東.*"}},
        "fuzzy": {"fuzzy": {"body": {"value": "大仏"}}},
        "ids": {"ids": {"values": ["1", "2", "3"]}},
        "match_all": {"match_all": {}},
        "match_none": {"match_none": {}},
        "bool": {
            "bool": {
                "must": [MATCH],
                "should": [WORD],
                "filter": [NUMBERS],
                "must_not": [{"term": {"topic": "東京"}}],
            }
        },
        "a filter alone": {"bool": {"filter": [WORD]}},
        "dis_max": {"dis_max": {"queries": [MATCH, WORD], "tie_breaker": 0.3}},
        "constant_score": {"constant_score": {"filter": WORD}},
        "boosting": {"boosting": {"positive": MATCH, "negative": WORD, "negative_boost": 0.5}},
        "function_score": {
            "function_score": {
                "query": MATCH,
                "field_value_factor": {"field": "number", "modifier": "log1p", "missing": 1},
            }
        },
        "nested": {"nested": {"path": "parts", "query": {"match": {"parts.text": QUERY}}}},
        "span_near": {
            "span_near": {
                "clauses": [{"span_term": {"body": "世界"}}, {"span_term": {"body": "大会"}}],
                "slop": 5,
            }
        },
        "wrapper": {"wrapper": {"query": base64_of_match_all}},
        "distance_feature, refused": {"distance_feature": {"field": "number", "origin": 3, "pivot": 10}},
    }


def _options() -> dict[str, Json]:
    inner = {"name": "more", "size": 2, "_source": ["number"]}
    named = {"term": {"topic": {"value": "東大寺の仏像", "_name": "t"}}}
    nested = {"nested": {"path": "parts", "query": {"match": {"parts.text": QUERY}}, "inner_hits": {}}}
    by_number = [{"number": "desc"}]
    return {
        "a page": {"from": 20, "size": 15},
        "beyond the window": {"from": 150, "size": 10},
        "size 0": {"size": 0},
        "sort by a field": {"sort": by_number},
        "sort by score, then a field": {"sort": ["_score", {"number": "asc"}]},
        "sort by score alone": {"sort": ["_score"]},
        "sort with scores": {"sort": by_number, "track_scores": True},
        "search_after": {"sort": by_number, "search_after": [500]},
        "collapse": {"collapse": {"field": "topic"}},
        "collapse with inner hits": {"collapse": {"field": "topic", "inner_hits": inner}},
        "aggregations": {
            "aggs": {"topics": {"terms": {"field": "topic"}, "aggs": {"n": {"max": {"field": "number"}}}}}
        },
        "top_hits": {
            "aggs": {
                "topics": {
                    "terms": {"field": "topic", "size": 3},
                    "aggs": {"best": {"top_hits": {"size": 1, "_source": ["number"]}}},
                }
            }
        },
        "global, cardinality, histogram": {
            "aggs": {
                "all": {"global": {}, "aggs": {"n": {"cardinality": {"field": "topic"}}}},
                "by": {"histogram": {"field": "number", "interval": 200}},
            }
        },
        "composite": {
            "size": 0,
            "aggs": {"c": {"composite": {"sources": [{"t": {"terms": {"field": "topic"}}}], "size": 5}}},
        },
        "post_filter": {"post_filter": NUMBERS},
        "highlight": {"highlight": {"fields": {"body": {}, "title": {"type": "plain"}}}},
        "suggest": {"suggest": {"s": {"text": "大仏", "term": {"field": "body"}}}},
        "rescore": {"rescore": {"window_size": 30, "query": {"rescore_query": WORD}}},
        "explain": {"explain": True},
        "profile": {"profile": True},
        "version": {"version": True, "seq_no_primary_term": True},
        "stored_fields": {"stored_fields": ["number"]},
        "no ids": {"stored_fields": "_none_", "_source": False},
        "fields": {"fields": ["number"], "docvalue_fields": ["topic"], "_source": False},
        "part of _source": {"_source": ["topic", "number"]},
        "excludes": {"_source": {"excludes": ["bo*", "vector"]}},
        "min_score": {"min_score": 3.0},
        "exact totals": {"track_total_hits": True},
        "no totals": {"track_total_hits": False},
        "terminate_after": {"terminate_after": 5, "track_total_hits": True},
        "timeout": {"timeout": "10s"},
        "indices_boost": {"indices_boost": [{"docs": 1.5}]},
        "named queries": {"query": {"bool": {"must": [MATCH], "should": [named]}}},
        "inner hits": {"query": {"bool": {"must": [MATCH], "should": [nested]}}},
    }


def _wrong() -> dict[str, Form]:
    too_large = {"query": MATCH, "from": 9_995, "size": 10}
    return {
        "an unknown query": Form({"query": {"no_such": {}}}),
        "an unknown key": Form({"query": MATCH, "no_such": 1}),
        "a page beyond max_result_window": Form(too_large),
        "no such index": Form({"query": MATCH}, index="no-such-index"),
        "a text for a number": Form({"query": {"match": {"number": "none"}}}),
    }


def _by_parameters() -> dict[str, Form]:
    body = {"query": MATCH}
    return {
        "dfs_query_then_fetch": Form(body, {"search_type": "dfs_query_then_fetch"}),
        "a slice of a scroll": Form({**body, "slice": {"id": 0, "max": 2}}, {"scroll": "1m"}),
        "typed_keys, preference, routing": Form(
            {**body, "aggs": {"n": {"max": {"field": "number"}}}},
            {"typed_keys": "true", "preference": "_local", "batched_reduce_size": "2"},
        ),
    }


def forms() -> dict[str, Form]:
    """All of them by their names: 75."""
    every = {name: Form({"query": query}) for name, query in _queries().items()}
    every |= {name: Form({"query": MATCH, **more}) for name, more in _options().items()}
    return every | _by_parameters() | _wrong()
