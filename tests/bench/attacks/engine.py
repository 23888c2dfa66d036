"""`python -m bench.attacks.engine`: a search engine in a process of its own. It prints its address; a query for HUGE gets much."""

from __future__ import annotations

import json
import sys
from typing import Any

from bench.attacks.attacks import HUGE, MEGABYTE
from recorded import Asked, recorded_server

HUGE_BYTES = 100 * MEGABYTE


def _hits(text: str) -> dict[str, Any]:
    return {
        "took": 1,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {
            "total": {"value": 1, "relation": "eq"},
            "max_score": 1.0,
            "hits": [{"_index": "docs", "_id": "1", "_score": 1.0, "_source": {"body": text}}],
        },
    }


_ENGINE = {"version": {"number": "3.8.0", "distribution": "opensearch"}}
_LARGE = json.dumps(_hits("a" * HUGE_BYTES))


def main() -> None:
    """Until there is no more input."""

    def answer(asked: Asked) -> tuple[int, Any]:
        server.asked.clear()  # nobody looks, and it would grow
        if not asked.path.endswith("/_search"):
            return 200, _ENGINE
        return (200, _LARGE) if HUGE in asked.content else (200, _hits("富士山"))

    with recorded_server(answer) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
