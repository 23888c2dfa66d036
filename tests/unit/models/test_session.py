"""How onnxruntime is set up, and how a pair is run."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from builders import random_tensors, tiny_config
from jrerank.errors import ArtifactError
from jrerank.models.config import ModernBertConfig
from jrerank.models.graph import build_graph
from jrerank.models.session import open_session, run_pair


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    config = ModernBertConfig.from_json(tiny_config())
    onnx.save(build_graph(config, random_tensors(config)), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def masked_export(path: Path) -> Path:
    """An export made elsewhere: with a mask. Its logit is the sum of what the mask leaves of the ids."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1])]
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["kept"]),
        helper.make_node("Cast", ["kept"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axes"], ["logits"], keepdims=1),
    ]
    axes = [helper.make_tensor("axes", TensorProto.INT64, [1], [1])]
    model = helper.make_graph(nodes, "masked", inputs, outputs, axes)
    onnx.save(helper.make_model(model, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_a_run_uses_the_calling_thread_only_and_none_spins(graph: Path) -> None:
    options = open_session(graph).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_threads_share_a_session_and_get_the_same_bits(graph: Path) -> None:
    session = open_session(graph)
    pairs = [[1, *range(10, 10 + length), 2] for length in (1, 50, 200)] * 20
    alone = [run_pair(session, pair) for pair in pairs]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda pair: run_pair(session, pair), pairs)) == alone


def test_a_graph_made_elsewhere_gets_a_mask_of_ones(tmp_path: Path) -> None:
    assert run_pair(open_session(masked_export(tmp_path / "masked.onnx")), [3, 4, 5]) == 12.0


def test_onnxruntime_leaves_nothing_in_the_home_folder_and_tells_nobody(graph: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    code = "import sys; from jrerank.models.session import open_session; open_session(sys.argv[1])"
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
