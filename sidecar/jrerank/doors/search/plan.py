"""What is asked of the engine so that a search can be reranked, and what its caller had asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from jrerank.domain import Candidate
from jrerank.doors.search import passthrough
from jrerank.doors.search.fields import Fields
from jrerank.doors.search.options import RerankSection, SearchBody
from jrerank.doors.search.passages import Highlighting, passages_of
from jrerank.doors.search.query_text import query_text
from jrerank.doors.search.source_filter import SourceFilter
from jrerank.doors.search.window import Page
from jrerank.stores.passage import ValueBounds
from jrerank.stores.search import IndexLimits

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """One search on its way.

    `reason` says why it is passed through, or is None. `body` is for the engine, `asked` the caller's. `is_widened` says
    that the caller's page is still to be cut, `shown` what of a document the caller is to see where more is fetched.
    """

    reason: str | None
    options: RerankSection
    text: str
    fields: tuple[str, ...]
    page: Page
    asked: Json
    body: Json
    is_widened: bool = False
    shown: SourceFilter | None = None
    highlighting: Highlighting | None = None

    def as_asked(self) -> Plan:
        """The caller's own search, for an engine that refuses the wider one."""
        return replace(self, reason=passthrough.WINDOW_REFUSED, body=self.asked, is_widened=False, shown=None)

    def candidates(self, response: Json) -> list[Candidate]:
        """The hits in the window, with their texts as far as they are to be read here."""
        hits = hits_of(response)[: self.options.window]
        return [self._candidate(hit, len(hits)) for hit in hits]

    def passages(self, hit: Json, hits: int) -> tuple[str, ...]:
        """What of one of so many hits is read here; the best of them counts."""
        bounds = ValueBounds.of_each(hits, self.options.max_tokens_per_doc)
        return passages_of(hit, self.fields, self.options.passage_from, self.highlighting, bounds)

    def reason_in(self, candidates: list[Candidate]) -> str | None:
        """Why these cannot be reranked; None where they can."""
        if not candidates:
            return passthrough.NO_HITS
        has_text = any(candidate.passage is not None for candidate in candidates)
        return None if has_text or self.options.store is not None else passthrough.NO_PASSAGES

    def _candidate(self, hit: Json, hits: int) -> Candidate:
        passages = self.passages(hit, hits)
        first = passages[0] if passages else None
        return Candidate(str(hit.get("_id")), first, hit.get("_score"), passages[1:])


def is_well_formed(response: Json) -> bool:
    """Whether an engine's hits are what engines send; others are handed on as they came."""
    around = response.get("hits", {})
    hits = around.get("hits", []) if isinstance(around, dict) else None
    return isinstance(hits, list) and isinstance(response.get("ext", {}), dict) and all(map(_is_hit, hits))


def _is_hit(hit: Any) -> bool:
    if not isinstance(hit, dict) or not isinstance(hit.get("fields", {}), dict):
        return False
    score = hit.get("_score")
    return score is None or (isinstance(score, (int, float)) and math.isfinite(score))


def hits_of(response: Json) -> list[Json]:
    """The hits of an engine's response."""
    hits: list[Json] = response.get("hits", {}).get("hits", [])
    return hits


def make_plan(
    search: SearchBody, text_fields: tuple[str, ...], limits: IndexLimits, *, as_fetched: bool = False
) -> Plan:
    """Widen a search to its window and to its passage fields.

    Args:
        text_fields: of the store, for a search that names none.
        limits: of the searched indexes.
        as_fetched: the page is reranked within itself, since a wider search would not do: a scroll's later pages
            are this search continued, and a retriever may refuse a larger size. So is a page whose hits are searches each.
    """
    body, options = search.for_engine(), search.options()
    as_fetched = as_fetched or _is_search_per_hit(body)
    fields, shown = options.fields(text_fields), SourceFilter.shown(body)
    kinds = Fields(fields or text_fields, limits.field_types)
    text, page = (
        query_text(body, options.query, options.query_text_path, kinds),
        Page(search.from_, search.size),
    )
    window = math.inf if as_fetched else options.window
    reason, is_open = passthrough.reason(body, page, options.enabled, text, window), True
    if reason is None:
        shown.check()
        is_open = shown.leaves_in(fields)
    if not is_open:
        reason = passthrough.PASSAGES_FILTERED if as_fetched else _cannot_open(body, limits)
    if reason is not None or as_fetched:
        return Plan(
            reason, options, text or "", fields, page, body, body, highlighting=_highlighting(body, options)
        )
    wide = page.widened(options.window, limits.max_result_window)
    widened = {**body, "from": wide.start, "size": wide.size}
    if not is_open:
        widened["_source"] = shown.opened(fields).as_json()
    filtered, marks = None if is_open else shown, _highlighting(body, options)
    return Plan(None, options, text or "", fields, page, body, widened, True, filtered, marks)


def _is_search_per_hit(body: Json) -> bool:
    """For each collapsed hit with inner hits an engine makes another search: of a window they would be 100, for a page of 10."""
    collapse = body.get("collapse")
    return isinstance(collapse, dict) and bool(collapse.get("inner_hits"))


def _highlighting(body: Json, options: RerankSection) -> Highlighting | None:
    is_read = options.passage_from == "highlight"
    return Highlighting.of(body.get("highlight")) if is_read else None


def _cannot_open(body: Json, limits: IndexLimits) -> str | None:
    has_no_ids = body.get("stored_fields") in ("_none_", ["_none_"])
    return passthrough.NO_PASSAGES if has_no_ids or not limits.keeps_source else None
