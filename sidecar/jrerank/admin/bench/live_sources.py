"""The options that name a live search, and running it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jrerank.admin.bench.addresses import check_url
from jrerank.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from jrerank.admin.bench.progress import Progress
    from jrerank.bench.quality.live.opensearch import TemplateSearch
    from jrerank.bench.quality.live.source import LiveHits, LiveSearch
    from jrerank.bench.quality.live.template import BodyTemplate
    from jrerank.evaluation.collection import Collection

_TIMEOUT_S = 120
_BELONGS_TO = {
    "template": ("opensearch", "search_door"),
    "text_fields": ("opensearch", "search_door"),
    "pipelines": ("opensearch",),
    "sql": ("dsn",),
    "rerank_sql": ("dsn",),
}
_NO_RERANKING = {"search_pipeline": "_none"}


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """As given on the command line."""

    opensearch: str | None = None
    search_door: str | None = None
    template: Path | None = None
    text_fields: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    dsn: str | None = None
    sql: Path | None = None
    rerank_sql: Path | None = None

    @property
    def given(self) -> bool:
        """Whether there is a live search."""
        return bool(self.opensearch or self.search_door or self.dsn)

    def check(self) -> None:
        """Before anything is read or asked.

        Raises:
            InvalidInput: something that belongs to it is missing, there are several, or an option would have no effect.
        """
        if sum(map(bool, (self.opensearch, self.search_door, self.dsn))) > 1:
            raise InvalidInput(
                "one live search at a time: --opensearch, --search-door or --dsn", field="opensearch"
            )
        for option, url in (("opensearch", self.opensearch), ("search-door", self.search_door)):
            if url:
                check_url(url, option)
        if self.dsn and not self.sql:
            raise InvalidInput("--dsn needs --sql, a file with the statement", field="sql")
        if (self.opensearch or self.search_door) and not (self.template and self.text_fields):
            raise InvalidInput(
                "a live search needs --template and at least one --text-field", field="template"
            )
        for field_name, searches in _BELONGS_TO.items():
            self._check_used(field_name, searches)

    def _check_used(self, field_name: str, searches: tuple[str, ...]) -> None:
        """Without its search it would be ignored, and what was asked for would silently not be measured."""
        if getattr(self, field_name) and not any(getattr(self, search) for search in searches):
            option = _option(field_name)
            raise InvalidInput(
                f"{option} has no effect without {' or '.join(map(_option, searches))}",
                field=option.strip("-"),
            )


def _option(field_name: str) -> str:
    """As the command line has it: an option that may be repeated has no s."""
    return "--" + field_name.removesuffix("s").replace("_", "-")


@dataclass(frozen=True, slots=True)
class LiveResults:
    """The first stage's lists, and those of the searches that rerank and what has to be known of them, by their names."""

    first: LiveHits
    reranked: dict[str, LiveHits] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def search(options: LiveOptions, collection: Collection, depth: int, progress: Progress) -> LiveResults:
    """Ask for every query of the collection, in each way.

    Raises:
        InvalidInput: the options don't fit together, or a hit has no text.
        Unavailable: a search failed, or one that should rerank did not.
    """
    from jrerank.bench.quality.live.source import search_all
    from jrerank.bench.quality.live.template import BodyTemplate

    with ExitStack() as stack:
        first, reranking = (
            _sql(options.dsn, options.sql, options.rerank_sql, stack)
            if options.dsn and options.sql
            else _templates(options, BodyTemplate.read(options.template or Path()), stack)
        )
        queries = {id: collection.queries[id] for id in collection.measurable}
        found = {
            name: search_all(way, queries, depth, partial(progress, name))
            for name, way in {"searching": first, **reranking}.items()
        }
    lists = found.pop("searching")
    notes = {name: reranked.reranked_note(name) for name, reranked in found.items()}
    return LiveResults(lists, found, {name: note for name, note in notes.items() if note})


def _templates(
    options: LiveOptions, template: BodyTemplate, stack: ExitStack
) -> tuple[LiveSearch, dict[str, LiveSearch]]:
    try:
        import httpx
    except ImportError:
        raise ConfigurationError("httpx is needed: pip install 'jrerank[bench]'") from None
    from jrerank.bench.quality.live.opensearch import TemplateSearch
    from jrerank.bench.quality.live.template import BodyTemplate

    url = httpx.URL(str(options.opensearch or options.search_door))
    auth = (url.username, url.password) if url.username else None
    client = stack.enter_context(
        httpx.Client(
            base_url=url.copy_with(path="/", query=None, username=None, password=None),
            auth=auth,
            timeout=_TIMEOUT_S,
        )
    )
    fields, path = options.text_fields, url.path.rstrip("/")

    def way(
        path: str, parameters: dict[str, str], body: Mapping[str, object] | None = None
    ) -> TemplateSearch:
        return TemplateSearch(
            client,
            path,
            BodyTemplate({**template.body, **(body or {})}),
            fields,
            {**url.params, **parameters},
        )

    if options.search_door:
        rerank = template.body.get("rerank") or {}
        off = {"rerank": {**rerank, "enabled": False}}
        return way(path, {}, off), {"search door": way(path, {})}
    path += "/_search"
    return way(path, _NO_RERANKING), {
        f"pipeline {name}": way(path, {"search_pipeline": name}) for name in options.pipelines
    }


def _sql(
    dsn: str, sql: Path, rerank_sql: Path | None, stack: ExitStack
) -> tuple[LiveSearch, dict[str, LiveSearch]]:
    from jrerank.bench.quality.live.sql import SqlSearch, connected, read_statement

    connection = stack.enter_context(connected(dsn))
    reranked: dict[str, LiveSearch] = {}
    if rerank_sql:
        reranked["reranked in SQL"] = SqlSearch(connection, read_statement(rerank_sql), reranks=True)
    return SqlSearch(connection, read_statement(sql)), reranked
