"""onnxruntime on the CPU: one window per run."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from builders import random_tensors, tiny_architecture, window, write_graph
from jrerank.domain import Window
from jrerank.engines.engine import Engine
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.engines.onnx_cpu.quantize import quantize_int8
from jrerank.errors import ArtifactError, EngineError

WINDOWS = [window((1, *range(10, 10 + length), 2)) for length in (1, 5, 40, 200)]


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    architecture = tiny_architecture()
    weights = random_tensors(architecture)
    exact = write_graph(folder / "fp32.onnx", architecture, weights)
    quantize_int8(exact, folder / "int8.onnx", architecture.exact_products, reduce_range=False)
    weights["classifier.bias"] = np.array([np.nan], dtype=np.float32)
    write_graph(folder / "nan.onnx", architecture, weights)
    return {path.stem: path for path in folder.iterdir()}


def score(engine: OnnxCpuEngine, windows: Sequence[Window]) -> list[float | EngineError]:
    """In a thread of its own, as the scheduler does: the engine changes how the thread that calls it computes."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(engine.score, windows).result()


def test_it_is_an_engine_that_takes_one_window_at_a_time(graphs: dict[str, Path]) -> None:
    engine: Engine = OnnxCpuEngine(graphs["fp32"], workers=3)
    assert (engine.name, engine.workers, engine.batch_limit.windows) == ("onnx_cpu", 3, 1)


@pytest.mark.parametrize(("workers", "spare"), [(7, 0), (8, 1)])
def test_it_has_a_worker_to_spare_where_all_cores_may_score(
    workers: int, spare: int, graphs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jrerank.engines.onnx_cpu.engine.usable_cores", lambda: 8)
    assert OnnxCpuEngine(graphs["fp32"], workers).spare_workers == spare


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_logit_depends_on_its_window_alone_to_the_last_bit(precision: str, graphs: dict[str, Path]) -> None:
    engine = OnnxCpuEngine(graphs[precision], workers=4)
    alone = [score(engine, [each])[0] for each in WINDOWS]
    assert score(engine, WINDOWS[::-1]) == alone[::-1]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(engine.score, [WINDOWS] * 20)) == [alone] * 20


def test_what_the_model_cannot_read_is_an_error_without_its_ids_and_the_others_are_scored(
    graphs: dict[str, Path],
) -> None:
    engine = OnnxCpuEngine(graphs["fp32"], workers=1)
    first, failed, last = score(engine, [WINDOWS[0], window((1, 999_999)), WINDOWS[1]])
    assert [first, last] == score(engine, WINDOWS[:2])
    assert isinstance(failed, EngineError)
    assert str(failed).startswith("onnxruntime failed on a window of 2 tokens: ")


def test_a_logit_that_is_no_number_is_an_error(graphs: dict[str, Path]) -> None:
    (failed,) = score(OnnxCpuEngine(graphs["nan"], workers=1), [window((1, 10, 2))])
    assert isinstance(failed, EngineError)
    assert str(failed) == "the model gave nan for a window of 3 tokens"


def test_what_is_no_graph_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ArtifactError, match=r"model\.onnx"):
        OnnxCpuEngine(tmp_path / "model.onnx", workers=1)
