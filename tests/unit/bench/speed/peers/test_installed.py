"""What is left out of a comparison, and what would bring it in."""

from __future__ import annotations

from collections.abc import Iterator

from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.peers.installed import Peers


def test_a_runtime_that_is_missing_is_left_out_with_the_extra_that_has_it() -> None:
    def missing() -> Iterator[Contender]:
        raise ModuleNotFoundError("No module named 'openvino'", name="openvino")

    peers = Peers()
    peers.add("OpenVINO int8", missing)
    assert peers.left_out == ["OpenVINO int8: openvino is not installed (pip install 'jrerank[peers]')"]
