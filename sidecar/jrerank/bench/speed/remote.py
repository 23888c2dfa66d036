"""An endpoint that runs: text-embeddings-inference, infinity, a sidecar."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from jrerank.bench.quality.scorers import Dialect, read_scores, request_body
from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.workload import Workload
from jrerank.domain import Candidate
from jrerank.errors import Unavailable

# Where shapes have no room for it: they have a number for each document, scored or not
_OUTCOME, _REASON, _COMPLETE = "x-jrerank-outcome", "x-jrerank-reason", "complete"
_TIMEOUT_MS = 600_000  # a sidecar's own deadline would cut the workload short


def remote_contender(
    client: httpx.Client, url: str, dialect: Dialect, model: str | None, nonce: str | None = None
) -> Contender:
    """One request for the whole workload. Its query is new each time, in each run, so that no cache answers."""
    endpoint = _Endpoint(client, url, dialect, model, nonce or secrets.token_hex(4))
    name = f"{httpx.URL(url).netloc.decode()} {dialect}"
    return Contender(name, url, endpoint.ask, remote=True, check=endpoint.check)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    client: httpx.Client
    url: str
    dialect: Dialect
    model: str | None
    nonce: str
    numbers: count[int] = field(default_factory=lambda: count(1))

    def ask(self, work: Workload) -> httpx.Response:
        """The answer, which nobody has read yet.

        Raises:
            Unavailable: there is none, or it is an error.
        """
        body = self._body(work)
        try:
            answer = self.client.post(self.url, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} did not answer: {type(error).__name__}: {error}") from None
        if answer.is_error:
            raise Unavailable(f"{self.url} answered {answer.status_code}: {answer.text[:300]}")
        return answer

    def check(self, answer: Any, work: Workload) -> None:
        """What leaves pairs without a score, as a deadline that is cut short does, takes less time than the work takes.

        Raises:
            Unavailable: not every pair was scored.
        """
        outcome = answer.headers.get(_OUTCOME, _COMPLETE)
        if outcome != _COMPLETE:
            reason = answer.headers.get(_REASON, "no reason given")
            raise Unavailable(f"{self.url} did not score all pairs: {outcome} ({reason}){self._hint()}")
        try:
            read_scores(self.dialect, answer.json(), len(work.passages))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise Unavailable(
                f"{self.url} did not score all pairs, as {self.dialect} tells them: {error!r} in {answer.text[:200]}"
            ) from None

    def _hint(self) -> str:
        return (
            ""
            if self.dialect == "hits"
            else "; ask a sidecar as hits=URL/v1/hits, with a deadline that is long enough"
        )

    def _body(self, work: Workload) -> dict[str, Any]:
        candidates = [Candidate(str(place), text) for place, text in enumerate(work.passages)]
        query = f"{work.query} {self.nonce} {next(self.numbers)}"
        body = request_body(self.dialect, query, candidates, self.model)
        # the other dialects have no such field: an endpoint that isn't ours may refuse it
        return {**body, "timeout_ms": _TIMEOUT_MS} if self.dialect == "hits" else body
