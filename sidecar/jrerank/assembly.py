"""The only module that knows every part: settings -> a running sidecar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from jrerank import __version__
from jrerank.cache import ScoreCache
from jrerank.domain import SecondModelInfo, ServiceInfo
from jrerank.doors.intake import Limits
from jrerank.doors.service import Service
from jrerank.engines.open import OpenEngine, open_engine
from jrerank.errors import ConfigurationError, JrerankError
from jrerank.large_work import LargeWork
from jrerank.models.checkpoint import Checkpoint
from jrerank.models.recommendation import recommended_window_tokens
from jrerank.models.source import open_checkpoint
from jrerank.reranker import Reranker
from jrerank.scheduling.calibration import calibrated, token_cost
from jrerank.scheduling.model import ScoringModel, SecondModel
from jrerank.scheduling.scheduler import Scheduler
from jrerank.settings import Settings, StoreSettings
from jrerank.stores.search import SearchEngine
from jrerank.stores.store import PassageStore
from jrerank.telemetry import Metrics, logger
from jrerank.tokenization.windows import Tokenization

_LOG = logger(__name__)


def _open_opensearch(name: str, settings: StoreSettings) -> PassageStore:
    try:
        from jrerank.stores.opensearch.settings import OpenSearchSettings  # noqa: PLC0415
        from jrerank.stores.opensearch.store import OpenSearchStore  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            f"JRERANK_STORES.{name}: kind {settings.kind} needs opensearch-py: pip install 'jrerank[opensearch]'"
        ) from None
    return OpenSearchStore(name, OpenSearchSettings.read(name, settings.model_dump()))


def _open_postgres(name: str, settings: StoreSettings) -> PassageStore:
    try:
        from jrerank.stores.postgres.settings import PostgresSettings  # noqa: PLC0415
        from jrerank.stores.postgres.store import PostgresStore  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            f"JRERANK_STORES.{name}: kind {settings.kind} needs psycopg: pip install 'jrerank[postgres]'"
        ) from None
    return PostgresStore(name, PostgresSettings.read(name, settings.model_dump()))


# How a store of each kind is opened, given its name and settings; each imports what it needs when it is called
STORE_KINDS: Mapping[str, Callable[[str, StoreSettings], PassageStore]] = {
    "opensearch": _open_opensearch,
    "elasticsearch": _open_opensearch,
    "postgres": _open_postgres,
}


def load_checkpoint(settings: Settings) -> Checkpoint:
    """The checkpoint that `settings.model` names.

    Raises:
        ConfigurationError: see `open_checkpoint`.
    """
    return open_checkpoint(settings.model, settings.revision, prebuilt_graphs=settings.graph == "prebuilt")


@dataclass(frozen=True, slots=True)
class _OpenModel:
    """A model that is ready to score."""

    checkpoint: Checkpoint
    opened: OpenEngine
    tokenization: Tokenization


@asynccontextmanager
async def running_service(settings: Settings) -> AsyncIterator[Service]:
    """Load the model, and the second one if there is one, start the workers, and stop them at the end.

    Raises:
        ConfigurationError: something isn't set up right; the message says what.
    """
    async with open_stores(settings) as stores:
        with _open_models(settings) as (first, second_model):
            second = await asyncio.to_thread(_second, settings, first, second_model)
            second_info = _second_info(second_model, second) if second_model and second else None
            info, metrics, large = _info(first, second_info), Metrics(), LargeWork()
            _show(metrics, info, first, second_model)
            async with _running_scheduler(settings, first, second, metrics, large) as scheduler:
                _say_ready(info)
                reranker = Reranker(scheduler, stores, metrics, large)
                yield _service(settings, stores, scheduler, reranker, info, metrics, first.tokenization)


@contextmanager
def _open_models(settings: Settings) -> Iterator[tuple[_OpenModel, _OpenModel | None]]:
    """The first model, and the second; both keep token ids of passages, each in an equal part of the memory for them."""
    second_settings = settings.of_second_model()
    cache_bytes = settings.token_cache_bytes // (1 if second_settings is None else 2)
    _check_device(second_settings)
    with ExitStack() as stack:
        first = _open_model(settings, cache_bytes, stack)
        if second_settings is None:
            yield first, None
            return
        try:
            second = _open_model(second_settings, cache_bytes, stack)
        except JrerankError as error:
            raise ConfigurationError(f"JRERANK_SECOND_MODEL: {error}") from error
        yield first, second


def _check_device(second: Settings | None) -> None:
    if second is not None and second.device.startswith(
        "mps"
    ):  # two threads that use it crash the process (pytorch#197805)
        raise ConfigurationError(
            "JRERANK_SECOND_MODEL: two models cannot share Apple's GPU: leave out --second-model, or take --device cpu"
        )


def _open_model(settings: Settings, cache_bytes: int, stack: ExitStack) -> _OpenModel:
    checkpoint = load_checkpoint(settings)
    opened = open_engine(settings, checkpoint)
    stack.callback(opened.close)
    window_tokens = settings.window_tokens or _recommended_window_tokens(checkpoint)
    tokenization = Tokenization(checkpoint, settings.max_tokens, cache_bytes, window_tokens)
    return _OpenModel(checkpoint, opened, tokenization)


def _recommended_window_tokens(checkpoint: Checkpoint) -> int | None:
    return None if checkpoint.folder is None else recommended_window_tokens(checkpoint.folder)


def _second(settings: Settings, first: _OpenModel, second: _OpenModel | None) -> SecondModel | None:
    if second is None:
        return None
    engine, tokenization = second.opened.engine, second.tokenization
    cost = token_cost(first.opened.engine, first.tokenization, engine, tokenization)
    return SecondModel(ScoringModel(engine, tokenization, cost), settings.second_depth)


@asynccontextmanager
async def _running_scheduler(
    settings: Settings, first: _OpenModel, second: SecondModel | None, metrics: Metrics, large: LargeWork
) -> AsyncIterator[Scheduler]:
    engine, tokenization = first.opened.engine, first.tokenization
    throughput = await asyncio.to_thread(calibrated, engine, tokenization)
    cache, most = ScoreCache(settings.cache_bytes), settings.max_queued_tokens
    scheduler = Scheduler(engine, tokenization, throughput, metrics, most, cache, large, second)
    scheduler.start()
    try:
        yield scheduler
    finally:
        await scheduler.close()


def _info(first: _OpenModel, second: SecondModelInfo | None) -> ServiceInfo:
    return ServiceInfo(
        version=__version__,
        model=first.checkpoint.name,
        fingerprint=first.checkpoint.fingerprint,
        precision=first.opened.precision,
        engine=first.opened.engine.name,
        workers=first.opened.engine.workers,
        max_tokens=first.tokenization.max_tokens,
        window_tokens=first.tokenization.window_tokens,
        second=second,
    )


def _second_info(model: _OpenModel, second: SecondModel) -> SecondModelInfo:
    return SecondModelInfo(
        model=model.checkpoint.name,
        fingerprint=model.checkpoint.fingerprint,
        precision=model.opened.precision,
        depth=second.depth,
        token_cost=second.model.token_cost,
        window_tokens=model.tokenization.window_tokens,
    )


def _show(metrics: Metrics, info: ServiceInfo, first: _OpenModel, second: _OpenModel | None) -> None:
    metrics.info.labels(info.model, info.precision).set(1)
    opened = [model.opened for model in (first, second) if model]
    metrics.padding_tokens.set_function(lambda: sum(each.padding_tokens() for each in opened))
    if info.second is not None:
        metrics.second_model.labels(info.second.model, info.second.precision).set(info.second.token_cost)


def _say_ready(info: ServiceInfo) -> None:
    _LOG.info("model_ready", model=info.model, precision=info.precision, workers=info.workers)
    if second := info.second:
        _LOG.info(
            "second_model_ready",
            model=second.model,
            precision=second.precision,
            depth=second.depth,
            token_cost=round(second.token_cost, 2),
        )


def _service(
    settings: Settings,
    stores: Mapping[str, PassageStore],
    scheduler: Scheduler,
    reranker: Reranker,
    info: ServiceInfo,
    metrics: Metrics,
    tokenization: Tokenization,
) -> Service:
    return Service(
        reranker=reranker,
        limits=limits_of(settings),
        info=info,
        metrics=metrics,
        timeout_ms=settings.timeout_ms,
        tokenization=tokenization,
        keys=settings.keys(),
        cors_origins=settings.cors_origins,
        checks={name: store.check for name, store in stores.items()},
        healthy=scheduler.healthy,
        queued_s=scheduler.queued_s,
        cut_off=scheduler.cut_off,
        compact=scheduler.compact,
        searches=searches_of(stores),
    )


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Mapping[str, PassageStore]]:
    """The stores that the settings name, closed at the end. Whether they answer is not asked: a store may come up later.

    Raises:
        ConfigurationError: a store's settings are wrong, or this installation cannot open its kind.
    """
    async with AsyncExitStack() as stack:
        stores = {}
        for name, store in settings.stores.items():
            if store.kind not in STORE_KINDS:
                raise ConfigurationError(
                    f"JRERANK_STORES: {name}: stores of kind {store.kind} cannot be opened"
                )
            stores[name] = STORE_KINDS[store.kind](name, store)
            stack.push_async_callback(stores[name].close)
        yield stores


def searches_of(stores: Mapping[str, PassageStore]) -> dict[str, SearchEngine]:
    """The stores that callers may search: a search gives documents away, so only those that may return their texts."""
    return {
        name: store
        for name, store in stores.items()
        if isinstance(store, SearchEngine) and store.returns_text
    }


def limits_of(settings: Settings) -> Limits:
    """The limits that all doors share."""
    return Limits(
        body_bytes=settings.max_body_bytes,
        open_body_bytes=settings.max_open_body_bytes,
        documents=settings.max_documents,
        query_chars=settings.max_query_chars,
        passage_chars=settings.max_passage_chars,
    )
