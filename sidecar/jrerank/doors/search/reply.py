"""An engine's response with its hits in another order, the caller's page of them, and a marker; the rest is as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jrerank.doors.search.merge import Answer, Ranked, merged
from jrerank.doors.search.plan import Plan, hits_of

Json = dict[str, Any]
HIT_FIELD = "_jrerank"


@dataclass(frozen=True, slots=True)
class Marker:
    """What became of a search, for its caller to read."""

    outcome: str
    reason: str | None
    took_ms: int
    reranked: int
    model: str | None
    second_read: int | None = None

    @classmethod
    def of(cls, answer: Answer, took_ms: int) -> Marker:
        """What an answer says."""
        return cls(answer.outcome, answer.reason, took_ms, answer.reranked, answer.model, answer.second_read)

    def as_json(self) -> Json:
        """As it stands in `ext.jrerank`."""
        second = {} if self.second_read is None else {"second_read": self.second_read}
        return {
            "outcome": self.outcome,
            "reason": self.reason,
            "took_ms": self.took_ms,
            "reranked": self.reranked,
            "model": self.model,
            **second,
        }


def reply(response: Json, plan: Plan, answer: Answer, took_ms: int) -> Json:
    """The response as the caller gets it."""
    first = hits_of(response)
    scores = [hit.get("_score") for hit in first]
    whole = merged(answer, scores, plan.options.unread, plan.options.min_score)
    page = plan.page.of(whole) if plan.is_widened else whole
    marker = Marker.of(answer, took_ms).as_json()
    return {
        **response,
        "hits": _hits(
            response.get("hits", {}), answer, whole, [_dressed(first, one, plan, marker) for one in page]
        ),
        "ext": {**response.get("ext", {}), "jrerank": marker},
    }


def _hits(old: Json, answer: Answer, whole: Sequence[Ranked], page: list[Json]) -> Json:
    max_score = {"max_score": whole[0].score if whole else None} if answer.reranked else {}
    return {**old, **max_score, "hits": page}


def _dressed(first: Sequence[Json], ranked: Ranked, plan: Plan, marker: Json) -> Json:
    hit = {**first[ranked.index], "_score": ranked.score}
    if plan.shown is not None:
        source = hit.pop("_source", None)
        if plan.shown.fetches and source is not None:
            hit["_source"] = plan.shown.apply(source)
    if plan.options.hit_details:
        skipped = 0 if plan.is_widened else plan.page.start
        details = {
            **marker,
            "query": plan.text or None,
            "scored": ranked.is_scored,
            "first_score": first[ranked.index].get("_score"),
            "first_rank": ranked.index + 1 + skipped,
            **_best_passage(first, ranked, plan),
        }
        hit["fields"] = {**hit.get("fields", {}), HIT_FIELD: [details]}
    return hit


def _best_passage(first: Sequence[Json], ranked: Ranked, plan: Plan) -> Json:
    """What the hit was scored by, where that is not all of its fields."""
    if plan.options.passage_from == "fields" or not ranked.is_scored:
        return {}
    passages = plan.passages(first[ranked.index], min(len(first), plan.options.window))
    return {"best_passage": passages[ranked.best] if ranked.best < len(passages) else None}
