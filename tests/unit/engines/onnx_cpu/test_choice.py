"""Which graph serves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builders import tiny_config, write_checkpoint, write_graph
from jrerank.engines.onnx_cpu.choice import choose_graph
from jrerank.errors import ArtifactError, ModelNotFound
from jrerank.models.source import open_checkpoint
from jrerank.settings import Settings
from tiny import tiny_settings


def chosen(settings: Settings) -> tuple[str, str, bool]:
    graph = choose_graph(settings, open_checkpoint(settings.model))
    return graph.precision, graph.path.name, graph.gate is not None


def test_int8_serves_when_the_gate_lets_it(tiny_folder: Path) -> None:
    lenient = {"precision": "int8", "gate_max_score_shift": 1, "gate_max_inversion": 1}
    assert chosen(tiny_settings(tiny_folder, **lenient)) == ("int8", "model.onnx", True)


def test_fp32_serves_when_the_gate_does_not_and_it_is_said(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = tiny_settings(tiny_folder, precision="int8", gate_max_score_shift=1e-9)
    assert chosen(strict) == ("fp32", "model.onnx", True)
    assert "quality_gate_failed" in capsys.readouterr().out


def test_fp32_is_not_asked_about(tiny_folder: Path) -> None:
    assert chosen(tiny_settings(tiny_folder, precision="fp32")) == ("fp32", "model.onnx", False)


@pytest.fixture
def prebuilt(tmp_path: Path) -> Path:
    """A folder for `tiny.py` whose model brings its own graphs; the int8 one is as good as exact."""
    settings = tiny_settings(tmp_path)
    checkpoint = open_checkpoint(settings.model)
    folder = tmp_path / "model" / "onnx"
    folder.mkdir()
    write_graph(folder / "model.onnx", checkpoint.architecture, checkpoint.weights())
    for name in ("model_qint8_avx2.onnx", "model_qint8_arm64.onnx"):
        shutil.copy(folder / "model.onnx", folder / name)
    return tmp_path


def test_prebuilt_graphs_serve_as_they_are(prebuilt: Path) -> None:
    assert chosen(tiny_settings(prebuilt, graph="prebuilt")) == ("fp32", "model.onnx", False)
    precision, name, asked = chosen(tiny_settings(prebuilt, graph="prebuilt", precision="int8"))
    assert (precision, name.startswith("model_qint8"), asked) == ("int8", True, True)


def test_the_gate_is_asked_about_a_prebuilt_int8_graph_too(prebuilt: Path) -> None:
    """Here it is the graph of another model: whoever put it there was mistaken."""
    other = write_checkpoint(prebuilt / "other", tiny_config(local_rope_theta=3.0, global_rope_theta=3.0))
    checkpoint = open_checkpoint(str(other))
    for graph in (prebuilt / "model" / "onnx").glob("model_qint8_*"):
        write_graph(graph, checkpoint.architecture, checkpoint.weights())
    assert chosen(tiny_settings(prebuilt, graph="prebuilt", precision="int8")) == ("fp32", "model.onnx", True)


def test_a_prebuilt_graph_that_is_not_there_or_damaged_is_an_error(prebuilt: Path) -> None:
    settings = tiny_settings(prebuilt, graph="prebuilt")
    (prebuilt / "model" / "onnx" / "model.onnx").write_bytes(b"half")
    with pytest.raises(ArtifactError):
        chosen(settings)
    (prebuilt / "model" / "onnx" / "model.onnx").unlink()
    with pytest.raises(ModelNotFound, match="--graph prebuilt"):
        chosen(settings)
