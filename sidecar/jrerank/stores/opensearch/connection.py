"""A client for one cluster, and what its failures mean."""

from __future__ import annotations

import base64
import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlencode

from opensearchpy import AsyncOpenSearch, AWSV4SignerAsyncAuth
from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, TransportError

from jrerank.errors import Abandoned, ConfigurationError, StoreError
from jrerank.fairness.places import Places
from jrerank.json_reader.size import parsed_bytes
from jrerank.json_reader.slices import sliced
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.large_work import LargeWork
from jrerank.stores.opaque_id import asked_for
from jrerank.stores.opensearch.bounded import AsSent, AsText, BoundedConnection, bounded_reply
from jrerank.stores.opensearch.settings import OpenSearchSettings
from jrerank.stores.replies import taker
from jrerank.stores.search import EngineReply

logging.getLogger("opensearch").setLevel(logging.WARNING)  # below that it writes down queries and documents


class Connection:
    """Requests to one cluster; a node that is down is passed over for another.

    Raises:
        ConfigurationError: there is no AWS account at hand, or a secret's file is empty.
    """

    def __init__(self, name: str, settings: OpenSearchSettings) -> None:
        self._large = LargeWork()
        self._places = Places(settings.max_connections * len(settings.urls))
        self._client = AsyncOpenSearch(
            list(settings.urls),
            connection_class=BoundedConnection,
            serializers={"application/json": AsSent(), "text/plain": AsText()},
            headers=_authorization(settings),
            http_auth=_signer(name, settings),
            maxsize=settings.max_connections,
            # a connection that the other side has closed meanwhile deserves a second try on the only node, too
            max_retries=max(1, len(settings.urls) - 1),
            retry_on_status=(),
            **_tls(settings),
        )

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None,
        parameters: Mapping[str, str],
        timeout_s: float,
    ) -> EngineReply:
        """The engine's reply, whatever its status. Where all connections are taken callers have one in turn.

        Raises:
            TimeoutError: there was none within `timeout_s`.
            StoreError: the engine cannot be reached, or speaks no JSON.
        """
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        async with self._places.one(timeout_s) as left_s:
            with _as_ours(), bounded_reply() as reply:
                try:
                    content = await self._client.transport.perform_request(
                        method,
                        _with_query(path, parameters),
                        None,
                        body,
                        left_s,
                        headers={"content-type": kind, **asked_for()},
                    )
                except TransportError as error:
                    reply.check()
                    if not isinstance(error.status_code, int):
                        raise
                    return EngineReply(error.status_code, await self._body_of(error), reply.size_bytes)
                reply.check()
            if method == "HEAD":  # the client says only whether it is there
                return EngineReply(200 if content else 404, None)
            if not isinstance(content, bytes):
                return EngineReply(200, content, reply.size_bytes)
            return EngineReply(200, await self._parsed(content), reply.size_bytes)

    async def _body_of(self, error: TransportError) -> Any:
        """What the engine says beside a status of an error: JSON, or a text."""
        if not isinstance(error.error, bytes):
            return error.info or error.error
        try:
            return await self._parsed(error.error)
        except StoreError:
            return error.error.decode("utf-8", "replace")

    async def _parsed(self, content: bytes) -> Any:
        is_large = len(content) > WHOLE_BYTES
        is_over = threading.Event()
        parse = partial(_counted, taker(), is_over) if is_large else json.loads
        try:
            return await self._large.run_if(is_large, sliced, content, parse)
        except (ValueError, RecursionError) as error:
            raise StoreError(f"the engine did not answer in JSON: {type(error).__name__}") from error
        finally:
            is_over.set()

    async def close(self) -> None:
        """Give back the sockets."""
        await self._client.close()
        for (
            connection
        ) in self._client.transport.seed_connections:  # the client forgets those of nodes that are down
            await connection.close()


def _with_query(path: str, parameters: Mapping[str, str]) -> str:
    """Written here: the library would take some parameters as said to itself, such as `ignore`."""
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _counted(take: Callable[[int], None], is_over: threading.Event, part: bytes) -> Any:
    """A slice of a large reply, if anybody still waits for it: other replies wait for this one.

    To count all of it at once would take the event loop some 3 ms for each MB.
    """
    if is_over.is_set():
        raise Abandoned
    take(parsed_bytes(part))
    return json.loads(part)


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except ConnectionTimeout as error:
        raise TimeoutError from error
    except TransportError as error:
        raise StoreError("the engine cannot be reached", detail=str(error.error)) from error
    except OpenSearchException as error:
        raise StoreError(f"the engine did not answer in JSON: {type(error).__name__}") from error


def _authorization(settings: OpenSearchSettings) -> dict[str, str]:
    secret = settings.secret()
    if secret is None:
        return {}
    if settings.user is None:
        return {"authorization": f"ApiKey {secret}"}
    return {"authorization": "Basic " + base64.b64encode(f"{settings.user}:{secret}".encode()).decode()}


def _signer(name: str, settings: OpenSearchSettings) -> AWSV4SignerAsyncAuth | None:
    if settings.aws_region is None:
        return None
    place = f"JRERANK_STORES.{name}.aws_region"
    try:
        import boto3  # noqa: PLC0415  an extra of its own
    except ImportError:
        raise ConfigurationError(f"{place} needs boto3: pip install 'jrerank[aws]'") from None
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise ConfigurationError(
            f"{place}: no AWS credentials were found (environment, profile, or instance role)"
        )
    return AWSV4SignerAsyncAuth(credentials, settings.aws_region, settings.aws_service)


def _tls(settings: OpenSearchSettings) -> dict[str, object]:
    if settings.ca_file is None:
        return {}
    return {"ssl_context": ssl.create_default_context(cafile=settings.ca_file)}
