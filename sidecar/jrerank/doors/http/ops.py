"""`/health`, `/ready`, `/info`, `/metrics`, `/v1/models`: for orchestrators, for clients that discover us, and for people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel

from jrerank.domain import SecondModelInfo
from jrerank.doors.http import probes
from jrerank.doors.http.context import service_of
from jrerank.doors.http.error_shapes import native
from jrerank.doors.http.openapi import errors_of
from jrerank.doors.http.routing import OpenRoute, Route
from jrerank.errors import UnknownModel

_EXPOSITIONS: dict[str, Any] = {"application/openmetrics-text": {}, "text/plain": {}}
open_router = APIRouter(route_class=OpenRoute, tags=["operations"])
router = APIRouter(route_class=Route, tags=["operations"], responses=errors_of(native))


class Health(BaseModel):
    """`ok`: the process answers."""

    status: str


class Readiness(BaseModel):
    """`ready`; `degraded` when a store does not answer: requests that bring their texts are served all the same; `unavailable`
    when nothing would be scored."""

    status: str
    stores: dict[str, str]


class SecondModel(BaseModel):
    """What reads the top `depth` hits of a ranking once more; a token of it takes as long as `token_cost` of the first model's."""

    model_id: str
    fingerprint: str
    precision: str
    depth: int
    token_cost: float
    window_tokens: int | None


class Info(BaseModel):
    """What serves. Those below `model_type` are text-embeddings-inference's, by which its clients know a reranker."""

    version: str
    model_id: str
    fingerprint: str
    precision: str
    engine: str
    workers: int
    max_tokens: int
    window_tokens: int | None
    timeout_ms: float
    max_body_bytes: int
    max_documents: int
    max_query_chars: int
    max_passage_chars: int
    model_type: dict[str, Any]
    model_sha: str
    model_dtype: str
    max_input_length: int
    max_client_batch_size: int
    max_batch_tokens: int
    auto_truncate: bool
    tokenization_workers: int
    second_model: SecondModel | None


class Model(BaseModel):
    """As OpenAI describes one."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "jrerank"


class Models(BaseModel):
    """The model that serves, and the second one."""

    object: str = "list"
    data: list[Model]


# SageMaker and vLLM's probes ask for a ping. To GET and HEAD, which some load balancers ask for alone, `Probes` answers
@open_router.get("/ping", include_in_schema=False)
@open_router.post("/ping", include_in_schema=False)
@open_router.get("/health")
async def health() -> Health:
    """Whether the process lives."""
    return Health(status="ok")


@open_router.get("/ready", responses={503: {"model": Readiness, "description": "Nothing would be scored."}})
async def ready(http: Request) -> Response:
    """Whether requests would be answered, and how the stores are."""
    return await probes.ready(http.scope)


@router.get("/info")
async def info(http: Request) -> Info:
    """The model, how it is run, and the limits."""
    service = service_of(http)
    of, limits = service.info, service.limits
    return Info(
        version=of.version,
        model_id=of.model,
        fingerprint=of.fingerprint,
        precision=of.precision,
        engine=of.engine,
        workers=of.workers,
        max_tokens=of.max_tokens,
        window_tokens=of.window_tokens,
        timeout_ms=service.timeout_ms,
        max_body_bytes=limits.body_bytes,
        max_documents=limits.documents,
        max_query_chars=limits.query_chars,
        max_passage_chars=limits.passage_chars,
        model_type={"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
        model_sha=of.fingerprint,
        model_dtype=of.precision,
        max_input_length=of.max_tokens,
        max_client_batch_size=limits.documents,
        max_batch_tokens=of.max_tokens,
        auto_truncate=True,
        tokenization_workers=of.workers,
        second_model=_second_model(of.second),
    )


def _second_model(of: SecondModelInfo | None) -> SecondModel | None:
    if of is None:
        return None
    return SecondModel(
        model_id=of.model,
        fingerprint=of.fingerprint,
        precision=of.precision,
        depth=of.depth,
        token_cost=round(of.token_cost, 3),
        window_tokens=of.window_tokens,
    )


@router.get("/v1/models")
async def models(http: Request) -> Models:
    """The model, as OpenAI's clients list them, then the second one. Requests may name any model: it is these that answer."""
    return Models(data=[Model(id=name) for name in _served(http)])


@router.get("/v1/models/{model:path}", responses={404: {"description": "Another model."}})
async def model(model: str, http: Request) -> Model:
    """The model, if it is one of those that serve."""
    served = _served(http)
    if model not in served:
        raise UnknownModel(
            f"{model[:100]!r} is not here; {served[0]!r} answers whatever model a request names"
        )
    return Model(id=model)


def _served(http: Request) -> list[str]:
    info = service_of(http).info
    return [info.model, *([info.second.model] if info.second else [])]


@router.get("/metrics", response_class=Response, responses={200: {"content": _EXPOSITIONS}})
async def metrics(http: Request) -> Response:
    """Prometheus metrics: OpenMetrics where `Accept` has it, else the older text format."""
    accept = http.headers.get("accept", "")
    _, content_type = choose_encoder(accept)
    return Response(service_of(http).metrics.exposition(accept), media_type=content_type)
