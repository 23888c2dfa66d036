"""Requests to OpenSearch, in the words of the tests."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx

Json = dict[str, Any]


class Engine:
    """A node's REST interface."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def put(self, path: str, body: Json) -> Json:
        return _ok(self.http.put(path, json=body))

    def post(self, path: str, body: Json | None = None) -> Json:
        return _ok(self.http.post(path, json=body or {}))

    def bulk(self, index: str, documents: list[Json]) -> None:
        lines: list[Json] = []
        for document in documents:
            lines += [
                {"index": {"_id": document["id"]}},
                {key: value for key, value in document.items() if key != "id"},
            ]
        answer = _ok(self.http.post(f"{index}/_bulk?refresh=true", content=_lines(lines), headers=_NDJSON))
        assert not answer["errors"], answer

    def put_pipeline(
        self, name: str, window: int | None = 100, passage_fields: list[str] | None = None, **rerank: Any
    ) -> None:
        """`window` None: without `jrerank_window`."""
        pipeline: Json = {"response_processors": [{"jrerank": rerank}]}
        if window is None:
            rerank["passage_fields"] = passage_fields
        else:
            asked: Json = {"window": window, "passage_fields": passage_fields or []}
            if "timeout_ms" in rerank:
                asked["timeout_ms"] = rerank["timeout_ms"]
            if "query_text_path" in rerank:
                asked["query_text_path"] = rerank.pop("query_text_path")
            pipeline["request_processors"] = [{"jrerank_window": asked}]
        self.put(f"_search/pipeline/{name}", pipeline)

    def search(self, body: Json, index: str = "docs", **parameters: Any) -> Json:
        path = f"/{index}/_search" if index else "/_search"  # `other:docs` alone would be taken for a URL
        return _ok(self.http.post(path, json=body, params=parameters))

    def plain(self, body: Json, index: str = "docs", **parameters: Any) -> Json:
        """The same search without a pipeline."""
        return self.search(without_ext(body), index, search_pipeline="_none", **parameters)

    @contextlib.contextmanager
    def without_default_pipeline(self, index: str) -> Iterator[None]:
        setting = "index.search.default_pipeline"
        before = _ok(self.http.get(f"{index}/_settings/{setting}"))[index]["settings"]["index"]["search"]
        self.put(f"{index}/_settings", {setting: "_none"})
        yield
        self.put(f"{index}/_settings", {setting: before["default_pipeline"]})

    def msearch(self, bodies: list[Json], index: str = "docs", **parameters: Any) -> list[Json]:
        lines = [line for body in bodies for line in ({}, body)]
        path = f"{index}/_msearch"
        answers = _ok(self.http.post(path, content=_lines(lines), headers=_NDJSON, params=parameters))[
            "responses"
        ]
        return list(answers)

    def stats(self) -> Json:
        """Of the only node."""
        (stats,) = _ok(self.http.get("_plugins/_jrerank/stats"))["nodes"].values()
        return dict(stats)

    def await_closed_circuits(self) -> None:
        """Until the probes have found everybody well again, but for `nobody`."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            endpoints = self.stats()["endpoints"]
            states = [
                one["circuit"]
                for name, urls in endpoints.items()
                if name not in {"nobody", "untrusted"}
                for one in urls
            ]
            if set(states) == {"closed"}:
                return
            time.sleep(0.02)
        raise AssertionError("a circuit stays open")


_NDJSON = {"content-type": "application/x-ndjson"}


def _lines(values: list[Json]) -> bytes:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def _ok(response: httpx.Response) -> Json:
    assert response.status_code < 300, response.text
    answer: Json = response.json()
    return answer


def without_ext(body: Json) -> Json:
    return {key: value for key, value in body.items() if key != "ext"}


def ids(response: Json) -> list[str]:
    return [hit["_id"] for hit in response["hits"]["hits"]]


def scores(response: Json) -> list[float]:
    return [hit["_score"] for hit in response["hits"]["hits"]]


def marker(response: Json) -> Json:
    found: Json = response["ext"]["jrerank"]
    return found
