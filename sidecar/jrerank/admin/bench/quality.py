"""`bench quality`: what is gained, by which system, and what it costs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.bench.choices import Engine, Graph, Precision
from jrerank.admin.bench.data import DataOptions, main_measure, open_data
from jrerank.admin.bench.live_sources import LiveOptions, search
from jrerank.admin.bench.output import (
    CompareOption,
    HtmlOption,
    JsonOption,
    MeasureThresholdOption,
    Outputs,
)
from jrerank.admin.bench.progress import Progress
from jrerank.admin.bench.quality_parameters import quality_parameters
from jrerank.admin.bench.systems import given_answers, scored_answers
from jrerank.admin.options import plain_errors
from jrerank.errors import InvalidInput
from jrerank.settings import Settings

if TYPE_CHECKING:
    from jrerank.admin.bench.live_sources import LiveResults
    from jrerank.bench.quality.run import Plan
    from jrerank.evaluation.collection import Collection


_DEPTH = 50
_MEASURES = ("nDCG@10", "MRR@10", "MAP", "Recall@10")
_DATA, _SYSTEMS, _LIVE, _REPORT = "Data", "Systems", "Live searches", "Report"


def quality(
    layout: Annotated[
        str,
        typer.Option(
            help="jaquad (ships), jsonl, trec, beir, jqara, jacwir, jsquad, miracl-ja", rich_help_panel=_DATA
        ),
    ] = "jaquad",
    data: Annotated[
        Path | None,
        typer.Option(
            help="its folder or file; without it, the hub's copy of that name", rich_help_panel=_DATA
        ),
    ] = None,
    queries_file: Annotated[
        Path | None,
        typer.Option("--queries-file", help="trec: id <tab> text, or JSONL", rich_help_panel=_DATA),
    ] = None,
    passages: Annotated[
        Path | None, typer.Option(help="JSONL with id and text", rich_help_panel=_DATA)
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="TREC qrels, or JSONL of `bench labels`", rich_help_panel=_DATA)
    ] = None,
    hits: Annotated[
        Path | None, typer.Option(help="a TREC run: the first stage's hit lists", rich_help_panel=_DATA)
    ] = None,
    split: Annotated[str | None, typer.Option(help="of a public set", rich_help_panel=_DATA)] = None,
    queries: Annotated[
        int, typer.Option(min=1, help="measure so many, evenly spread", rich_help_panel=_DATA)
    ] = 200,
    depth: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="rerank so many hits; without it 50, or all candidates of a set that has no order of them",
            rich_help_panel=_DATA,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="bundled, a folder or a hub id; may be repeated", rich_help_panel=_SYSTEMS),
    ] = None,
    engine: Annotated[
        list[Engine] | None, typer.Option(help="may be repeated", rich_help_panel=_SYSTEMS)
    ] = None,
    precision: Annotated[
        list[Precision] | None, typer.Option(help="may be repeated", rich_help_panel=_SYSTEMS)
    ] = None,
    graph: Annotated[
        list[Graph] | None,
        typer.Option(help="may be repeated", rich_help_panel=_SYSTEMS),
    ] = None,
    url: Annotated[
        list[str] | None,
        typer.Option(
            help="a reranking endpoint as DIALECT=URL: hits, cohere or tei; may be repeated",
            rich_help_panel=_SYSTEMS,
        ),
    ] = None,
    url_model: Annotated[
        str | None, typer.Option(help="the model that the endpoints are asked for", rich_help_panel=_SYSTEMS)
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(
            help="another system's TREC run as NAME=FILE; may be repeated", rich_help_panel=_SYSTEMS
        ),
    ] = None,
    fusion: Annotated[
        bool, typer.Option(help="each model fused with the first stage too", rich_help_panel=_SYSTEMS)
    ] = True,
    opensearch: Annotated[
        str | None,
        typer.Option(help="URL of the cluster with the index: http://host:9200/docs", rich_help_panel=_LIVE),
    ] = None,
    search_door: Annotated[
        str | None,
        typer.Option(
            help="URL of a sidecar's search door: .../v1/search/docs, perhaps with ?index=",
            rich_help_panel=_LIVE,
        ),
    ] = None,
    template: Annotated[
        Path | None, typer.Option(help='the search body, with "{{query}}" in it', rich_help_panel=_LIVE)
    ] = None,
    text_field: Annotated[
        list[str] | None, typer.Option(help="of a document's _source; may be repeated", rich_help_panel=_LIVE)
    ] = None,
    pipeline: Annotated[
        list[str] | None,
        typer.Option(help="a search pipeline to measure beside it; may be repeated", rich_help_panel=_LIVE),
    ] = None,
    dsn: Annotated[str | None, typer.Option(help="of PostgreSQL", rich_help_panel=_LIVE)] = None,
    sql: Annotated[
        Path | None, typer.Option(help="the statement, with %(query)s and %(size)s", rich_help_panel=_LIVE)
    ] = None,
    rerank_sql: Annotated[
        Path | None,
        typer.Option(help="a statement that reranks, to measure beside it", rich_help_panel=_LIVE),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="nDCG@k, MRR@k, MAP@k, Recall@k; the first is what fusion and curves go by",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="keep scores there, and go on where an earlier run stopped", rich_help_panel=_REPORT
        ),
    ] = None,
    json: JsonOption = None,
    html: HtmlOption = None,
    compare: CompareOption = None,
    measure_threshold: MeasureThresholdOption = 0.005,
) -> None:
    """Measure systems side by side on queries with labels: the first stage, models, endpoints, and their fusion.

    Example: jrerank-admin bench quality --queries 50 --depth 20 --model bundled --html report.html
    """
    from jrerank.bench.quality.run import report
    from jrerank.bench.quality.scores import ScoreFile
    from jrerank.telemetry import configure_logging

    configure_logging("error", "console")
    live = LiveOptions(
        opensearch,
        search_door,
        template,
        tuple(text_field or ()),
        tuple(pipeline or ()),
        dsn,
        sql,
        rerank_sql,
    )
    files = DataOptions(layout, data, queries_file, passages, labels, hits, split)
    others = (*(url or ()), *(run or ()))
    with plain_errors():
        live.check()
        outputs = Outputs.open("quality", json, html, compare)
        models = _settings(model, engine, precision, graph)
        chosen = models if model or engine or precision or graph or not others else []
        with Progress() as progress:
            whole = _labelled(open_data(files))
            collection = whole.sample(queries)
            found = search(live, collection, depth or _DEPTH, progress) if live.given else None
            plan = _plan(files, collection, found, measure, depth, fusion)
            plan = replace(plan, unlabelled=len(whole.queries) - len(whole.measurable))
            systems = given_answers(plan, found, run or ())
            systems += asyncio.run(
                scored_answers(plan, chosen, url or (), url_model, ScoreFile.open(resume), progress)
            )
            result = report(plan, systems)
        outputs.deliver(result, measure_threshold=measure_threshold)


def _settings(
    models: list[str] | None,
    engines: list[Engine] | None,
    precisions: list[Precision] | None,
    graphs: list[Graph] | None,
) -> list[Settings]:
    """Every combination; what isn't given is as the environment has it."""
    nothing: list[None] = [None]
    names = ("model", "engine", "precision", "graph")
    chosen = (values or nothing for values in (models, engines, precisions, graphs))
    return [Settings.load(**dict(zip(names, values, strict=True))) for values in product(*chosen)]


def _labelled(collection: Collection) -> Collection:
    if not collection.measurable:
        raise InvalidInput(
            f"{collection.name}: none of {len(collection.queries)} queries has labels; `bench labels` makes some",
            field="labels",
        )
    return collection


def _plan(
    files: DataOptions,
    collection: Collection,
    live: LiveResults | None,
    measures: list[str] | None,
    depth: int | None,
    fusion: bool,
) -> Plan:
    from jrerank.bench.quality.run import Plan
    from jrerank.evaluation.measures import Measure

    lists = (collection.with_hits(live.first.hits) if live else collection).check()
    names = measures or [main_measure(files.layout), *_MEASURES]
    chosen = list(dict.fromkeys(map(Measure.parse, names)))
    deep = depth or _depth_of(lists)
    return Plan(lists, chosen, deep, fusion, parameters=quality_parameters(files.layout, lists, deep))


def _depth_of(lists: Collection) -> int:
    """Of candidates without an order any smaller depth would leave relevant ones out by chance."""
    return lists.deepest if lists.shuffled else _DEPTH
