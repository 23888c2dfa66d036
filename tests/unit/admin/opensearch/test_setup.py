"""Options of one route say so on the other."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner, Result

from jrerank.admin.app import app
from recordings.server import Asked, RecordedServer, engine_error


class PluginCluster(RecordedServer):
    """One node with the plugin, whose settings name the endpoints `main` and `spare`."""

    def __init__(self) -> None:
        node = {"name": "n", "plugins": [{"name": "jrerank"}], "endpoints": {"main": [], "spare": []}}
        self.pipelines: dict[str, Any] = {}
        self.defaults: dict[str, str] = {}
        super().__init__(
            [
                ("GET /_nodes/plugins", lambda asked: {"nodes": {"n": node}}),
                ("GET /_plugins/_jrerank/stats", lambda asked: {"nodes": {"n": node}}),
                ("GET /_all/_settings/.*", self.all_settings),
                ("GET /_search/pipeline/(.*)", self.get),
                ("PUT /_search/pipeline/(.*)", self.put),
            ]
        )

    def all_settings(self, asked: Asked) -> dict[str, Any]:
        return {}

    def get(self, asked: Asked) -> dict[str, Any]:
        if asked.match[0] not in self.pipelines:
            raise engine_error(404, "no such pipeline")
        return {asked.match[0]: self.pipelines[asked.match[0]]}

    def put(self, asked: Asked) -> dict[str, Any]:
        self.pipelines[asked.match[0]] = asked.body
        return {"acknowledged": True}

    def setup(self, *options: str) -> Result:
        return CliRunner().invoke(app, ["opensearch", "--url", self.url, "setup", *options])


def setup(*options: str) -> Result:
    return CliRunner().invoke(app, ["opensearch", "setup", *options, "--dry-run"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sidecar-url", "http://a"], "--sidecar-url means nothing on the plugin route"),
        (["--private"], "--private means nothing on the plugin route"),
        (["--no-cluster-settings"], "--cluster-settings means nothing on the plugin route"),
        (["--route", "stock", "--window", "5"], "--window means nothing on the stock route"),
        (["--route", "stock", "--hit-details"], "--hit-details means nothing on the stock route"),
        (["--route", "stock"], "name the sidecar's address"),
        (["--route", "both"], "there are plugin and stock"),
        (["--on-failure", "ignore"], "there are keep and error"),
        (["--fusion", "mean"], "linear:WEIGHT"),
    ],
)
def test_wrong_usage_is_one_line(options: list[str], said: str) -> None:
    result = setup(*options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_dry_run_of_the_plugin_route_prints_the_pipeline_and_the_default() -> None:
    result = setup("--default-for", "passages", "--fusion", "rrf:60")
    assert result.exit_code == 0
    pipeline, default = result.stdout.splitlines()
    assert pipeline.endswith("/_search/pipeline/rerank")
    assert '"rank_constant": 60' in pipeline
    assert default.endswith("/passages/_settings")


def test_indexes_whose_settings_may_not_be_read_are_told_and_the_pipeline_is_made() -> None:
    class Forbidding(PluginCluster):
        def all_settings(self, asked: Asked) -> dict[str, Any]:
            raise engine_error(403, "no permissions for [indices:monitor/settings/get]")

    with Forbidding() as server:
        result = server.setup("--endpoint", "main")
        assert result.exit_code == 0, result.output
        assert "default   unknown: " in result.stdout
        assert "rerank" in server.pipelines


class TestRunAgain:
    @staticmethod
    def reranker(server: PluginCluster) -> dict[str, Any]:
        found: dict[str, Any] = server.pipelines["rerank"]["response_processors"][0]["jrerank"]
        return found

    def test_what_is_not_named_stays(self) -> None:
        with PluginCluster() as server:
            server.setup(
                "--endpoint", "main", "--fusion", "linear:0.6", "--min-score", "0.2", "--on-failure", "error"
            )
            before = self.reranker(server)
            result = server.setup("--timeout-ms", "900")
            assert result.exit_code == 0, result.output
            assert self.reranker(server) == before | {"timeout_ms": 900}
            assert "kept      " in result.stdout
            assert "min-score 0.2" in result.stdout

    def test_a_reset_takes_the_defaults(self) -> None:
        with PluginCluster() as server:
            server.setup("--endpoint", "main", "--min-score", "0.2", "--field", "body")
            server.setup("--endpoint", "spare", "--reset")
            assert self.reranker(server) == {"endpoint": "spare", "timeout_ms": 500, "on_failure": "keep"}
            window = server.pipelines["rerank"]["request_processors"][0]["jrerank_window"]
            assert window["passage_fields"] == ["title", "text"]

    def test_a_pipeline_that_reads_by_a_store_goes_on_reading_by_it(self) -> None:
        with PluginCluster() as server:
            server.setup("--endpoint", "main", "--store", "docs")
            server.setup("--window", "50")
            assert self.reranker(server)["store"] == "docs"
            window = server.pipelines["rerank"]["request_processors"][0]["jrerank_window"]
            assert (window["window"], "passage_fields" in window) == (50, False)

    def test_fields_take_the_place_of_a_store_and_the_reverse(self) -> None:
        with PluginCluster() as server:
            server.setup("--endpoint", "main", "--store", "docs")
            server.setup("--field", "body")
            assert "store" not in self.reranker(server)
            server.setup("--store", "docs")
            assert (
                "passage_fields" not in server.pipelines["rerank"]["request_processors"][0]["jrerank_window"]
            )

    def test_fusion_and_details_can_be_taken_away(self) -> None:
        with PluginCluster() as server:
            server.setup("--endpoint", "main", "--fusion", "rrf:60", "--hit-details")
            server.setup("--fusion", "none", "--no-hit-details")
            assert not {"fusion", "hit_details"} & self.reranker(server).keys()
