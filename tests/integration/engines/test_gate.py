"""The quality gate over whole models as they are built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jrerank.cpu import cpu_features
from jrerank.engines.gate import PASSAGES, QUERIES, GateLimits, GateReport
from jrerank.engines.onnx_cpu.artifact import Recipe
from jrerank.engines.onnx_cpu.build import build_into
from jrerank.models.source import open_checkpoint
from jrerank.settings import Settings


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> GateLimits:
    for name in ("GATE_MAX_SCORE_SHIFT", "GATE_MAX_INVERSION"):
        monkeypatch.delenv(f"JRERANK_{name}", raising=False)
    settings = Settings.load()
    return GateLimits(settings.gate_max_score_shift, settings.gate_max_inversion)


# Weights of 8 bits are served where products don't saturate: elsewhere the gate would judge the saturation
BUNDLED = [("bundled", True)] if cpu_features().saturates_int8 else [("bundled", False), ("bundled", True)]


@pytest.mark.parametrize(("model", "reduce_range"), [*BUNDLED, ("random:tiny-v2", True)])
def test_int8_passes_with_room(model: str, reduce_range: bool, limits: GateLimits, tmp_path: Path) -> None:
    build_into(tmp_path, open_checkpoint(model), Recipe("int8", reduce_range))
    report = GateReport(**_json(tmp_path / "gate.json"))
    assert report.pairs == len(QUERIES) * len(PASSAGES)
    assert report.passes(GateLimits(0.75 * limits.max_score_shift, 0.75 * limits.max_inversion))


def _json(path: Path) -> dict[str, int]:
    content: dict[str, int] = json.loads(path.read_text())
    return content
