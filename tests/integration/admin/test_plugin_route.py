"""`jrerank-admin opensearch` against a real node with the plugin, which asks a real sidecar."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.admin.conftest import KEY, Run
from integration.opensearch.conftest import need
from integration.opensearch.search import Engine, ids, marker
from jrerank.admin.opensearch.bodies import body
from jrerank.admin.opensearch_node.node import Node
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3
from sidecars import RunningSidecar

pytestmark = pytest.mark.node

QUERY = "富士山の標高は何メートルか"
MATCH = {"multi_match": {"query": QUERY, "fields": ["title", "text"]}}
LINES = [
    {"id": "a", "title": "登山", "text": "富士山に登る人は多い。富士山の山小屋と登山道について、富士山の案内所が説明する。"},
    {"id": "b", "title": "料理", "text": "味噌汁の作り方を紹介する。"},
    {"id": "c", "title": "富士山", "text": "富士山の標高は3776メートルで、日本で最も高い山である。"},
    {"id": "d", "title": "測量", "text": "標高は何を基準に測るのか。メートルは長さの単位である。"},
]  # fmt: skip


@pytest.fixture(scope="module")
def node(sidecar: RunningSidecar) -> Iterator[Node]:
    need(OPENSEARCH_3)
    settings = {
        "jrerank.endpoint.main.urls": sidecar.url,
        "jrerank.endpoint.spare.urls": "http://127.0.0.1:9",
    }
    with Node(OPENSEARCH_3, settings, {"jrerank.endpoint.main.api_key": KEY}) as running:
        yield running


@pytest.fixture
def engine(node: Node, admin: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The cluster, empty, and the one that the command line means."""
    monkeypatch.setenv("JRERANK_OPENSEARCH_URL", node.url)
    with Engine(node.url) as running:
        yield running
        running.http.delete("/passages")
        for name in running.http.get("/_search/pipeline").json():
            running.http.delete(f"/_search/pipeline/{name}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "passages.jsonl"
    made.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES), encoding="utf-8")
    return made


def setup(admin: Run, *more: str, exit_code: int = 0) -> str:
    return admin("opensearch", "setup", "--endpoint", "main", *more, exit_code=exit_code).output


def index(admin: Run, file: Path, *more: str) -> str:
    return admin("opensearch", "index", "passages", str(file), "--replicas", "0", *more).output


def test_from_nothing_to_a_reranked_search_and_back(
    engine: Engine, admin: Run, file: Path, sidecar: RunningSidecar
) -> None:
    setup(admin, "--window", "50", "--timeout-ms", "10000")
    index(admin, file, "--pipeline", "rerank")
    answer = engine.search({"query": MATCH}, "passages")
    plain = engine.plain({"query": MATCH}, "passages")
    assert marker(answer)["outcome"] == "complete"
    assert ids(answer) == _asked_directly(sidecar, plain["hits"]["hits"])
    assert ids(answer)[0] == "c"
    printed = admin("opensearch", "status").output
    assert _marks(printed) == {
        "cluster": "ok", "pipeline": "ok", "plugin": "ok", "endpoint": "ok", "default": "note", "fields": "ok", "probe": "ok"
    }  # fmt: skip
    admin("opensearch", "remove")
    assert engine.http.get("/_search/pipeline/rerank").status_code == 404
    assert "ext" not in engine.search({"query": MATCH}, "passages")
    assert "nothing" in admin("opensearch", "remove").output


def _asked_directly(sidecar: RunningSidecar, hits: list[dict[str, object]]) -> list[str]:
    sent = [
        {"id": hit["_id"], "text": f"{hit['_source']['title']}\n{hit['_source']['text']}"}  # type: ignore[index]
        for hit in hits
    ]
    with sidecar.client(KEY) as http:
        return [
            hit["id"] for hit in http.post("/v1/hits", json={"query": QUERY, "hits": sent}).json()["hits"]
        ]


class TestSetup:
    def test_all_that_a_pipeline_can_say(self, engine: Engine, admin: Run) -> None:
        setup(
            admin, "--field", "body", "--window", "30", "--timeout-ms", "250", "--fusion", "linear:0.3", "--hit-details",
            "--max-tokens-per-doc", "512", "--on-failure", "error", "--pipeline", "all",
            "--query-text-path", "query.match.body.query",
        )  # fmt: skip
        shown = json.loads(admin("opensearch", "pipeline", "show", "--pipeline", "all").stdout)
        path = "query.match.body.query"
        window = {"window": 30, "timeout_ms": 250, "passage_fields": ["body"], "query_text_path": path}
        assert shown["request_processors"] == [{"jrerank_window": window}]
        assert shown["response_processors"] == [
            {"jrerank": {
                "endpoint": "main", "timeout_ms": 250, "fusion": {"method": "linear", "weight": 0.3}, "hit_details": True,
                "max_tokens_per_doc": 512, "on_failure": "error",
            }}
        ]  # fmt: skip

    def test_a_second_run_changes_what_it_names(self, engine: Engine, admin: Run) -> None:
        setup(admin, "--fusion", "linear:0.3", "--min-score", "0.1", "--field", "body")
        before = json.loads(admin("opensearch", "pipeline", "show").stdout)
        assert "kept" in admin("opensearch", "setup", "--window", "30").output
        before["request_processors"][0]["jrerank_window"]["window"] = 30
        assert json.loads(admin("opensearch", "pipeline", "show").stdout) == before

    def test_an_existing_index_can_be_given_it(self, engine: Engine, admin: Run, file: Path) -> None:
        index(admin, file)
        setup(admin, "--default-for", "passages", "--timeout-ms", "10000")
        assert marker(engine.search({"query": MATCH}, "passages"))["reranked"] > 0

    def test_several_endpoints_are_to_be_chosen_from(self, engine: Engine, admin: Run) -> None:
        refused = admin("opensearch", "setup", exit_code=2).stderr
        assert "main, spare" in refused
        assert (
            "no endpoint elsewhere"
            in admin("opensearch", "setup", "--endpoint", "elsewhere", exit_code=2).stderr
        )

    def test_an_index_that_is_not_there(self, engine: Engine, admin: Run) -> None:
        assert "no such index" in setup(admin, "--default-for", "nowhere", exit_code=3)


class TestIndex:
    def test_kuromoji_finds_words_where_characters_would_mislead(
        self, engine: Engine, admin: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "two.jsonl"
        file.write_text(
            '{"id": "x", "text": "東京都に行った"}\n{"id": "y", "text": "京都に行った"}\n', encoding="utf-8"
        )
        assert "kuromoji" in index(admin, file)
        assert ids(engine.search({"query": {"match": {"text": "京都"}}}, "passages")) == ["y"]

    def test_more_is_added_to_what_is_there(self, engine: Engine, admin: Run, file: Path) -> None:
        index(admin, file)
        setup(admin, "--timeout-ms", "10000")
        assert "as it is" in index(admin, file, "--pipeline", "rerank")
        assert marker(engine.search({"query": MATCH}, "passages"))["outcome"] == "complete"
        assert engine.search({"size": 0}, "passages")["hits"]["total"]["value"] == len(LINES)

    @pytest.mark.parametrize("is_there", [False, True])
    def test_a_pipeline_that_is_not_there_leaves_all_as_it_is(
        self, engine: Engine, admin: Run, file: Path, is_there: bool
    ) -> None:
        if is_there:
            index(admin, file)
        refused = admin("opensearch", "index", "passages", str(file), "--pipeline", "rernak", exit_code=2)
        assert "no search pipeline rernak" in refused.stderr
        assert engine.http.get("/passages").status_code == (200 if is_there else 404)
        if is_there:
            assert "ext" not in engine.search({"query": MATCH}, "passages")

    def test_vectors_are_kept_where_there_is_no_knn(self, engine: Engine, admin: Run, tmp_path: Path) -> None:
        file = tmp_path / "vectors.jsonl"
        file.write_text('{"id": "x", "text": "空", "vector": [0.1, 0.2, 0.3]}\n', encoding="utf-8")
        assert "no k-NN plugin" in index(admin, file)
        (hit,) = engine.search({}, "passages")["hits"]["hits"]
        assert hit["_source"]["vector"] == [0.1, 0.2, 0.3]

    def test_a_passage_that_the_index_refuses_is_named(
        self, engine: Engine, admin: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "odd.jsonl"
        file.write_text('{"id": "x", "number": 1}\n{"id": "y", "number": "不明"}\n', encoding="utf-8")
        refused = admin("opensearch", "index", "passages", str(file), exit_code=3).output
        assert "passage y was refused: 400" in refused

    def test_a_dry_run_writes_nothing(self, engine: Engine, admin: Run, file: Path) -> None:
        printed = admin("opensearch", "index", "passages", str(file), "--dry-run").stdout
        assert "/passages/_bulk" in printed
        assert engine.http.get("/passages").status_code == 404


class TestStatus:
    def test_a_search_that_is_let_through_is_not_taken_for_reranked(
        self, engine: Engine, admin: Run, file: Path
    ) -> None:
        admin("opensearch", "setup", "--endpoint", "spare")
        index(admin, file, "--pipeline", "rerank")
        printed = admin("opensearch", "status", exit_code=1).output
        assert "passthrough: " in printed

    def test_no_index_to_ask(self, engine: Engine, admin: Run) -> None:
        setup(admin)
        assert _marks(admin("opensearch", "status").output)["probe"] == "note"
        refused = admin("opensearch", "status", "--index", "nowhere", exit_code=1).output
        assert "no index nowhere" in refused


def test_a_pipeline_made_by_hand_is_removed_by_force_alone(engine: Engine, admin: Run, file: Path) -> None:
    setup(admin)
    pipeline = json.loads(admin("opensearch", "pipeline", "show").stdout)
    engine.put("/_search/pipeline/rerank", pipeline | {"description": "search team: ours"})
    index(admin, file, "--pipeline", "rerank")
    assert "not made by setup" in admin("opensearch", "remove", exit_code=2).stderr
    assert "ext" in engine.search({"query": MATCH}, "passages")
    admin("opensearch", "remove", "--force")
    assert "ext" not in engine.search({"query": MATCH}, "passages")


def test_the_stock_pipeline_around_the_rerank_processor(engine: Engine, admin: Run, file: Path) -> None:
    """The node has no `rerank`, but all else of the stock pipeline."""
    index(admin, file)
    stock = body(
        "opensearch/bodies/stock-pipeline.json",
        description="",
        oversample=3.0,
        model_id="m",
        passage_fields=[],
    )
    stock["response_processors"] = [one for one in stock["response_processors"] if "rerank" not in one]
    engine.put("/_search/pipeline/stock", stock)
    answer = engine.search({"query": {"match_all": {}}, "size": 1}, "passages", search_pipeline="stock")
    assert len(ids(answer)) == 1


def test_the_plugin_is_where_path_says(admin: Run) -> None:
    need(OPENSEARCH_3)
    built = admin("opensearch", "plugin", "build").stdout.strip()
    assert admin("opensearch", "plugin", "path").stdout.strip() == built
    assert "plugin-descriptor.properties" in zipfile.ZipFile(built).namelist()


def _marks(printed: str) -> dict[str, str]:
    return {line.split()[1]: line.split()[0] for line in printed.splitlines()}
