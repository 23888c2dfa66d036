"""What a run of quality measured, as its report has it: two runs with other values did other work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jrerank.evaluation.collection import Collection

_DIGEST_CHARS = 16


def quality_parameters(layout: str, lists: Collection, depth: int) -> dict[str, str]:
    """Digests of all that a measure is made of, so that files may lie elsewhere, but not say something else.

    First-stage scores are left out: an index gives slightly different ones from one day to the next.
    """
    ids = lists.measurable
    hits = ([(hit.id, hit.passage) for hit in lists.candidates(id, depth)] for id in ids)
    return {
        "layout": layout,
        "queries": str(len(ids)),
        "depth": str(depth),
        "query texts": _digest((id, lists.queries[id]) for id in ids),
        "labels": _digest((id, sorted(lists.labels[id].items())) for id in ids),
        "hit lists": _digest(zip(ids, hits, strict=True)),
    }


def _digest(rows: Iterable[tuple[str, object]]) -> str:
    """Of how many queries stands beside it: a run of more of them is the usual reason for another one."""
    digest, count = hashlib.sha256(), 0
    for count, row in enumerate(rows, start=1):  # noqa: B007  the last one is the count
        digest.update(json.dumps(row).encode() + b"\n")
    return f"{digest.hexdigest()[:_DIGEST_CHARS]} of {count} queries"
