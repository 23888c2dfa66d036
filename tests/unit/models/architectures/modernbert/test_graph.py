"""Our graph against transformers' own ModernBERT, in float32."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import ModernBertForSequenceClassification

from builders import random_tensors, tiny_architecture, tiny_config, window, write_checkpoint, write_graph
from jrerank.domain import sigmoid
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.architectures.modernbert.architecture import ModernBert
from jrerank.models.checkpoint import load_checkpoint
from jrerank.models.source import BUNDLED, open_checkpoint

TOLERANCE = 1e-4
torch.set_num_threads(1)  # more of them only wait for each other on models this small
LENGTHS = (1, 2, 7, 16, 17, 33, 130, 511, 1024)


def transformers_5(layers: int, local: list[int], **changes: Any) -> dict[str, object]:
    kinds = ["sliding_attention" if layer in local else "full_attention" for layer in range(layers)]
    rope = {
        "full_attention": {"rope_type": "default", "rope_theta": 90_000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 7_000.0},
    }
    return tiny_config(num_hidden_layers=layers, layer_types=kinds, rope_parameters=rope, **changes)


def transformers_4(layers: int, every: int, **changes: Any) -> dict[str, object]:
    keys = {"global_attn_every_n_layers": every, "global_rope_theta": 90_000.0, "local_rope_theta": 7_000.0}
    return tiny_config(num_hidden_layers=layers, **keys, **changes)


BIASES = {"norm_bias": True, "attention_bias": True, "mlp_bias": True, "classifier_bias": True}
CONFIGS = {
    "one layer": transformers_4(1, 1),
    "two layers, mean": transformers_4(2, 1, classifier_pooling="mean"),
    "every third, last one local": transformers_4(6, 3),
    "every third, last one global": transformers_4(7, 3),
    "every third, mean": transformers_4(7, 3, classifier_pooling="mean"),
    "ten layers as xsmall-v2": transformers_4(10, 3, local_attention=128),
    "twelve layers": transformers_5(12, [1, 2, 4, 5, 7, 8, 10, 11]),
    "irregular layers, mean": transformers_5(5, [0, 3, 4], classifier_pooling="mean"),
    "all global": transformers_5(4, []),
    "biases": transformers_4(4, 3, **BIASES),
    "tanh gelu": transformers_4(
        3, 3, hidden_activation="gelu_pytorch_tanh", classifier_activation="gelu_pytorch_tanh"
    ),
    "other epsilon": transformers_4(3, 3, norm_eps=1e-3),
}


def reference(folder: Path) -> Any:
    model: Any = ModernBertForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    return model.eval()


def reference_logit(model: Any, ids: list[int]) -> float:
    with torch.no_grad():
        return float(model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids))).logits)


def token_ids(length: int, vocabulary: int = 300) -> list[int]:
    return [int(id) for id in np.random.default_rng(length).integers(0, vocabulary, length)]


def graph_of(folder: Path, target: Path, **lossy: bool) -> Graph:
    checkpoint = load_checkpoint(folder, "tiny")
    return Graph(write_graph(target, checkpoint.architecture, checkpoint.weights(), **lossy))


def logit(graph: Graph, ids: list[int]) -> float:
    return graph.logit(window(ids))


@pytest.mark.parametrize("name", CONFIGS)
def test_logits_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", CONFIGS[name])
    session, model = graph_of(folder, tmp_path / "graph.onnx"), reference(folder)
    for length in LENGTHS:
        ids = token_ids(length)
        assert logit(session, ids) == pytest.approx(reference_logit(model, ids), abs=TOLERANCE)


def test_logits_of_the_bundled_model_equal_those_of_transformers(tmp_path: Path) -> None:
    session, model = graph_of(BUNDLED, tmp_path / "graph.onnx"), reference(BUNDLED)
    for length in LENGTHS:
        ids = token_ids(length, vocabulary=16_000)
        assert logit(session, ids) == pytest.approx(reference_logit(model, ids), abs=TOLERANCE)


@pytest.mark.parametrize(
    "change",
    [
        {"global_rope_theta": 500.0},
        {"local_rope_theta": 500.0},
        {"local_attention": 64},
        {"global_attn_every_n_layers": 2},
        {"classifier_pooling": "mean"},
        {"norm_eps": 0.1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_the_configuration_says_moves_the_logit(
    change: dict[str, object], tmp_path: Path
) -> None:
    """Without this, parity could be reached by weights that make everything vanish."""
    ids = token_ids(130)
    logits = []
    for number, config in enumerate((transformers_4(4, 3), {**transformers_4(4, 3), **change})):
        folder = write_checkpoint(tmp_path / str(number), config)
        logits.append(logit(graph_of(folder, tmp_path / f"{number}.onnx"), ids))
    assert abs(logits[0] - logits[1]) > 100 * TOLERANCE


def test_half_embeddings_are_exact_for_a_checkpoint_in_float16(tmp_path: Path) -> None:
    whole = graph_of(BUNDLED, tmp_path / "whole.onnx")
    halved = graph_of(BUNDLED, tmp_path / "half.onnx", half_embeddings=True)
    ids = token_ids(200, vocabulary=16_000)
    assert logit(halved, ids) == logit(whole, ids)
    assert (tmp_path / "half.onnx").stat().st_size < (tmp_path / "whole.onnx").stat().st_size


def test_an_approximate_gelu_moves_a_score_by_far_less_than_int8_may(tmp_path: Path) -> None:
    whole = graph_of(BUNDLED, tmp_path / "whole.onnx")
    approximate = graph_of(BUNDLED, tmp_path / "approximate.onnx", approximate_gelu=True)
    for length in LENGTHS:
        ids = token_ids(length, vocabulary=16_000)
        exact, near = sigmoid(logit(whole, ids)), sigmoid(logit(approximate, ids))
        assert near == pytest.approx(exact, abs=0.003)


def test_a_graph_takes_ids_and_gives_a_logit() -> None:
    architecture = tiny_architecture()
    graph = architecture.onnx_graph(random_tensors(architecture)).graph
    assert [one.name for one in graph.input] == ["input_ids"]
    assert [one.name for one in graph.output] == ["logits"]


def test_the_bundled_checkpoint_is_what_its_card_says() -> None:
    checkpoint = open_checkpoint("bundled")
    parameters = sum(tensor.size for tensor in checkpoint.weights().values())
    assert isinstance(checkpoint.architecture, ModernBert)
    assert (checkpoint.architecture.config.num_layers, checkpoint.architecture.config.pooling) == (4, "mean")
    assert 6_700_000 < parameters < 6_900_000


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, object]:
    """Any ModernBERT of 1 to 12 layers, in the keys of transformers 4 or 5."""
    layers, heads = draw(st.integers(1, 12)), draw(st.sampled_from([1, 2, 4]))
    changes: dict[str, object] = {name: draw(st.booleans()) for name in BIASES}
    changes["classifier_pooling"] = draw(st.sampled_from(["cls", "mean"]))
    changes["local_attention"] = draw(st.sampled_from([1, 2, 9, 16, 128]))
    changes |= {"num_attention_heads": heads, "hidden_size": heads * draw(st.sampled_from([8, 16]))}
    if draw(st.booleans()):
        return transformers_4(layers, draw(st.sampled_from([1, 2, 3])), **changes)
    return transformers_5(layers, draw(st.lists(st.sampled_from(range(layers)))), **changes)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(config=configurations(), length=st.integers(1, 1024))
def test_logits_of_any_configuration_equal_those_of_transformers(
    config: dict[str, object], length: int
) -> None:
    with TemporaryDirectory() as temporary:
        folder = write_checkpoint(Path(temporary) / "model", config)
        session, model = graph_of(folder, Path(temporary) / "graph.onnx"), reference(folder)
        ids = token_ids(length)
        assert logit(session, ids) == pytest.approx(reference_logit(model, ids), abs=TOLERANCE)
