"""Settings -> a running sidecar."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

from builders import tiny_config, write_checkpoint
from jrerank.assembly import (
    choose_graph,
    limits_of,
    load_checkpoint,
    open_stores,
    running_service,
    searches_of,
)
from jrerank.domain import Candidate, Outcome, RerankRequest
from jrerank.errors import ArtifactError, ConfigurationError, ModelNotFound, Unavailable
from jrerank.models.graph import build_graph
from jrerank.settings import Settings, StoreSettings
from jrerank.stores.search import SearchEngine
from tiny import tiny_settings

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


async def test_a_service_serves_until_it_is_left(tiny_folder: Path) -> None:
    request = RerankRequest("空", (Candidate("a", "晴れ"),))
    async with running_service(tiny_settings(tiny_folder, api_keys="one,two", max_tokens=32)) as service:
        assert (await service.reranker.rerank(request)).outcome is Outcome.COMPLETE
        assert (service.info.precision, service.info.workers, service.info.max_tokens) == ("fp32", 1, 32)
        assert service.keys == ("one", "two")
        assert 'jrerank_model{model="' in service.metrics.exposition().decode()
    with pytest.raises(Unavailable, match="shutting down"):
        await service.reranker.rerank(RerankRequest("空", (Candidate("a", "雨"),)))


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


def chosen(settings: Settings) -> tuple[str, str, bool]:
    graph = choose_graph(settings, load_checkpoint(settings))
    return graph.precision, graph.path.name, graph.gate is not None


def test_int8_serves_when_the_gate_lets_it(tiny_folder: Path) -> None:
    lenient = {"precision": "int8", "gate_max_score_shift": 1, "gate_max_inversion": 1}
    assert chosen(tiny_settings(tiny_folder, **lenient)) == ("int8", "model.onnx", True)


def test_fp32_serves_when_the_gate_does_not_and_it_is_said(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = tiny_settings(tiny_folder, precision="int8", gate_max_score_shift=1e-9)
    assert chosen(strict) == ("fp32", "model.onnx", True)
    assert "quality_gate_failed" in capsys.readouterr().out


def test_fp32_is_not_asked_about(tiny_folder: Path) -> None:
    assert chosen(tiny_settings(tiny_folder, precision="fp32")) == ("fp32", "model.onnx", False)


@pytest.fixture
def prebuilt(tmp_path: Path) -> Path:
    """A folder for `tiny.py` whose model brings its own graphs; the int8 one is as good as exact."""
    settings = tiny_settings(tmp_path)
    checkpoint = load_checkpoint(settings)
    folder = tmp_path / "model" / "onnx"
    folder.mkdir()
    onnx.save(build_graph(checkpoint.config, checkpoint.weights()), folder / "model.onnx")
    for name in ("model_qint8_avx2.onnx", "model_qint8_arm64.onnx"):
        shutil.copy(folder / "model.onnx", folder / name)
    return tmp_path


def test_prebuilt_graphs_serve_as_they_are(prebuilt: Path) -> None:
    assert chosen(tiny_settings(prebuilt, graph="prebuilt")) == ("fp32", "model.onnx", False)
    precision, name, asked = chosen(tiny_settings(prebuilt, graph="prebuilt", precision="int8"))
    assert (precision, name.startswith("model_qint8"), asked) == ("int8", True, True)


def test_the_gate_is_asked_about_a_prebuilt_int8_graph_too(prebuilt: Path) -> None:
    """Here it is the graph of another model: whoever put it there was mistaken."""
    other = write_checkpoint(prebuilt / "other", tiny_config(local_rope_theta=3.0, global_rope_theta=3.0))
    checkpoint = load_checkpoint(Settings.load(model=str(other)))
    for graph in (prebuilt / "model" / "onnx").glob("model_qint8_*"):
        onnx.save(build_graph(checkpoint.config, checkpoint.weights()), graph)
    assert chosen(tiny_settings(prebuilt, graph="prebuilt", precision="int8")) == ("fp32", "model.onnx", True)


def test_a_prebuilt_graph_that_is_not_there_or_damaged_is_an_error(prebuilt: Path) -> None:
    settings = tiny_settings(prebuilt, graph="prebuilt")
    (prebuilt / "model" / "onnx" / "model.onnx").write_bytes(b"half")
    with pytest.raises(ArtifactError):
        chosen(settings)
    (prebuilt / "model" / "onnx" / "model.onnx").unlink()
    with pytest.raises(ModelNotFound, match="--graph prebuilt"):
        chosen(settings)
