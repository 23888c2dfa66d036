"""Documents by id: of indexes by a multi-get, of aliases over several indexes and of data streams by a search for the ids."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from jrerank.errors import StoreError
from jrerank.stores.opensearch.connection import Connection
from jrerank.stores.search import engine_words

Json = dict[str, Any]


class Documents:
    """Of all indexes of a store. What kind of name an index has is learnt from the engine's first answer, and kept."""

    def __init__(self, connection: Connection, indexes: Sequence[str]) -> None:
        self._connection = connection
        self._indexes = indexes
        self._searched: frozenset[str] = frozenset()

    async def find(self, ids: Sequence[str], fields: Sequence[str], timeout_s: float) -> list[Json]:
        """A document or an error for each id and index, in the order of the indexes; of a searched one those that are there.

        Raises:
            StoreError: the engine cannot be reached, or refuses.
            TimeoutError: it did not answer within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        found: dict[str, list[Json]] = {index: [] for index in self._indexes}
        direct = [index for index in self._indexes if index not in self._searched]
        for document in await self._get(direct, ids, fields, timeout_s) if direct else ():
            found.setdefault(document["_index"], []).append(document)
        for index in [*self._searched, *(one for one in direct if _is_refused(found[one]))]:
            documents = await self._search(index, ids, fields, deadline - time.monotonic())
            if all("error" not in document for document in documents):
                self._searched |= {index}
            if index in self._searched:
                found[index] = documents
        return [document for documents in found.values() for document in documents]

    async def _get(
        self, indexes: Sequence[str], ids: Sequence[str], fields: Sequence[str], timeout_s: float
    ) -> list[Json]:
        parameters = {"_source_includes": ",".join(fields)} if fields else {"_source": "false"}
        path, body = _multi_get(indexes, ids)
        reply = await self._connection.request("POST", path, body, parameters, timeout_s)
        documents = reply.body.get("docs") if isinstance(reply.body, dict) else None
        if reply.status != 200 or not isinstance(documents, list):
            raise StoreError(f"the engine refuses: {engine_words(reply.body) or f'status {reply.status}'}")
        return documents

    async def _search(
        self, index: str, ids: Sequence[str], fields: Sequence[str], timeout_s: float
    ) -> list[Json]:
        """Those that are there; or an error in place of all, so that other indexes' documents are not lost."""
        body = {
            "query": {"ids": {"values": list(ids)}},
            "size": len(ids),
            "_source": list(fields) if fields else False,
        }
        path = f"/{index_path(index)}/_search"
        try:
            reply = await self._connection.request("POST", path, body, {}, max(0.001, timeout_s))
        except StoreError as error:
            return [{"_index": index, "error": str(error)}]
        if reply.status != 200 or not isinstance(reply.body, dict):
            return [{"_index": index, "error": engine_words(reply.body) or f"status {reply.status}"}]
        hits: list[Json] = reply.body.get("hits", {}).get("hits", [])
        return hits


def refuse_errors(documents: Sequence[Json]) -> None:
    """Raise what the first document in error says."""
    for document in documents:
        if "error" in document:
            raise StoreError(f"index {document['_index']}: {engine_words(document)}")


def index_path(index: str) -> str:
    """As a part of a path."""
    return quote(index, safe=",")


def _multi_get(indexes: Sequence[str], ids: Sequence[str]) -> tuple[str, Json]:
    if len(indexes) == 1:  # in the path, since clusters can be told to take no index from a body
        return f"/{index_path(indexes[0])}/_mget", {"ids": list(ids)}
    return "/_mget", {"docs": [{"_index": index, "_id": one} for index in indexes for one in ids]}


def _is_refused(documents: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no document could be looked for, as by the name of several indexes, which a multi-get does not take."""
    return bool(documents) and all("error" in document for document in documents)
