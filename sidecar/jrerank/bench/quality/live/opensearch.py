"""OpenSearch, Elasticsearch, and the sidecar's search door, which answers in their shape."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jrerank.bench.quality.live.source import COMPLETE, SearchAnswer
from jrerank.bench.quality.live.template import BodyTemplate
from jrerank.domain import Candidate
from jrerank.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class TemplateSearch:
    """`path` is `/INDEX/_search`, or `/v1/search/STORE` of a sidecar; `parameters` go into the URL, such as `search_pipeline`."""

    client: httpx.Client
    path: str
    template: BodyTemplate
    text_fields: Sequence[str]
    parameters: Mapping[str, str]

    def __call__(self, query: str, size: int) -> SearchAnswer:
        """The hits with the lines of their text fields, and the marker of the plugin or the search door.

        Raises:
            Unavailable: the engine refused, or did not answer.
            InvalidInput: a hit has no text.
        """
        import httpx  # noqa: PLC0415  an extra

        started = time.perf_counter()
        try:
            answer = self.client.post(
                self.path, json=self.template.fill(query, size), params=dict(self.parameters)
            )
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{self.client.base_url} did not answer: {type(error).__name__}: {error}"
            ) from None
        seconds = time.perf_counter() - started
        if answer.is_error:
            raise Unavailable(f"{self.path} answered {answer.status_code}: {answer.text[:300]}")
        try:
            content = answer.json()
            hits, outcome = content["hits"]["hits"], _outcome(content)
        except (ValueError, KeyError, TypeError):
            raise Unavailable(f"{self.path} did not answer as a search does: {answer.text[:200]}") from None
        return SearchAnswer(tuple(self._candidate(hit) for hit in hits), seconds, outcome)

    def _candidate(self, hit: Mapping[str, Any]) -> Candidate:
        source = hit.get("_source") or {}
        lines = [str(source[field]) for field in self.text_fields if source.get(field)]
        if not lines:
            raise InvalidInput(
                f"hit {hit['_id']!r} has none of the text fields {', '.join(self.text_fields)} in its _source",
                field="text-field",
            )
        return Candidate(str(hit["_id"]), "\n".join(lines), hit.get("_score"))


def _outcome(content: Mapping[str, Any]) -> str:
    """A search that nothing of ours has touched has no marker."""
    marker = (content.get("ext") or {}).get("jrerank") or {}
    return str(marker.get("outcome") or COMPLETE)
