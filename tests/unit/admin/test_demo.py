"""`demo`: the main job from end to end, on few questions."""

from __future__ import annotations

import re
import sys

import httpx
import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.admin.demo_sidecar import running_sidecar
from jrerank.errors import ConfigurationError


@pytest.mark.filterwarnings("ignore")
def test_it_shows_hits_before_and_after_and_figures_for_three_orders() -> None:
    result = CliRunner().invoke(app, ["demo", "--questions", "8"])
    assert result.exit_code == 0, result.output
    for name in ("BM25", "reranker alone", "fusion of both"):
        (row,) = re.findall(rf"{name} +│ ([01]\.\d+) +│ ([01]\.\d+) +│", result.output)
        assert all(0 < float(figure) <= 1 for figure in row)
    assert "8 questions, BM25's top 20" in result.output
    assert re.search(r"search \d+\.\d ms, rerank \d+\.\d ms", result.output)


def test_its_sidecar_stops_with_it() -> None:
    with running_sidecar("bundled", "int8") as url:
        assert httpx.get(f"{url}/health").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_a_sidecar_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(ConfigurationError, match="choose one of random:"),
        running_sidecar("random:x", "int8"),
    ):
        pass


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    result = CliRunner().invoke(app, ["demo", "--questions", "1"])
    assert result.exit_code == 3
    assert "pip install 'jrerank[demo]'" in result.stderr
