"""A search engine in memory: every document matches, in the order they stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jrerank.stores.opaque_id import asked_for
from jrerank.stores.search import EngineReply, IndexLimits, Json


class Shelf:
    """`replies` are given before anything is searched; an error among them is raised."""

    indexes = ("docs", "faq")
    text_fields = ("body",)
    product = "opensearch"

    def __init__(self, texts: Sequence[str], *replies: EngineReply | Exception, widest: int = 10_000) -> None:
        self._texts = texts
        self._widest = widest
        self._replies = list(replies)
        self.asked: list[Any] = []
        self.forgotten: list[str] = []
        self.names: list[Mapping[str, str]] = []

    async def search(self, index: str, body: Json, parameters: Mapping[str, str]) -> EngineReply:
        self.asked.append((index, body, dict(parameters)))
        return self._next() or EngineReply(200, self._response(body))

    async def msearch(
        self, searches: Sequence[tuple[Json, Json]], parameters: Mapping[str, str]
    ) -> EngineReply:
        self.asked.append((searches, dict(parameters)))
        responses = [self._response(body) for _, body in searches]
        return self._next() or EngineReply(200, {"took": 1, "responses": responses})

    async def ask(
        self, method: str, path: Sequence[str], body: Json | None, parameters: Mapping[str, str]
    ) -> EngineReply:
        self.asked.append((method, tuple(path), body, dict(parameters)))
        return self._next() or EngineReply(200, {"_shards": {"total": 1}})

    async def limits(self, index: str, timeout_s: float) -> IndexLimits:
        return IndexLimits()

    def forget_limits(self, index: str) -> None:
        self.forgotten.append(index)

    def _next(self) -> EngineReply | None:
        self.names.append(asked_for())
        reply = self._replies.pop(0) if self._replies else None
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _response(self, body: Json) -> Json:
        if "bogus" in body or body.get("size", 10) > self._widest:
            return {"error": {"type": "parsing_exception"}, "status": 400}
        hits = [
            {"_id": f"{place}", "_score": 100.0 - place, "_source": {"body": text}}
            for place, text in enumerate(self._texts)
        ]
        start = body.get("from", 0)
        page = hits[start : start + body.get("size", 10)]
        return {
            "took": 1,
            "hits": {"total": {"value": len(hits), "relation": "eq"}, "max_score": 100.0, "hits": page},
        }
