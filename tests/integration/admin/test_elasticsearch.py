"""`jrerank-admin elasticsearch`, against recorded inference endpoints that ask a real sidecar."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from integration.admin.conftest import KEY, Run
from jrerank.admin.elasticsearch.inference import SERVICES, retriever_body
from recordings.inference import InferenceServer
from sidecars import RunningSidecar

QUERY = "富士山の高さ"
PASSAGES = {
    "a": {"text": "味噌汁の作り方を紹介する。"},
    "b": {"text": "東京の人口はおよそ1400万人である。"},
    "c": {"text": "富士山の標高は3776メートルで、日本で最も高い山である。"},
}
EITHER = pytest.mark.parametrize("service", list(SERVICES))


@pytest.fixture
def cluster(admin: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[InferenceServer]:
    with InferenceServer() as running:
        running.passages = dict(PASSAGES)
        monkeypatch.setenv("JRERANK_ELASTICSEARCH_URL", running.url)
        yield running


def setup(admin: Run, sidecar: RunningSidecar, *more: str, exit_code: int = 0) -> str:
    return admin("elasticsearch", "setup", "--sidecar-url", sidecar.url, *more, exit_code=exit_code).output


def order(cluster: InferenceServer, body: object) -> list[str]:
    answer = httpx.post(f"{cluster.url}/passages/_search", json=body).json()
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def best(sidecar: RunningSidecar) -> list[str]:
    """What the sidecar says, asked directly."""
    documents = [passage["text"] for passage in PASSAGES.values()]
    with sidecar.client(KEY) as http:
        results = http.post("/v1/rerank", json={"query": QUERY, "documents": documents}).json()["results"]
    return [list(PASSAGES)[one["index"]] for one in results]


class TestSetup:
    @EITHER
    def test_a_search_is_reranked_by_the_real_sidecar(
        self, cluster: InferenceServer, admin: Run, sidecar: RunningSidecar, service: str
    ) -> None:
        setup(admin, sidecar, "--service", service)
        assert order(cluster, retriever_body("jrerank", "text", QUERY)) == best(sidecar) != list(PASSAGES)

    def test_the_search_that_it_shows_works(
        self, cluster: InferenceServer, admin: Run, sidecar: RunningSidecar
    ) -> None:
        printed = setup(admin, sidecar)
        assert order(cluster, json.loads(printed[printed.index("{") :])) == best(sidecar)

    @EITHER
    def test_a_second_run_changes_nothing(
        self, cluster: InferenceServer, admin: Run, sidecar: RunningSidecar, service: str
    ) -> None:
        setup(admin, sidecar, "--service", service)
        cluster.seen.clear()
        assert "as it should be" in setup(admin, sidecar, "--service", service)
        assert [f"{one.method} {one.path}" for one in cluster.seen] == [
            "GET /_inference/rerank/jrerank", "POST /_inference/rerank/jrerank",
        ]  # fmt: skip

    def test_another_service_address_or_deadline_replaces_it(
        self, cluster: InferenceServer, admin: Run, sidecar: RunningSidecar, keyless_sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        assert "replaced" in setup(admin, sidecar, "--timeout-ms", "900")
        assert "replaced" in setup(admin, sidecar, "--service", "hugging_face")
        assert "replaced" in setup(admin, keyless_sidecar, "--service", "hugging_face")
        assert cluster.endpoints["jrerank"]["service_settings"]["url"] == f"{keyless_sidecar.url}/rerank"

    def test_another_key_on_request_since_the_cluster_does_not_show_it(
        self, cluster: InferenceServer, admin: Run, sidecar: RunningSidecar, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JRERANK_SIDECAR_API_KEY", "an-old-key")
        assert "401" in setup(admin, sidecar, exit_code=3)
        monkeypatch.setenv("JRERANK_SIDECAR_API_KEY", KEY)
        assert "401" in setup(admin, sidecar, exit_code=3)
        assert "replaced" in setup(admin, sidecar, "--replace")

    @EITHER
    def test_a_sidecar_without_keys(
        self,
        cluster: InferenceServer,
        admin: Run,
        keyless_sidecar: RunningSidecar,
        monkeypatch: pytest.MonkeyPatch,
        service: str,
    ) -> None:
        monkeypatch.delenv("JRERANK_SIDECAR_API_KEY")
        setup(admin, keyless_sidecar, "--service", service)

    @EITHER
    def test_the_script_of_a_dry_run_does_what_setup_does(
        self, cluster: InferenceServer, admin: Run, sidecar: RunningSidecar, service: str
    ) -> None:
        script = setup(admin, sidecar, "--service", service, "--dry-run")
        assert cluster.seen == []
        assert KEY not in script
        ran = subprocess.run(
            ["bash", "-euc", script], capture_output=True, text=True, check=False, timeout=60
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        made = cluster.endpoints.pop("jrerank")
        setup(admin, sidecar, "--service", service)
        assert cluster.endpoints["jrerank"] == made


@EITHER
def test_odd_texts_are_scored_one_by_one(
    cluster: InferenceServer, admin: Run, sidecar: RunningSidecar, service: str
) -> None:
    setup(admin, sidecar, "--service", service)
    odd = ['"引用"\n改行', "", " ", "\\ と 😀", "同じ", "同じ", "</s>", "x" * 50_000, "${query}"]
    ranked = cluster.ranked("jrerank", 'なに "これ" \\ 😀\n？', odd)
    assert sorted(one["index"] for one in ranked) == list(range(len(odd)))


def test_a_sidecar_that_is_gone_leaves_the_old_order(
    cluster: InferenceServer, admin: Run, sidecar: RunningSidecar
) -> None:
    setup(admin, sidecar)
    cluster.endpoints["jrerank"]["service_settings"]["url"] = "http://127.0.0.1:9/v1/rerank"
    assert order(cluster, retriever_body("jrerank", "text", QUERY)) == list(PASSAGES)
    printed = admin("elasticsearch", "status", "--index", "passages", "--query", QUERY, exit_code=1).output
    assert [line.split()[0] for line in printed.splitlines()] == ["ok", "ok", "ok", "FAIL", "FAIL"]


class TestStatus:
    def test_every_line_is_right(self, cluster: InferenceServer, admin: Run, sidecar: RunningSidecar) -> None:
        setup(admin, sidecar)
        printed = admin("elasticsearch", "status", "--index", "passages", "--query", QUERY).output
        assert {line.split()[1]: line.split()[0] for line in printed.splitlines()} == {
            "cluster": "ok", "licence": "ok", "endpoint": "ok", "infer": "ok", "probe": "ok"
        }  # fmt: skip

    def test_a_licence_without_the_retriever_is_said(
        self, cluster: InferenceServer, admin: Run, sidecar: RunningSidecar
    ) -> None:
        cluster.licence = "basic"
        setup(admin, sidecar)
        assert "needs enterprise" in admin("elasticsearch", "status").output

    def test_no_endpoint(self, cluster: InferenceServer, admin: Run) -> None:
        assert "elasticsearch setup" in admin("elasticsearch", "status", exit_code=1).output


def test_remove_leaves_nothing(cluster: InferenceServer, admin: Run, sidecar: RunningSidecar) -> None:
    setup(admin, sidecar)
    assert "DELETE" in admin("elasticsearch", "remove", "--dry-run").output
    assert cluster.endpoints
    admin("elasticsearch", "remove")
    assert not cluster.endpoints
    assert "nothing" in admin("elasticsearch", "remove").output


def test_an_endpoint_that_somebody_else_made_is_left_alone(
    cluster: InferenceServer, admin: Run, sidecar: RunningSidecar
) -> None:
    theirs = {"service": "cohere", "service_settings": {"model_id": "rerank-v3.5", "api_key": "theirs"}}
    cluster.endpoints = {"jrerank": theirs}
    assert "--replace" in setup(admin, sidecar, exit_code=2)
    assert "--force" in admin("elasticsearch", "remove", exit_code=2).output
    assert cluster.endpoints == {"jrerank": theirs}
    admin("elasticsearch", "remove", "--force")
    assert not cluster.endpoints
