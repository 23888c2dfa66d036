"""`opensearch setup --route stock`, against a recorded ML Commons whose predictions are those of a real sidecar."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integration.admin.conftest import KEY, Run
from jrerank.admin.opensearch.trust import (
    ONLY_ML_NODES,
    PRIVATE_IP,
    TRUSTED,
    TRUSTED_PRIVATE,
    trusted_pattern,
)
from recordings.ml_commons import MlCommons
from recordings.server import Asked, engine_error
from sidecars import RunningSidecar

QUERY = "富士山の高さ"
PASSAGES = {
    "a": {"title": "味噌汁", "text": "味噌汁の作り方を紹介する。"},
    "b": {"title": "東京", "text": "東京の人口はおよそ1400万人である。"},
    "c": {"title": "富士山", "text": "富士山の標高は3776メートルで、日本で最も高い山である。"},
}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, admin: Run) -> Iterator[MlCommons]:
    with MlCommons() as running:
        running.passages = dict(PASSAGES)
        monkeypatch.setenv("JRERANK_OPENSEARCH_URL", running.url)
        yield running


def setup(admin: Run, sidecar: RunningSidecar, *more: str, exit_code: int = 0) -> str:
    arguments = ("opensearch", "setup", "--route", "stock", "--sidecar-url", sidecar.url, *more)
    return admin(*arguments, exit_code=exit_code).output


def order(cluster: MlCommons, size: int = 3) -> list[str]:
    """What a search of the cluster's users gets."""
    ext = {"rerank": {"query_context": {"query_text": QUERY}}}
    answer = httpx.post(
        f"{cluster.url}/passages/_search?search_pipeline=rerank", json={"size": size, "ext": ext}
    ).json()
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def best(sidecar: RunningSidecar) -> list[str]:
    """What the sidecar says, asked directly."""
    documents = [passage["text"] for passage in PASSAGES.values()]
    with sidecar.client(KEY) as http:
        results = http.post("/v1/rerank", json={"query": QUERY, "documents": documents}).json()["results"]
    return [list(PASSAGES)[one["index"]] for one in results]


class TestSetup:
    def test_a_search_is_reranked_by_the_real_sidecar(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        printed = setup(admin, sidecar, "--field", "text", "--oversample", "3")
        assert order(cluster) == best(sidecar) != list(PASSAGES)
        assert order(cluster, size=1) == best(sidecar)[:1], "the best of three, though one was asked for"
        assert [line.split()[0] for line in printed.splitlines()] == [
            "settings", "connector", "model", "predict", "pipeline",
        ]  # fmt: skip

    def test_what_it_allows_is_added_to_what_was_allowed(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        before = list(cluster.setting("trusted_connector_endpoints_regex"))
        setup(admin, sidecar)
        pattern = trusted_pattern(sidecar.url)
        assert cluster.settings["persistent"] == {
            TRUSTED: [*before, pattern],
            PRIVATE_IP: "true",
            TRUSTED_PRIVATE: [pattern],
            ONLY_ML_NODES: "false",
        }

    def test_releases_before_3_7_have_no_list_of_private_addresses(
        self, monkeypatch: pytest.MonkeyPatch, admin: Run, sidecar: RunningSidecar
    ) -> None:
        with MlCommons(version="3.6.1") as old:
            monkeypatch.setenv("JRERANK_OPENSEARCH_URL", old.url)
            setup(admin, sidecar)
            assert TRUSTED_PRIVATE not in old.settings["persistent"]

    def test_a_second_run_changes_nothing(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        cluster.seen.clear()
        printed = setup(admin, sidecar)
        assert cluster.writes() == ["PUT /_search/pipeline/rerank"]
        assert printed.count("as it should be") == 1
        assert (len(cluster.connectors), len(cluster.models)) == (1, 1)

    def test_a_new_key_takes_another_model(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JRERANK_SIDECAR_API_KEY", "an-old-key")
        refused = setup(admin, sidecar, exit_code=3)
        assert "no search was changed" in refused
        assert "rerank" not in cluster.pipelines
        monkeypatch.setenv("JRERANK_SIDECAR_API_KEY", KEY)
        setup(admin, sidecar, "--field", "text")
        assert order(cluster) == best(sidecar)
        monkeypatch.setenv("JRERANK_SIDECAR_API_KEY", "a-wrong-key")
        assert "no search was changed" in setup(admin, sidecar, "--field", "text", exit_code=3)
        assert order(cluster) == best(sidecar)
        monkeypatch.setenv("JRERANK_SIDECAR_API_KEY", KEY)
        setup(admin, sidecar, "--field", "text")
        assert (len(cluster.connectors), len(cluster.models)) == (1, 1)

    def test_a_new_address_takes_another_model_and_the_old_one_is_trusted_no_more(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar, keyless_sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        setup(admin, keyless_sidecar, "--field", "text")
        assert cluster.deployed["m2"]["parameters"]["endpoint"].startswith(keyless_sidecar.url)
        assert order(cluster) == best(sidecar)
        assert (list(cluster.connectors), list(cluster.models)) == (["c2"], ["m2"])
        trusted = cluster.setting("trusted_connector_endpoints_regex")
        assert trusted_pattern(keyless_sidecar.url) in trusted
        assert trusted_pattern(sidecar.url) not in trusted

    def test_a_setting_that_was_lost_takes_another_model(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        del cluster.settings["persistent"][PRIVATE_IP]
        cluster.deployed["m1"]["private"] = "false"
        setup(admin, sidecar)
        assert {key: one["private"] for key, one in cluster.deployed.items()} == {"m2": "true"}

    def test_a_run_that_was_cut_off_is_taken_up_by_another_machine(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        del cluster.pipelines["rerank"]
        cluster.models.clear()
        cluster.deployed.clear()
        setup(admin, sidecar)
        assert (list(cluster.connectors), list(cluster.models)) == (["c1"], ["m2"])
        assert cluster.models["m2"]["connector_id"] == "c1"

    def test_settings_that_the_operator_keeps_to_himself(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        refused = setup(admin, sidecar, "--no-cluster-settings", exit_code=3)
        assert "not matching the trusted connector endpoint regex" in refused
        cluster.settings["persistent"][TRUSTED] = [trusted_pattern(sidecar.url)]
        refused = setup(admin, sidecar, "--no-cluster-settings", exit_code=3)
        assert "private ip address" in refused

    def test_a_run_that_names_little_changes_little(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar, "--field", "text", "--timeout-ms", "5000", "--oversample", "3")
        connectors = dict(cluster.connectors)
        admin("opensearch", "setup", "--route", "stock", "--oversample", "4")
        assert cluster.connectors == connectors
        assert cluster.pipelines["rerank"]["request_processors"][0]["oversample"]["sample_factor"] == 4
        assert order(cluster) == best(sidecar)

    def test_a_default_pipeline(self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar) -> None:
        setup(admin, sidecar, "--default-for", "passages")
        assert cluster.defaults == {"passages": "rerank"}


class TestCutOff:
    """A run that ends at any of its requests is made good by the next."""

    @staticmethod
    def refuse_write(cluster: MlCommons, number: int) -> None:
        def admits(asked: Asked) -> None:
            if len(cluster.writes()) == number and cluster.writes()[-1] == f"{asked.method} {asked.path}":
                raise engine_error(503, "not now")

        cluster.seen.clear()
        cluster.admits = admits

    @pytest.mark.parametrize("number", range(1, 7))
    def test_setup(self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar, number: int) -> None:
        self.refuse_write(cluster, number)
        setup(admin, sidecar, "--field", "text", "--default-for", "passages", exit_code=3)
        cluster.admits = lambda asked: None
        setup(admin, sidecar, "--field", "text", "--default-for", "passages")
        assert order(cluster) == best(sidecar)
        assert (len(cluster.connectors), len(cluster.models), cluster.defaults) == (
            1,
            1,
            {"passages": "rerank"},
        )

    @pytest.mark.parametrize("number", range(1, 7))
    def test_remove(self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar, number: int) -> None:
        before = list(cluster.setting("trusted_connector_endpoints_regex"))
        setup(admin, sidecar, "--default-for", "passages")
        self.refuse_write(cluster, number)
        admin("opensearch", "remove", exit_code=3)
        cluster.admits = lambda asked: None
        admin("opensearch", "remove")
        assert not any((cluster.connectors, cluster.models, cluster.pipelines, cluster.defaults))
        assert cluster.setting("trusted_connector_endpoints_regex") == before


class TestOtherwise:
    def test_a_sidecar_that_is_gone_leaves_the_old_order(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        cluster.deployed["m1"]["parameters"]["endpoint"] = "http://127.0.0.1:9/v1/rerank"
        assert order(cluster) == list(PASSAGES)
        status = admin("opensearch", "status", "--index", "passages", exit_code=1).output
        assert _marks(status)["predict"] == _marks(status)["probe"] == "FAIL"

    def test_odd_texts_are_scored_one_by_one(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        odd = ['"引用"\n改行', "", " ", "\\ と 😀", "同じ", "同じ", "</s>", "x" * 50_000]
        scores = cluster.scores("m1", 'なに "これ" \\ 😀\n？', odd)
        assert len(scores) == len(odd)
        assert scores[4] == scores[5]

    def test_what_the_deadline_leaves_unscored_still_has_a_score(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar, "--timeout-ms", "60")
        documents = [f"{number}番目の文書。" + "長い文章が続く。" * 50 for number in range(400)]
        scores = cluster.scores("m1", QUERY, documents)
        assert len(scores) == len(documents)
        assert min(scores) < 0, "the tail, below all that was scored"


class TestStatus:
    def test_every_line_is_right(self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar) -> None:
        setup(admin, sidecar, "--field", "text", "--default-for", "passages")
        printed = admin("opensearch", "status", "--query", QUERY).output
        assert _marks(printed) == {
            "cluster": "ok", "pipeline": "ok", "connector": "ok", "settings": "ok", "model": "ok", "predict": "ok",
            "default": "note", "fields": "ok", "probe": "ok",
        }  # fmt: skip
        assert "3 of 3 places" in printed or "2 of 3 places" in printed

    def test_a_pipeline_that_is_not_there(self, cluster: MlCommons, admin: Run) -> None:
        assert "jrerank-admin opensearch setup" in admin("opensearch", "status", exit_code=1).output


class TestRemove:
    def test_nothing_is_left(self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar) -> None:
        before = list(cluster.setting("trusted_connector_endpoints_regex"))
        setup(admin, sidecar, "--default-for", "passages")
        admin("opensearch", "remove")
        assert not any(
            (cluster.connectors, cluster.models, cluster.pipelines, cluster.defaults, cluster.deployed)
        )
        assert cluster.setting("trusted_connector_endpoints_regex") == before
        assert "nothing" in admin("opensearch", "remove").output

    def test_what_another_pipeline_needs_stays(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar, "--field", "text")
        setup(admin, sidecar, "--field", "text", "--pipeline", "other")
        admin("opensearch", "remove", "--pipeline", "other")
        assert order(cluster) == best(sidecar)
        assert trusted_pattern(sidecar.url) in cluster.setting("trusted_connector_endpoints_regex")
        assert admin("opensearch", "status").exit_code == 0

    def test_what_a_cut_off_setup_has_left(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        del cluster.pipelines["rerank"]
        admin("opensearch", "remove")
        assert not cluster.connectors
        assert not cluster.models

    def test_a_pipeline_of_others_is_not_touched(self, cluster: MlCommons, admin: Run) -> None:
        cluster.pipelines["rerank"] = {"response_processors": [{"sort": {"field": "x"}}]}
        admin("opensearch", "remove", exit_code=2)
        assert "rerank" in cluster.pipelines

    def test_a_dry_run_looks_and_leaves_all_as_it_is(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        setup(admin, sidecar)
        cluster.seen.clear()
        printed = admin("opensearch", "remove", "--dry-run").stdout
        assert "DELETE" in printed
        assert "/_plugins/_ml/models/m1" in printed
        assert cluster.writes() == []


class TestDryRun:
    def test_asks_nobody_and_holds_no_secret(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar
    ) -> None:
        printed = setup(admin, sidecar, "--dry-run")
        assert cluster.seen == []
        assert KEY not in printed
        assert TRUSTED_PRIVATE in printed

    def test_run_as_a_script_it_does_what_setup_does(
        self, cluster: MlCommons, admin: Run, sidecar: RunningSidecar, tmp_path: Path
    ) -> None:
        script = setup(admin, sidecar, "--field", "text", "--default-for", "passages", "--dry-run")
        file = tmp_path / "setup.sh"
        file.write_text(f"set -eu\n{script}", encoding="utf-8")
        ran = subprocess.run(["bash", str(file)], capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        assert order(cluster) == best(sidecar)
        sent = cluster.writes()
        by_script = {
            "connectors": cluster.connectors["c1"]["actions"],
            "pipeline": cluster.pipelines["rerank"],
        }
        admin("opensearch", "remove")
        cluster.seen.clear()
        cluster.number_from_one()
        setup(admin, sidecar, "--field", "text", "--default-for", "passages")
        assert cluster.writes() == sent
        assert by_script == {
            "connectors": cluster.connectors["c1"]["actions"],
            "pipeline": cluster.pipelines["rerank"],
        }


def _marks(printed: str) -> dict[str, str]:
    return {line.split()[1]: line.split()[0] for line in printed.splitlines()}
