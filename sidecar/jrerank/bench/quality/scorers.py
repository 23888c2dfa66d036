"""Who gives scores: a model in this process, or an endpoint of any dialect."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from jrerank.assembly import running_service
from jrerank.bench.machine import describe_machine
from jrerank.bench.quality.scores import QueryScores
from jrerank.domain import Candidate, RerankRequest, ServiceInfo
from jrerank.errors import EngineError, InvalidInput, Unavailable
from jrerank.reranker import Reranker
from jrerank.settings import Settings

if TYPE_CHECKING:
    import httpx

_NO_DEADLINE_S = 86_400.0
_EDGE = 1e-12

Dialect = Literal["hits", "cohere", "tei"]
DIALECTS: tuple[Dialect, ...] = ("hits", "cohere", "tei")


class Scorer(Protocol):
    """`key` names what the scores and their times depend on, beyond the texts; `notes` say what a reader has to know."""

    @property
    def name(self) -> str:
        """For people, short."""

    @property
    def description(self) -> str:
        """For people, in full."""

    @property
    def key(self) -> str:
        """Of the scores."""

    @property
    def notes(self) -> tuple[str, ...]:
        """For the report."""

    async def score(self, query: str, candidates: Sequence[Candidate]) -> QueryScores:
        """Logits in the order of the candidates.

        Raises:
            JrerankError: they can't be had.
        """


@dataclass(frozen=True, slots=True)
class LocalScorer:
    """The whole way through a service in this process, without a door and without a deadline."""

    name: str
    description: str
    key: str
    reranker: Reranker
    notes: tuple[str, ...] = ()

    async def score(self, query: str, candidates: Sequence[Candidate]) -> QueryScores:
        """As `Scorer` says."""
        started = time.perf_counter()
        request = RerankRequest(query, tuple(candidates), deadline=time.monotonic() + _NO_DEADLINE_S)
        ranking = await self.reranker.rerank(request)
        seconds = time.perf_counter() - started
        if ranking.reason is not None:
            raise EngineError(f"{self.name} could not score all hits of {query!r}: {ranking.reason}")
        logits: list[float | None] = [None] * len(candidates)
        for hit in ranking.hits:
            logits[hit.index] = hit.logit
        return QueryScores(tuple(logits), seconds, ranking.tokens)


@asynccontextmanager
async def local_scorer(settings: Settings) -> AsyncIterator[LocalScorer]:
    """A service with these settings, without its cache, so that every query costs what it costs, and without a second model.

    Where the gate refuses int8, the name and a note say what serves in its place.

    Raises:
        ConfigurationError: the model can't be served.
    """
    alone = settings.model_copy(update={"cache_bytes": 0, "stores": {}, "second_model": None})
    async with running_service(alone) as service:
        info = service.info
        name = name_of(settings, info.precision)
        description = f"{info.model}, {info.engine}, {info.precision}, {info.workers} workers"
        notes = () if info.precision == settings.precision else (_other_precision(settings, info, name),)
        yield LocalScorer(name, description, _local_key(settings, info), service.reranker, notes)


def name_of(settings: Settings, precision: str) -> str:
    """The model's last part, the precision that serves, and the engine and graph where those aren't the usual ones."""
    unusual = [name for name in (settings.engine, settings.graph) if name in {"torch", "prebuilt"}]
    return " ".join([settings.model.rstrip("/").rpartition("/")[2], precision, *unusual])


def _other_precision(settings: Settings, info: ServiceInfo, name: str) -> str:
    return f"{name}: {settings.precision} was asked for, but does not serve here; these are the figures of {info.precision}"


def _local_key(settings: Settings, info: ServiceInfo) -> str:
    """The times depend on the machine and on what computes, as the scores of int8 do."""
    machine = describe_machine()
    model = (info.fingerprint, info.precision, info.max_tokens, info.window_tokens, info.version)
    computed = (info.engine, settings.graph, settings.device, info.workers)
    packages = [machine.packages.get(name) for name in ("onnxruntime", "torch")]
    return " ".join(map(str, (*model, *computed, machine.cpu, machine.features, *packages)))


@dataclass(frozen=True, slots=True)
class RemoteScorer:
    """An endpoint, asked over HTTP: one request a query."""

    name: str
    url: str
    dialect: Dialect
    model: str | None
    client: httpx.AsyncClient

    @property
    def description(self) -> str:
        """Where, and how it is spoken to."""
        return f"{self.url} ({self.dialect}{f', {self.model}' if self.model else ''})"

    @property
    def key(self) -> str:
        """The URL, dialect and model. What answers there now can't be known: the report tells which scores are older."""
        return self.description

    @property
    def notes(self) -> tuple[str, ...]:
        """None."""
        return ()

    async def score(self, query: str, candidates: Sequence[Candidate]) -> QueryScores:
        """As `Scorer` says. Scores from 0 to 1 are taken for sigmoids."""
        import httpx  # noqa: PLC0415  an extra

        body = request_body(self.dialect, query, candidates, self.model)
        started = time.perf_counter()
        try:
            answer = await self.client.post(self.url, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} did not answer: {type(error).__name__}: {error}") from None
        seconds = time.perf_counter() - started
        if answer.is_error:
            raise Unavailable(f"{self.url} answered {answer.status_code}: {answer.text[:300]}")
        try:
            return QueryScores(read_scores(self.dialect, answer.json(), len(candidates)), seconds)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise InvalidInput(
                f"{self.url} does not speak {self.dialect}: {error!r} in {answer.text[:200]}", field="url"
            ) from None


def request_body(
    dialect: Dialect, query: str, candidates: Sequence[Candidate], model: str | None
) -> dict[str, Any]:
    """What a dialect's request is made of: all documents, none cut off."""
    texts = [candidate.passage or "" for candidate in candidates]
    if dialect == "tei":
        return {"query": query, "texts": texts, "raw_scores": True, "truncate": True}
    if dialect == "cohere":
        named = {} if model is None else {"model": model}
        return {"query": query, "documents": texts, "top_n": len(texts), "return_documents": False, **named}
    return {"query": query, "hits": [{"id": str(place), "text": text} for place, text in enumerate(texts)]}


def read_scores(dialect: Dialect, answer: Any, count: int) -> tuple[float | None, ...]:
    """The logits of an answer by the place of their documents.

    Raises:
        ValueError: a document has no score.
        KeyError, TypeError, IndexError: the answer is of another form.
    """
    scores: list[float | None] = [None] * count
    if dialect == "hits":
        for hit in answer["hits"]:
            scores[int(hit["id"])] = hit["score"]
    elif dialect == "cohere":
        for result in answer.get("results") or answer["data"]:
            scores[result["index"]] = float(result["relevance_score"])
    else:
        for result in answer:
            scores[result["index"]] = float(result["score"])
    if None in scores:
        raise ValueError(f"document {scores.index(None)} has no score")
    return _as_logits([score for score in scores if score is not None])


def _as_logits(scores: Sequence[float]) -> tuple[float, ...]:
    if all(0.0 <= score <= 1.0 for score in scores):
        inner = (min(1 - _EDGE, max(_EDGE, score)) for score in scores)
        return tuple(math.log(score / (1 - score)) for score in inner)
    return tuple(scores)
