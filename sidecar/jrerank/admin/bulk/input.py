"""The options that say where rows come from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jrerank.errors import InvalidInput

if TYPE_CHECKING:
    from jrerank.admin.cluster.cluster import LiveCluster
    from jrerank.admin.cluster.connection import Connection
    from jrerank.bulk.sources.source import Source

_DEFAULT_KEY = "id"


@dataclass(frozen=True, slots=True)
class Input:
    """As given on the command line: `name` is a file, a table, a file with a query, or an index.

    `key` is that of a server's rows; those of a file are counted.
    """

    name: str
    dsn: str | None = None
    opensearch: str | None = None
    ca_file: Path | None = None
    key: str | None = None
    where: Path | None = None


def opened(given: Input) -> Source:
    """Where rows come from.

    Raises:
        InvalidInput: the options don't fit together, or there is nothing to read.
        ConfigurationError: what is needed isn't installed, or a server cannot be reached.
    """
    if given.dsn is not None and given.opensearch is not None:
        raise InvalidInput("rows come from one place: --dsn or --opensearch", field="dsn")
    if given.opensearch is not None:
        return _opensearch(given, given.opensearch)
    if given.where is not None or given.ca_file is not None:
        raise InvalidInput("--where and --ca-file go with --opensearch", field="where")
    if given.dsn is not None:
        from jrerank.bulk.sources.postgres import PostgresSource

        return PostgresSource(given.dsn, given.name, given.key or _DEFAULT_KEY)
    if given.key is not None:
        raise InvalidInput("--key goes with --dsn or --opensearch: rows of a file are counted", field="key")
    from jrerank.bulk.sources.files import open_file

    return open_file(Path(given.name))


def _opensearch(given: Input, url: str) -> Source:
    from jrerank.admin.cluster.connection import read_connection
    from jrerank.bulk.sources.opensearch import OpenSearchSource

    # Ray may carry it to another process, in a folder of its own, which a client doesn't survive
    ca_file = None if given.ca_file is None else given.ca_file.absolute()
    connection = read_connection("JRERANK_OPENSEARCH", url, ca_file=ca_file)
    return OpenSearchSource(
        partial(_ask, connection), given.name, given.key or _DEFAULT_KEY, _query(given.where)
    )


@lru_cache(maxsize=1)
def _cluster(connection: Connection) -> LiveCluster:
    from jrerank.admin.cluster.cluster import LiveCluster

    return LiveCluster(connection)


def _ask(connection: Connection, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    from jrerank.admin.cluster.request import Request

    return _cluster(connection).ask(Request(method, path, body))


def _query(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        query = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"--where {path} cannot be read: {error}", field="where") from None
    if not isinstance(query, dict):
        raise InvalidInput(f'--where {path} is no query such as {{"term": {{"lang": "ja"}}}}', field="where")
    return query
