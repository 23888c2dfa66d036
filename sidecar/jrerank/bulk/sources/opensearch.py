"""Rows of an index of OpenSearch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jrerank.bulk.sources.keys import check_done, check_keys, not_unique
from jrerank.bulk.sources.source import NOTHING_DONE, Done, SourceRow
from jrerank.errors import InvalidInput, JrerankError, Refused

Json = dict[str, Any]
# Method, path, body: the answer
Ask = Callable[[str, str, Json | None], Json]
_ORDERED_TYPES = {"keyword", "long", "integer", "short", "byte", "unsigned_long"}
# A row may have hundreds of passages
_ROWS_AT_ONCE = 16
# Longer than it takes to score one page
_KEEP_ALIVE = "1h"
_NO_PIPELINE = "search_pipeline=_none"


class OpenSearchSource:
    """Documents in the order of a key, page by page behind the last one, from a point in time.

    A document's `_source` is a JSONL row, its key is the row's id.
    """

    def __init__(self, ask: Ask, index: str, key: str = "id", where: Json | None = None) -> None:
        """Look at the index, and count its documents, or those that the query `where` finds.

        Raises:
            InvalidInput: there are no such documents, or their keys give no order to go on in.
            Unavailable, Refused: as `ask` does.
        """
        self._ask, self._index, self._key = ask, index, key
        self._where = where or {"match_all": {}}
        what = [self._cluster(), index, key, self._where]
        self.fingerprint = hashlib.sha256(json.dumps(what).encode()).hexdigest()
        self._check_type()
        self.size = self.rows_now = self._count()
        check_keys(key, self.size, self.size - self._count({"exists": {"field": key}}))

    def rows(self, done: Done = NOTHING_DONE) -> Iterator[SourceRow]:
        """See `Source.rows`."""
        if done.last_id is not None:
            up_to = self._count({"range": {self._key: {"lte": done.last_id}}})
            check_done(done, up_to, self._count({"term": {self._key: done.last_id}}))
        with self._point_in_time() as point_in_time:
            number, after = done.rows, done.last_id
            total = self._search(point_in_time, {"size": 0, "track_total_hits": True})["total"]["value"]
            while hits := self._page(point_in_time, after):
                for hit in hits:
                    key = str(hit["sort"][0])
                    if key == after:
                        raise not_unique(self._key, f"two documents have {key}")
                    number, after = number + 1, key
                    place = f"the document of {self._index} with the key {key}"
                    yield SourceRow(number, _content(hit, place), number, place, key)
        if number < total:
            # Of documents with one key that stand on both sides of a page's end, only the first are found
            raise not_unique(self._key, f"{total} documents have {number} keys")

    def _page(self, point_in_time: str, after: str | None) -> list[Json]:
        body: Json = {"sort": [{self._key: "asc"}], "size": _ROWS_AT_ONCE, "track_total_hits": False}
        if after is not None:
            body["search_after"] = [after]
        return list(self._search(point_in_time, body)["hits"])

    def _search(self, point_in_time: str, body: Json) -> Json:
        pit = {"id": point_in_time, "keep_alive": _KEEP_ALIVE}
        answer = self._ask("POST", f"/_search?{_NO_PIPELINE}", {"pit": pit, "query": self._where} | body)
        if failed := answer["_shards"]["failed"]:
            raise InvalidInput(
                f"{failed} shards of {self._index} failed: no row is to be lost", field="input"
            )
        return dict(answer["hits"])

    def _count(self, also: Json | None = None) -> int:
        query = {"bool": {"filter": [self._where, *([also] if also else [])]}}
        return int(self._ask("POST", f"/{self._index}/_count", {"query": query})["count"])

    def _cluster(self) -> str | None:
        """Which cluster it is, under whatever address; None where the account may not know."""
        try:
            return str(self._ask("GET", "/", None)["cluster_uuid"])
        except (Refused, KeyError):
            return None

    def _check_type(self) -> None:
        answer = self._ask("GET", f"/{self._index}/_field_caps?fields={self._key}", None)
        types = set(answer["fields"].get(self._key, {}))
        if not types or not types <= _ORDERED_TYPES:
            what = f"is {', '.join(sorted(types))}" if types else "is no field"
            raise InvalidInput(
                f"--key {self._key} {what} in {self._index}: name a keyword or an integer that tells all documents apart",
                field="key",
            )

    @contextmanager
    def _point_in_time(self) -> Iterator[str]:
        path = "/_search/point_in_time"
        opened = self._ask("POST", f"/{self._index}{path}?keep_alive={_KEEP_ALIVE}", None)
        try:
            yield opened["pit_id"]
        finally:
            with suppress(JrerankError):  # else it ends by itself, and all rows are there
                self._ask("DELETE", path, {"pit_id": [opened["pit_id"]]})


def _content(hit: Json, place: str) -> bytes:
    if "_source" not in hit:
        raise InvalidInput(
            f"{place} comes without _source, which holds its query and passages: the index doesn't store it",
            field="input",
        )
    return json.dumps(hit["_source"], ensure_ascii=False).encode("utf-8", "replace")
