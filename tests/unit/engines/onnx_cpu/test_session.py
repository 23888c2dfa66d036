"""How onnxruntime is set up, and how a window is fed to a graph."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from builders import random_tensors, tiny_architecture, window, write_graph
from jrerank.engines.onnx_cpu.session import Graph, open_session
from jrerank.errors import ArtifactError


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    architecture = tiny_architecture()
    return write_graph(tmp_path / "model.onnx", architecture, random_tensors(architecture))


def export(path: Path, second_input: str) -> Path:
    """An export made elsewhere: its logit is the sum of the products of the ids with a second input."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", second_input)
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1])]
    nodes = [
        helper.make_node("Mul", ["input_ids", second_input], ["kept"]),
        helper.make_node("Cast", ["kept"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axes"], ["logits"], keepdims=1),
    ]
    axes = [helper.make_tensor("axes", TensorProto.INT64, [1], [1])]
    model = helper.make_graph(nodes, "export", inputs, outputs, axes)
    onnx.save(helper.make_model(model, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_a_run_uses_the_calling_thread_only_and_none_spins(graph: Path) -> None:
    options = open_session(graph).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_threads_share_a_session_and_get_the_same_bits(graph: Path) -> None:
    opened = Graph(graph)
    windows = [window([1, *range(10, 10 + length), 2]) for length in (1, 50, 200)] * 20
    alone = [opened.logit(each) for each in windows]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened.logit, windows)) == alone


def test_a_graph_made_elsewhere_gets_a_mask_of_ones(tmp_path: Path) -> None:
    assert Graph(export(tmp_path / "masked.onnx", "attention_mask")).logit(window([3, 4, 5])) == 12.0


@pytest.mark.parametrize(("passage_type", "logit"), [(0, 0.0), (1, 11.0)])
def test_token_types_begin_with_the_passage_and_are_what_the_tokenizer_makes_of_it(
    passage_type: int, logit: float, tmp_path: Path
) -> None:
    graph = Graph(export(tmp_path / "typed.onnx", "token_type_ids"), passage_type)
    assert graph.logit(window([3, 4, 5, 6], passage_start=2)) == logit


def test_onnxruntime_leaves_nothing_in_the_home_folder_and_tells_nobody(graph: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    code = "import sys; from jrerank.engines.onnx_cpu.session import open_session; open_session(sys.argv[1])"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "ORT_DISABLE_TELEMETRY" and not name.startswith("XDG_")
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(graph)],
        env=environment | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    assert not list(home.iterdir())


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x08\x09"])
def test_a_file_that_is_no_graph_is_an_error_that_names_it(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"model\.onnx"):
        open_session(tmp_path / "model.onnx")


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"model\.onnx"):
        open_session(tmp_path / "model.onnx")
