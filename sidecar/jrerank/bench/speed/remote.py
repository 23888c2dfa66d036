"""An endpoint that runs: text-embeddings-inference, infinity, a sidecar."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx

from jrerank.bench.quality.scorers import Dialect, request_body
from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.workload import Workload
from jrerank.domain import Candidate
from jrerank.errors import Unavailable


def remote_contender(client: httpx.Client, url: str, dialect: Dialect, model: str | None) -> Contender:
    """One request for the whole workload. Its query is new each time, so that no cache answers."""
    state = {"number": 0}
    return Contender(
        f"{httpx.URL(url).netloc.decode()} {dialect}",
        url,
        partial(_ask, client, url, dialect, model, state),
        remote=True,
    )


def _ask(
    client: httpx.Client, url: str, dialect: Dialect, model: str | None, state: dict[str, int], work: Workload
) -> Any:
    state["number"] += 1
    candidates = [Candidate(str(place), text) for place, text in enumerate(work.passages)]
    body = request_body(dialect, f"{work.query}{state['number']}", candidates, model)
    try:
        answer = client.post(url, json=body)
    except httpx.HTTPError as error:
        raise Unavailable(f"{url} did not answer: {type(error).__name__}: {error}") from None
    if answer.is_error:
        raise Unavailable(f"{url} answered {answer.status_code}: {answer.text[:300]}")
    return answer
