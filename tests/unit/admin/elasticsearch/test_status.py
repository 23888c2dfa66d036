"""One line for each thing that a reranked search depends on."""

from __future__ import annotations

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.elasticsearch.status import Probe, findings
from recordings.inference import InferenceServer

DEAD = {
    "service": "custom",
    "service_settings": {"url": "http://127.0.0.1:9/v1/rerank", "headers": {}, "request": ""},
}


def run(server: InferenceServer, probe: Probe | None = None) -> dict[str, tuple[bool | None, str]]:
    cluster = LiveCluster(Connection("JRERANK_ELASTICSEARCH", server.url))
    return {one.name: (one.ok, one.text) for one in findings(cluster, "jrerank", probe)}


def test_without_the_licence_there_is_another_way() -> None:
    with InferenceServer(licence="basic") as server:
        found = run(server)
    assert found["licence"][0] is None
    assert "/v1/search" in found["licence"][1]
    assert found["endpoint"][0] is False


def test_a_dead_sidecar_fails_the_probe_though_it_would_not_fail_a_search() -> None:
    with InferenceServer() as server:
        server.endpoints["jrerank"] = DEAD
        server.passages = {"a": {"text": "山"}}
        found = run(server, Probe("passages", "text", "山"))
    assert found["infer"][0] is False
    assert found["probe"][0] is False
    assert "Failed to send request" in found["probe"][1]


def test_without_an_index_no_search_is_asked() -> None:
    with InferenceServer() as server:
        server.endpoints["jrerank"] = DEAD
        found = run(server, None)
    assert found["probe"] == (None, "not asked: name --index, --field and --query")
