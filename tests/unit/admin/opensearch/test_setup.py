"""Options of one route say so on the other."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from jrerank.admin.app import app


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
