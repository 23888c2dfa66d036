"""onnxruntime on the CPU: one pair per run."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from builders import random_tensors, tiny_config
from jrerank.domain import TokenIds
from jrerank.engines.engine import Engine
from jrerank.engines.onnx_cpu import OnnxCpuEngine
from jrerank.errors import ArtifactError, EngineError
from jrerank.models.config import ModernBertConfig
from jrerank.models.graph import build_graph
from jrerank.models.quantize import quantize_int8

PAIRS = [(1, *range(10, 10 + length), 2) for length in (1, 5, 40, 200)]


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    config = ModernBertConfig.from_json(tiny_config())
    weights = random_tensors(config)
    onnx.save(build_graph(config, weights), folder / "fp32.onnx")
    quantize_int8(folder / "fp32.onnx", folder / "int8.onnx", reduce_range=False)
    weights["classifier.bias"] = np.array([np.nan], dtype=np.float32)
    onnx.save(build_graph(config, weights), folder / "nan.onnx")
    return {path.stem: path for path in folder.iterdir()}


def run(engine: OnnxCpuEngine, pairs: Sequence[TokenIds]) -> list[float]:
    """In a thread of its own, as the scheduler does: the engine changes how the thread that calls it computes."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(engine.run, pairs).result()


def test_it_is_an_engine_that_takes_one_pair_at_a_time(graphs: dict[str, Path]) -> None:
    engine: Engine = OnnxCpuEngine(graphs["fp32"], workers=3)
    assert (engine.name, engine.workers, engine.run_limit.pairs) == ("onnx_cpu", 3, 1)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_logit_depends_on_its_pair_alone_to_the_last_bit(precision: str, graphs: dict[str, Path]) -> None:
    engine = OnnxCpuEngine(graphs[precision], workers=4)
    alone = [run(engine, [pair])[0] for pair in PAIRS]
    assert run(engine, PAIRS[::-1]) == alone[::-1]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(engine.run, [PAIRS] * 20)) == [alone] * 20


def test_what_the_model_cannot_read_is_an_error_without_its_ids(graphs: dict[str, Path]) -> None:
    with pytest.raises(EngineError, match="failed on a pair of 2 tokens"):
        run(OnnxCpuEngine(graphs["fp32"], workers=1), [(1, 999_999)])


def test_a_logit_that_is_no_number_is_an_error(graphs: dict[str, Path]) -> None:
    with pytest.raises(EngineError, match="gave nan for a pair of 3 tokens"):
        run(OnnxCpuEngine(graphs["nan"], workers=1), [(1, 10, 2)])


def test_what_is_no_graph_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ArtifactError, match=r"model\.onnx"):
        OnnxCpuEngine(tmp_path / "model.onnx", workers=1)
