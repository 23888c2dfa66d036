"""Our engines under any settings, and batches as the scheduler would make them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.bench.speed.contender import Choice, batches, engine_contender, own_settings
from jrerank.bench.speed.run import open_own
from jrerank.bench.speed.workload import WorkloadMaker
from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.errors import EngineError, ModelNotFound
from jrerank.models.source import open_checkpoint
from tiny import tiny_settings


@dataclass
class Recording:
    batch_limit: BatchLimit
    spare_workers: int = 0
    name: str = "recording"
    workers: int = 1

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        return [0.0] * len(windows)


def window(tokens: int) -> Window:
    return Window(array("i", range(tokens)), 1)


@given(st.lists(st.integers(2, 300)), st.integers(1, 8), st.integers(0, 900))
def test_batches_keep_the_order_and_the_limits(lengths: list[int], windows: int, tokens: int) -> None:
    made = list(batches([window(n) for n in lengths], Recording(BatchLimit(windows, tokens))))
    assert [len(one) for batch in made for one in batch] == lengths
    for batch in made:
        assert len(batch) == 1 or (len(batch) <= windows and sum(map(len, batch)) <= tokens)


def test_an_engine_scores_the_workload_and_knows_its_settings(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path, workers=2)
    checkpoint = open_checkpoint(settings.model)
    work = WorkloadMaker(checkpoint, 128).mixed(6, 60)
    with engine_contender(settings, checkpoint) as contender:
        contender.run(work)
    assert ("JRERANK_WORKERS", "2") in contender.variables
    assert ("JRERANK_PRECISION", "fp32") in contender.variables
    assert contender.ours


def test_a_choice_leaves_out_the_others(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path)

    def chosen(choice: Choice) -> list[tuple[str, str]]:
        return [(one.engine, one.precision) for one in own_settings(settings, choice)]

    own = frozenset({"own"})
    assert chosen(Choice(engines=frozenset({"onnx"}), graphs=own)) == [("onnx", "int8"), ("onnx", "fp32")]
    assert chosen(Choice(precisions=frozenset({"fp32"}), graphs=own)) == [("onnx", "fp32"), ("torch", "fp32")]
    assert chosen(Choice(engines=frozenset({"onnx"}), precisions=frozenset({"bf16"}))) == []


@pytest.mark.usefixtures("no_measuring")
def test_every_choice_of_the_settings_is_tried_and_what_cannot_be_had_is_said(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path)
    checkpoint = open_checkpoint(settings.model)
    onnx = {("onnx", precision, graph) for precision in ("int8", "fp32") for graph in ("own", "prebuilt")}
    torch = {("torch", precision, "own") for precision in ("fp32", "fp16", "bf16")}
    assert {
        (one.engine, one.precision, one.graph) for one in own_settings(settings, Choice())
    } == onnx | torch
    with (
        pytest.raises(ModelNotFound),
        engine_contender(settings.model_copy(update={"graph": "prebuilt"}), checkpoint),
    ):
        pass
    with ExitStack() as stack:
        contenders, left_out = open_own(settings, checkpoint, stack)
    names = [one.name for one in contenders]
    assert any("onnx_cpu fp32 own" in name for name in names)
    assert any("torch_packed bf16 own" in name for name in names)
    assert any("prebuilt" in reason for reason in left_out)
