"""A search engine that is well, slow, broken and silent by turns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from recorded import Asked, RecordedServer, recorded_server

MOOD_S = 5.0
MOODS = ("well", "slow", "broken", "silent")


@contextmanager
def flapping_store(passages: Mapping[str, str]) -> Iterator[RecordedServer]:
    """Documents by id, field `text`, in an index of any name."""

    def answer(asked: Asked) -> tuple[int, Any]:
        server.asked.clear()  # nobody looks, and it would grow for as long as the soak
        mood = MOODS[int(time.monotonic() / MOOD_S) % len(MOODS)]
        if mood == "broken":
            return 503, "<html>no backend</html>"
        time.sleep({"well": 0.0, "slow": 0.1, "silent": 3.0}[mood])
        if not asked.path.endswith("/_mget"):
            return 200, {"version": {"number": "3.8.0"}}
        return 200, {"docs": [_document(one, passages.get(one)) for one in asked.json()["ids"]]}

    with recorded_server(answer) as server:
        yield server


def _document(document_id: str, text: str | None) -> dict[str, Any]:
    found = {"_index": "passages", "_id": document_id, "found": text is not None}
    return found if text is None else found | {"_source": {"text": text}}
