"""Passages by id, and searches, on OpenSearch and Elasticsearch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pydantic_core

from jrerank.errors import StoreError
from jrerank.stores.opensearch.connection import Connection
from jrerank.stores.opensearch.documents import Documents, index_path, refuse_errors
from jrerank.stores.opensearch.limits import KnownLimits, LimitsAnswer
from jrerank.stores.opensearch.mappings import field_types
from jrerank.stores.opensearch.settings import OpenSearchSettings
from jrerank.stores.passage import passage_text
from jrerank.stores.search import DEFAULT_MAX_RESULT_WINDOW, EngineReply, IndexLimits, Json

_CHECK_TIMEOUT_S = 5.0
_LIMITS_TIMEOUT_S = 2.0
# The engine is asked again after so long, and sooner where it was not there or knew no such index, which it says at once
_LIMITS_AGE_S, _ASSUMED_AGE_S = 30.0, 2.0
_FORBIDDEN = 403


class OpenSearchStore:
    """One cluster's indexes, as a `PassageStore` and as a `SearchEngine`."""

    def __init__(self, name: str, settings: OpenSearchSettings) -> None:
        self._settings = settings
        self._connection = Connection(name, settings)
        self._documents = Documents(self._connection, settings.index)
        self._limits = KnownLimits(self._ask_limits)

    @property
    def returns_text(self) -> bool:
        """Whether documents may go to callers."""
        return self._settings.returns_text

    @property
    def indexes(self) -> tuple[str, ...]:
        """The names that may be searched."""
        return self._settings.index

    @property
    def product(self) -> str:
        """The store's kind."""
        return self._settings.kind

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields of a document that are its passage."""
        return self._settings.text_fields

    async def fetch(self, ids: Sequence[str], timeout_s: float) -> Mapping[str, str]:
        """The passages of `ids`; where several indexes have one, the first of them counts.

        An index that cannot be read costs its own passages only, unless there is no other.

        Raises:
            StoreError: the engine cannot be reached, or refuses.
            TimeoutError: it did not answer within `timeout_s`.
        """
        found: dict[str, str] = {}
        documents = await self._documents.find(ids, self.text_fields, timeout_s)
        if all("error" in document for document in documents):
            refuse_errors(documents)
        for document in documents:
            text = passage_text(document.get("_source") or {}, self.text_fields)
            if text is not None:
                found.setdefault(document["_id"], text)
        return found

    async def check(self) -> None:
        """Look for a document in every index, as `fetch` does.

        Raises:
            StoreError: the engine cannot be reached, or an index is not there or not to be read.
        """
        try:
            refuse_errors(await self._documents.find(["jrerank-check"], (), _CHECK_TIMEOUT_S))
        except TimeoutError:
            raise StoreError(f"no answer within {_CHECK_TIMEOUT_S:g} s") from None

    async def close(self) -> None:
        """Give back the connections."""
        await self._limits.close()
        await self._connection.close()

    async def search(self, index: str, body: Json, parameters: Mapping[str, str]) -> EngineReply:
        """Run one search; see `SearchEngine.search`."""
        path = f"/{index_path(index)}/_search" if index else "/_search"
        return await self._asked("POST", path, body, parameters)

    async def msearch(
        self, searches: Sequence[tuple[Json, Json]], parameters: Mapping[str, str]
    ) -> EngineReply:
        """Run several searches; see `SearchEngine.msearch`."""
        lines = b"".join(pydantic_core.to_json(part) + b"\n" for search in searches for part in search)
        return await self._asked("POST", "/_msearch", lines, parameters)

    async def ask(
        self, method: str, path: Sequence[str], body: Json | None, parameters: Mapping[str, str]
    ) -> EngineReply:
        """Make a request of another kind; see `SearchEngine.ask`."""
        return await self._asked(method, "/" + "/".join(map(index_path, path)), body, parameters)

    async def limits(self, index: str, timeout_s: float) -> IndexLimits:
        """What the indexes can give, asked now and then: it changes rarely."""
        return await self._limits.of(index, timeout_s)

    def forget_limits(self, index: str) -> None:
        """Ask anew next time, as when an index has been made anew."""
        self._limits.forget(index)

    async def _asked(
        self, method: str, path: str, body: Json | bytes | None, parameters: Mapping[str, str]
    ) -> EngineReply:
        timeout_ms = self._settings.search_timeout_ms
        try:
            return await self._connection.request(method, path, body, parameters, timeout_ms / 1000)
        except TimeoutError:
            raise StoreError(f"the engine did not answer within {timeout_ms} ms") from None

    async def _ask_limits(self, index: str) -> LimitsAnswer:
        parameters = {
            "filter_path": "*.settings.index.max_result_window,*.mappings._source.enabled,*.mappings.properties",
            "ignore_unavailable": "true",
        }
        try:
            reply = await self._connection.request(
                "GET", f"/{index_path(index)}", None, parameters, _LIMITS_TIMEOUT_S
            )
        except TimeoutError:  # and searches would wait as long the next time
            return LimitsAnswer(None, _LIMITS_AGE_S)
        except StoreError:  # the search itself will tell
            return LimitsAnswer(None, _ASSUMED_AGE_S)
        if reply.status == _FORBIDDEN:  # which an account that may only search will be the next time, too
            return LimitsAnswer(None, _LIMITS_AGE_S)
        if reply.status != 200 or not isinstance(reply.body, dict):
            return LimitsAnswer(None, _ASSUMED_AGE_S)
        return LimitsAnswer(_limits_of(list(reply.body.values())), _LIMITS_AGE_S)


def _limits_of(indexes: Sequence[Any]) -> IndexLimits:
    """Of answers such as `{"settings": {"index": {"max_result_window": "20"}}, "mappings": {"_source": {"enabled": false}}}`."""
    windows = [_at(index, "settings", "index", "max_result_window") for index in indexes]
    kept = [_at(index, "mappings", "_source", "enabled") for index in indexes]
    return IndexLimits(
        min(
            (int(window) for window in windows if str(window).isdecimal()), default=DEFAULT_MAX_RESULT_WINDOW
        ),
        all(str(enabled).lower() != "false" for enabled in kept),
        field_types([_at(index, "mappings", "properties") for index in indexes]),
    )


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
