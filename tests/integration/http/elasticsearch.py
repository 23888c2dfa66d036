"""What Elasticsearch 9 says on the wire to the few requests that the search door makes, of five documents."""

from __future__ import annotations

from typing import Any

from recorded import Asked

API_KEY = "VnVhQ2ZHY0JDZGJrU"
QUERY = "奈良の大仏"
TEXTS = {
    "1": "札幌の雪まつりは毎年二月に開かれる。",
    "2": "東大寺の大仏は奈良時代に造られた。",
    "3": "大阪城は豊臣秀吉が築いた。",
    "4": "奈良公園には鹿がいる。",
    "5": "名古屋の味噌カツは濃い味だ。",
}
Json = dict[str, Any]


def answer(asked: Asked) -> tuple[int, Any]:
    if asked.headers.get("authorization") != f"ApiKey {API_KEY}":
        return 401, error(401, "security_exception", "missing authentication credentials")
    if asked.path == "/_msearch":
        lines = asked.lines()
        return 200, {"took": 5, "responses": [one(body) for body in lines[1::2]]}
    if asked.path == "/docs/_search":
        response = one(asked.json())
        return response.get("status", 200), response
    if asked.path == "/docs/_mget":
        return 200, {"docs": [got(one) for one in asked.json()["ids"]]}
    return 200, {}


def one(body: Json) -> Json:
    """A search's response: all documents match, in the order of their ids."""
    if "bogus" in body:
        return error(400, "parsing_exception", "unknown key [bogus] for a START_OBJECT")
    start, size = body.get("from", 0), body.get("size", 10)
    hits = [hit(number, body.get("_source", True)) for number in TEXTS][start : start + size]
    return {
        "took": 3,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": {"value": 5, "relation": "eq"}, "max_score": 5.0, "hits": hits},
        "aggregations": {
            "topics": {"doc_count_error_upper_bound": 0, "sum_other_doc_count": 0, "buckets": []}
        },
        "status": 200,
    }


def hit(number: str, source: object) -> Json:
    whole = {"body": TEXTS[number], "number": int(number)}
    includes = (
        source.get("includes") if isinstance(source, dict) else source if isinstance(source, list) else None
    )
    shown = {key: value for key, value in whole.items() if not includes or key in includes}
    found: Json = {"_index": "docs", "_id": number, "_score": 6.0 - int(number)}
    return found if source is False else found | {"_source": shown}


def got(number: str) -> Json:
    source = {"found": True, "_source": {"body": TEXTS[number]}} if number in TEXTS else {"found": False}
    return {"_index": "docs", "_id": number, "_version": 1, "_seq_no": 0, "_primary_term": 1, **source}


def error(status: int, kind: str, reason: str) -> Json:
    cause = {"type": kind, "reason": reason}
    return {"error": {"root_cause": [cause], **cause}, "status": status}
