"""Our graphs of BERT and XLM-RoBERTa against transformers' own, in float32."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from builders import (
    random_tensors,
    tiny_bert_config,
    write_checkpoint,
    write_graph,
)
from jrerank.domain import Window
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.architectures.architecture import Lossy
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from parity import POST_NORM, TOLERANCE, random_window, reference, reference_logit


def both(folder: Path, config: dict[str, object], tokenizer: Tokenizer) -> tuple[Checkpoint, Graph, Any]:
    """A checkpoint, our graph of it, and transformers' model of it."""
    checkpoint = load_checkpoint(write_checkpoint(folder / "model", config, tokenizer), "tiny")
    path = write_graph(folder / "graph.onnx", checkpoint.architecture, checkpoint.weights())
    return checkpoint, Graph(path, checkpoint.layout.passage_type), reference(folder / "model")


@pytest.mark.parametrize("kind", POST_NORM)
def test_logits_equal_those_of_transformers(kind: str, tmp_path: Path) -> None:
    checkpoint, graph, model = both(tmp_path, *POST_NORM[kind])
    for lengths in ((0, 0), (1, 1), (5, 30), (12, 200), (9, checkpoint.architecture.max_tokens - 13)):
        window = random_window(checkpoint, *lengths)
        expected = reference_logit(model, window, checkpoint.layout.passage_type)
        assert graph.logit(window) == pytest.approx(expected, abs=TOLERANCE)


def test_only_berts_own_tokenizer_tells_the_passage_by_its_token_type(tmp_path: Path) -> None:
    types = {}
    for kind, (config, tokenizer) in POST_NORM.items():
        folder = write_checkpoint(tmp_path / kind, config, tokenizer)
        types[kind] = load_checkpoint(folder, "tiny").layout.passage_type
    assert types == dict.fromkeys(POST_NORM, 0) | {"BERT": 1}


def test_the_last_position_is_read_and_none_behind_it(tmp_path: Path) -> None:
    config, tokenizer = POST_NORM["XLM-RoBERTa"]
    checkpoint, graph, _ = both(tmp_path, config, tokenizer)
    assert checkpoint.architecture.max_tokens == 514 - 4
    assert graph.logit(Window(array("i", [1] * 510), 2))
    with pytest.raises(Exception, match="Add"):
        graph.logit(Window(array("i", [1] * 511), 2))


@pytest.mark.parametrize("kind", ["BERT", "XLM-RoBERTa"])
@pytest.mark.parametrize(
    "change",
    [{"layer_norm_eps": 0.1}, {"hidden_act": "relu"}, {"num_attention_heads": 4}, {"num_hidden_layers": 2}],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_the_configuration_says_moves_the_logit(
    kind: str, change: dict[str, object], tmp_path: Path
) -> None:
    """Without this, parity could be reached by weights that make everything vanish."""
    logits = []
    for number, changes in enumerate(({}, change)):
        config, tokenizer = POST_NORM[kind]
        checkpoint, graph, _ = both(tmp_path / str(number), config | changes, tokenizer)
        logits.append(graph.logit(random_window(checkpoint, 10, 100)))
    assert abs(logits[0] - logits[1]) > 10 * TOLERANCE


def test_token_types_and_positions_move_the_logit(tmp_path: Path) -> None:
    checkpoint, graph, _ = both(tmp_path, *POST_NORM["BERT"])
    window = random_window(checkpoint, 10, 100)
    later = Window(window.ids, window.passage_start + 5)
    turned = Window(window.ids[:1] + window.ids[:0:-1], window.passage_start)
    logit = graph.logit(window)
    assert min(abs(graph.logit(other) - logit) for other in (later, turned)) > 10 * TOLERANCE


def test_approximations_move_a_logit_but_little(tmp_path: Path) -> None:
    architecture = read_architecture(tiny_bert_config())
    weights = random_tensors(architecture)
    exact = Graph(write_graph(tmp_path / "exact.onnx", architecture, weights))
    near = Graph(write_graph(tmp_path / "near.onnx", architecture, weights, Lossy()))
    window = Window(array("i", range(7, 107)), 20)
    assert 0 < abs(exact.logit(window) - near.logit(window)) < 0.02


@pytest.mark.parametrize("channels", [[5], [0, 17, 47], list(range(40))])
def test_channels_apart_change_nothing(channels: list[int], tmp_path: Path) -> None:
    architecture = read_architecture(tiny_bert_config())
    weights = random_tensors(architecture)
    window = Window(array("i", range(7, 107)), 20)
    apart = dict.fromkeys(architecture.splittable_activations[:2], channels)
    logits = []
    for number, lossy in enumerate((Lossy(), Lossy(apart))):
        model = architecture.onnx_graph(weights, lossy)
        products = {node.name for node in model.graph.node if node.op_type == "MatMul"}
        assert len(products & set(architecture.exact_products)) == 6 + 4 * number
        path = write_graph(tmp_path / f"{number}.onnx", architecture, weights, lossy)
        logits.append(Graph(path).logit(window))
    assert logits[0] == pytest.approx(logits[1], abs=TOLERANCE)
