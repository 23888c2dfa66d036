"""Why a search is left as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jrerank.doors.search.window import Page

DISABLED = "disabled"
SIZE_ZERO = "size_zero"
SEARCH_AFTER = "search_after"
SORT = "sort"
NO_QUERY_TEXT = "no_query_text"
BEYOND_WINDOW = "beyond_window"
NO_HITS = "no_hits"
NO_PASSAGES = "no_passages"
PASSAGES_FILTERED = "passages_filtered"
DEADLINE = "deadline"
WINDOW_REFUSED = "window_refused"


def reason(body: Mapping[str, Any], page: Page, enabled: bool, text: str | None, window: float) -> str | None:
    """The first that holds; None where the search is to be reranked."""
    holds = {
        DISABLED: not enabled,
        SIZE_ZERO: page.size == 0,
        SEARCH_AFTER: body.get("search_after") is not None,
        SORT: not _is_by_score(body.get("sort")),
        NO_QUERY_TEXT: text is None,
        BEYOND_WINDOW: page.start >= window,
    }
    return next((name for name, is_so in holds.items() if is_so), None)


def _is_by_score(sort: object) -> bool:
    """A lone `_score` is the order of a search without a sort."""
    sorts = sort if isinstance(sort, list) else [] if sort is None else [sort]
    return not sorts or (len(sorts) == 1 and _is_score(sorts[0]))


def _is_score(sort: object) -> bool:
    if not isinstance(sort, dict):
        return sort == "_score"
    order = sort.get("_score")
    said = order.get("order", "desc") if isinstance(order, dict) else order
    return list(sort) == ["_score"] and str(said).lower() == "desc"
