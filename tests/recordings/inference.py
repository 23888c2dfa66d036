"""Elasticsearch's inference endpoints and its reranking retriever, as far as their shapes are known.

The real plugin is not to be had from the package registries. What an endpoint infers is real: it sends what the service is known to
send to whatever sidecar its URL names, and reads the answer as the service is known to read it.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

from recordings.server import Answer, Asked, Json, RecordedServer, engine_error


class InferenceServer(RecordedServer):
    """A cluster with an index `passages`."""

    def __init__(self, licence: str = "trial", **options: Any) -> None:
        super().__init__(**options)
        self.licence = licence
        self.endpoints: dict[str, Json] = {}
        self.passages: dict[str, Json] = {}
        self.routes = [
            ("GET /", lambda asked: {"version": {"number": "9.1.0"}}),
            ("GET /_license", lambda asked: {"license": {"type": self.licence}}),
            ("GET /_inference/rerank/([^/]+)", self._get),
            ("PUT /_inference/rerank/([^/]+)", self._put),
            ("DELETE /_inference/rerank/([^/]+)", self._delete),
            ("POST /_inference/rerank/([^/]+)", self._infer),
            ("POST /(passages)/_search", self._search),
        ]

    def _there(self, name: str) -> Json:
        if name not in self.endpoints:
            raise engine_error(404, f"Inference endpoint not found [{name}]")
        return self.endpoints[name]

    def _get(self, asked: Asked) -> Json:
        endpoint = self._there(asked.match[0])
        secrets = {"api_key", "secret_parameters"}
        shown = {key: value for key, value in endpoint["service_settings"].items() if key not in secrets}
        shown |= {"rate_limit": {"requests_per_minute": 3000}}
        return {
            "endpoints": [
                {"inference_id": asked.match[0], "task_type": "rerank", **endpoint, "service_settings": shown}
            ]
        }

    def _put(self, asked: Asked) -> Json:
        if asked.match[0] in self.endpoints:
            raise engine_error(400, f"Inference endpoint [{asked.match[0]}] already exists")
        if asked.body["service"] == "hugging_face" and not asked.body["service_settings"].get("api_key"):
            raise engine_error(400, "[secret_settings] does not contain the required setting [api_key]")
        self.endpoints[asked.match[0]] = asked.body
        return asked.body

    def _delete(self, asked: Asked) -> Json:
        self._there(asked.match[0])
        del self.endpoints[asked.match[0]]
        return {"acknowledged": True}

    def _infer(self, asked: Asked) -> Json:
        return {"rerank": self.ranked(asked.match[0], asked.body["query"], asked.body["input"])}

    def ranked(self, name: str, query: str, documents: list[str]) -> list[Json]:
        """What the service makes of the sidecar's answer."""
        endpoint = self._there(name)
        settings = endpoint["service_settings"]
        ranked = (_hugging_face if endpoint["service"] == "hugging_face" else _custom)(
            settings, query, documents
        )
        if len(ranked) != len(documents):
            raise engine_error(500, "the count of scores is not the count of documents")
        return ranked

    def _search(self, asked: Asked) -> Json:
        size = asked.body.get("size", 10)
        hits = [
            {"_id": key, "_score": 9.0 - place, "_source": content}
            for place, (key, content) in enumerate(self.passages.items())
        ]
        if "retriever" in asked.body:
            hits = self._reranked(hits, asked.body["retriever"]["text_similarity_reranker"])
        return {"hits": {"hits": hits[:size]}}

    def _reranked(self, hits: list[Json], retriever: Json) -> list[Json]:
        window = hits[: retriever["rank_window_size"]]
        texts = [hit["_source"][retriever["field"]] for hit in window]
        try:
            ranked = self.ranked(retriever["inference_id"], retriever["inference_text"], texts)
        except Answer:
            if retriever["allow_rerank_failures"]:
                return hits
            raise
        scored = [window[one["index"]] | {"_score": one["relevance_score"]} for one in ranked]
        return sorted(scored, key=lambda hit: -hit["_score"])


def _hugging_face(settings: Json, query: str, documents: list[str]) -> list[Json]:
    headers = {"Authorization": f"Bearer {settings['api_key']}", "Content-Type": "application/json"}
    results = json.loads(_post(settings["url"], headers, json.dumps({"texts": documents, "query": query})))
    return [{"index": one["index"], "relevance_score": float(one["score"])} for one in results]


def _custom(settings: Json, query: str, documents: list[str]) -> list[Json]:
    """Its templates are filled with JSON, unquoted; a place without a value is an error."""
    places = {"query": json.dumps(query), "input": json.dumps(documents)} | settings.get(
        "secret_parameters", {}
    )

    def fill(text: str) -> str:
        return re.sub(r"\$\{([^}]+)\}", lambda place: str(places[place[1]]), text)

    headers = {name: fill(value) for name, value in settings["headers"].items()}
    answer = json.loads(_post(settings["url"], headers, fill(settings["request"])))
    parser = settings["response"]["json_parser"]
    indexes, scores = (_path(answer, parser[name]) for name in ("reranked_index", "relevance_score"))
    return [{"index": index, "relevance_score": score} for index, score in zip(indexes, scores, strict=True)]


def _path(answer: Any, path: str) -> list[Any]:
    """`$.list[*].key`, which is all that the bodies use."""
    found = re.fullmatch(r"\$\.(\w+)\[\*\]\.(\w+)", path)
    assert found, path
    return [one[found[2]] for one in answer[found[1]]]


def _post(url: str, headers: dict[str, str], payload: str) -> str:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, payload.encode(), headers), timeout=30
        ) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise engine_error(error.code, f"Received an unsuccessful status code [{error.code}]") from None
    except OSError as error:
        raise engine_error(500, f"Failed to send request: {error}") from None
