"""The yardstick's name stands for its work: whoever changes one has to change the other."""

from __future__ import annotations

from jrerank.bench.speed import yardstick


def test_the_name_stands_for_this_work() -> None:
    graph = yardstick._layers().graph
    layer = ["DynamicQuantizeLinear", "MatMulInteger", "Cast", "Mul", "Softmax", "Erf"]
    assert yardstick.YARDSTICK == "int8-feed-forward/1"
    assert [node.op_type for node in graph.node] == 2 * layer
    assert [tuple(weights.dims) for weights in graph.initializer] == [(256, 1024), (1024, 256)]
    assert (yardstick._ROWS, yardstick._PIECES, yardstick._SEED) == (192, 40, 5)
