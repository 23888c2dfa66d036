"""The only module that knows every part: settings -> a running sidecar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from jrerank import __version__
from jrerank.cache import ScoreCache
from jrerank.domain import ServiceInfo
from jrerank.doors.intake import Limits
from jrerank.doors.service import Service
from jrerank.engines.engine import Engine
from jrerank.engines.open import OpenEngine, open_engine
from jrerank.errors import ConfigurationError
from jrerank.large_work import LargeWork
from jrerank.models.checkpoint import Checkpoint
from jrerank.models.source import open_checkpoint
from jrerank.reranker import Reranker
from jrerank.scheduling.calibration import calibrated
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


@asynccontextmanager
async def running_service(settings: Settings) -> AsyncIterator[Service]:
    """Load the model, start the workers, and stop them at the end.

    Raises:
        ConfigurationError: something isn't set up right; the message says what.
    """
    async with open_stores(settings) as stores, _opened_engine(settings) as (checkpoint, opened):
        tokenization = Tokenization(checkpoint, settings.max_tokens, settings.token_cache_bytes)
        info, metrics, large = _info(checkpoint, opened, tokenization), Metrics(), LargeWork()
        metrics.info.labels(info.model, info.precision).set(1)
        metrics.padding_tokens.set_function(opened.padding_tokens)
        async with _running_scheduler(settings, opened.engine, tokenization, metrics, large) as scheduler:
            _LOG.info("model_ready", model=info.model, precision=info.precision, workers=info.workers)
            reranker = Reranker(scheduler, stores, metrics, large)
            yield _service(settings, stores, scheduler, reranker, info, metrics, tokenization)


@asynccontextmanager
async def _opened_engine(settings: Settings) -> AsyncIterator[tuple[Checkpoint, OpenEngine]]:
    checkpoint = load_checkpoint(settings)
    opened = open_engine(settings, checkpoint)
    try:
        yield checkpoint, opened
    finally:
        opened.close()


@asynccontextmanager
async def _running_scheduler(
    settings: Settings, engine: Engine, tokenization: Tokenization, metrics: Metrics, large: LargeWork
) -> AsyncIterator[Scheduler]:
    throughput = await asyncio.to_thread(calibrated, engine, tokenization)
    cache = ScoreCache(settings.cache_bytes)
    scheduler = Scheduler(engine, tokenization, throughput, metrics, settings.max_queued_tokens, cache, large)
    scheduler.start()
    try:
        yield scheduler
    finally:
        await scheduler.close()


def _info(checkpoint: Checkpoint, opened: OpenEngine, tokenization: Tokenization) -> ServiceInfo:
    return ServiceInfo(
        version=__version__,
        model=checkpoint.name,
        fingerprint=checkpoint.fingerprint,
        precision=opened.precision,
        engine=opened.engine.name,
        workers=opened.engine.workers,
        max_tokens=tokenization.max_tokens,
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
