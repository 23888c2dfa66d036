"""Settings -> a running sidecar."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from builders import tiny_config, write_checkpoint
from jrerank.assembly import limits_of, open_stores, running_service, searches_of
from jrerank.domain import Candidate, Outcome, RerankRequest
from jrerank.errors import ConfigurationError, ModelNotFound, Unavailable
from jrerank.models.recommendation import RECOMMENDATION_FILE
from jrerank.settings import Settings, StoreSettings
from jrerank.stores.search import SearchEngine
from tiny import second_tiny_model, tiny_settings

SEARCH = {"urls": "http://127.0.0.1:9", "index": "docs", "text_fields": ["title", "body"]}
POSTGRES = {"dsn": "postgresql://127.0.0.1:9/docs", "table": "docs"}


def settings_of(kind: Any, **given: object) -> Settings:
    well = POSTGRES if kind == "postgres" else SEARCH
    return Settings.load(stores={"docs": StoreSettings(kind=kind, **(well | given))})


@pytest.mark.parametrize("kind", ["opensearch", "elasticsearch"])
async def test_a_search_engine_is_a_store_that_can_be_searched(kind: str) -> None:
    async with open_stores(settings_of(kind)) as stores:
        assert isinstance(stores["docs"], SearchEngine)
        assert stores["docs"].text_fields == ("title", "body")


async def test_a_database_is_a_store_that_cannot_be_searched_and_may_be_down() -> None:
    async with open_stores(settings_of("postgres")) as stores:
        assert not isinstance(stores["docs"], SearchEngine)


@pytest.mark.parametrize(
    ("kind", "field", "value"), [("opensearch", "index", "*"), ("postgres", "table", "")]
)
async def test_what_is_wrong_with_a_store_is_named(kind: str, field: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"JRERANK_STORES\.docs\.{field}"):
        async with open_stores(settings_of(kind, **{field: value})):
            pass


@pytest.mark.parametrize(
    ("kind", "extra", "package"),
    [
        ("postgres", "postgres", "psycopg"),
        ("opensearch", "opensearch", "opensearchpy"),
        ("elasticsearch", "opensearch", "opensearchpy"),
    ],
)
async def test_a_missing_package_is_named_with_the_command_that_gets_it(
    kind: str, extra: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith(f"jrerank.stores.{extra}")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'jrerank\[{extra}\]'"):
        async with open_stores(settings_of(kind)):
            pass


@pytest.mark.parametrize("returns_text", [True, False])
async def test_only_a_store_that_may_give_its_texts_away_can_be_searched(returns_text: bool) -> None:
    async with open_stores(settings_of("opensearch", returns_text=returns_text)) as stores:
        assert bool(searches_of(stores)) is returns_text


@pytest.mark.usefixtures("no_measuring")
async def test_torch_serves_what_onnx_serves_and_counts_its_padding(tiny_folder: Path) -> None:
    passages = ("晴れ", "富士山の高さ", "今日の天気は？晴れです。" * 20)
    scores = []
    for engine in ("onnx", "torch"):
        request = RerankRequest(
            "空", tuple(Candidate(text, text) for text in passages), time.monotonic() + 30
        )
        async with running_service(tiny_settings(tiny_folder, engine=engine)) as service:
            ranking = await service.reranker.rerank(request)
            scores.append({hit.id: hit.logit for hit in ranking.hits})
            metrics = service.metrics.exposition().decode()
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    assert service.info.engine == "torch_packed"
    assert "jrerank_padding_tokens 0.0" in metrics


async def test_a_service_serves_until_it_is_left(tiny_folder: Path) -> None:
    request = RerankRequest("空", (Candidate("a", "晴れ"),), time.monotonic() + 30)
    async with running_service(tiny_settings(tiny_folder, api_keys="one,two", max_tokens=32)) as service:
        assert (await service.reranker.rerank(request)).outcome is Outcome.COMPLETE
        assert (service.info.precision, service.info.workers, service.info.max_tokens) == ("fp32", 1, 32)
        assert service.keys == ("one", "two")
        assert 'jrerank_model{model="' in service.metrics.exposition().decode()
    with pytest.raises(Unavailable, match="shutting down"):
        await service.reranker.rerank(RerankRequest("空", (Candidate("a", "雨"),), time.monotonic() + 30))


@pytest.mark.parametrize(
    ("setting", "expected", "tokens"), [(None, 20, 3 * 5 + 40 + 2 * 5), (32, 32, 2 * 5 + 40 + 8)]
)
async def test_a_folder_recommends_windows_unless_a_setting_says_otherwise(
    tmp_path: Path, setting: int | None, expected: int, tokens: int
) -> None:
    """Each window has the query and the marks, 5 tokens, and a quarter of the one before it."""
    settings = tiny_settings(tmp_path, window_tokens=setting)
    (tmp_path / "model" / RECOMMENDATION_FILE).write_text('{"window_tokens": 20}', encoding="utf-8")
    request = RerankRequest("空", (Candidate("a", "晴れ" * 40),), time.monotonic() + 30)
    async with running_service(settings) as service:
        ranking = await service.reranker.rerank(request)
        assert service.info.window_tokens == expected
        assert ranking.outcome is Outcome.COMPLETE
        assert ranking.tokens == tokens


async def test_no_thread_is_left_behind_when_something_goes_wrong(tiny_folder: Path) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with running_service(tiny_settings(tiny_folder)):
            raise asyncio.CancelledError
    with pytest.raises(ModelNotFound):
        async with running_service(Settings.load(model="random:huge")):
            pass


def test_every_limit_is_a_setting(tiny_folder: Path) -> None:
    changes = {"body_bytes": 1, "open_body_bytes": 2, "documents": 3, "query_chars": 4, "passage_chars": 5}
    limits = limits_of(tiny_settings(tiny_folder, **{f"max_{name}": size for name, size in changes.items()}))
    assert {name: getattr(limits, name) for name in changes} == changes


async def test_a_second_model_reads_the_top_of_what_the_first_one_ranks(tiny_folder: Path) -> None:
    texts = ("晴れ", "富士山の高さ", "空", "今日の天気は？", "海")
    candidates = tuple(Candidate(text, text) for text in texts)
    second = second_tiny_model(tiny_folder)
    rankings = []
    for changes in ({}, {"model": second["second_model"]}, second):
        request = RerankRequest("空", candidates, time.monotonic() + 30)
        async with running_service(tiny_settings(tiny_folder, **changes)) as service:
            rankings.append(await service.reranker.rerank(request))
            info, metrics = service.info, service.metrics.exposition().decode()
    first, alone, both = rankings
    head = {hit.id for hit in first.hits[:3]}
    assert [hit.id for hit in both.hits] == [
        *(hit.id for hit in alone.hits if hit.id in head),
        *(hit.id for hit in first.hits[3:]),
    ]
    assert [hit.score for hit in both.hits] == [hit.score for hit in first.hits]
    by_second = {hit.id: hit.logit for hit in alone.hits}
    assert all(hit.second_logit == by_second[hit.id] for hit in both.hits[:3])
    assert info.second is not None
    assert (info.second.model, info.second.depth) == (second["second_model"], 3)
    assert info.second.token_cost > 0
    assert f'jrerank_second_model_token_cost{{model="{second["second_model"]}",precision="fp32"}}' in metrics


async def test_a_second_model_that_cannot_be_served_is_refused_by_the_name_of_its_setting(
    tiny_folder: Path, tmp_path: Path
) -> None:
    broken = write_checkpoint(tmp_path / "broken", tiny_config())
    (broken / "model.safetensors").write_bytes(b"{}")
    for model, said in ((str(broken), "model.safetensors"), ("random:huge", "random:huge")):
        with pytest.raises(ConfigurationError, match=rf"JRERANK_SECOND_MODEL: .*{said}"):
            async with running_service(tiny_settings(tiny_folder, second_model=model)):
                pass


@pytest.mark.usefixtures("no_measuring")
async def test_torch_runs_two_models(tiny_folder: Path) -> None:
    request = RerankRequest("空", tuple(Candidate(text, text) for text in "晴空海"), time.monotonic() + 30)
    settings = tiny_settings(tiny_folder, engine="torch", **second_tiny_model(tiny_folder))
    async with running_service(settings) as service:
        ranking = await service.reranker.rerank(request)
    assert (service.info.engine, ranking.outcome, ranking.second_read) == (
        "torch_packed",
        Outcome.COMPLETE,
        3,
    )


async def test_two_models_do_not_share_apples_gpu(tiny_folder: Path) -> None:
    settings = tiny_settings(tiny_folder, device="mps", **second_tiny_model(tiny_folder))
    with pytest.raises(ConfigurationError, match=r"JRERANK_SECOND_MODEL: .*Apple"):
        async with running_service(settings):
            pass
