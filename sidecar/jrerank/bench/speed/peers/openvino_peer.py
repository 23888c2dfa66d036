"""OpenVINO on the stock export: int8 weights by NNCF, activations quantized per token while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nncf
import openvino

from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.peers.onnx_peer import Ids, run_padded

_BATCH, _GROUP = 8, 256


def openvino_contenders(exported: Path) -> Iterator[Contender]:
    """In int8."""
    model = nncf.compress_weights(
        openvino.Core().read_model(exported), mode=nncf.CompressWeightsMode.INT8_SYM
    )
    compiled = openvino.compile_model(
        model, "CPU", {"DYNAMIC_QUANTIZATION_GROUP_SIZE": str(_GROUP), "PERFORMANCE_HINT": "LATENCY"}
    )

    def score(ids: Ids, mask: Ids) -> object:
        return compiled({"input_ids": ids, "attention_mask": mask})

    description = (
        f"OpenVINO {openvino.__version__}, int8 weights, dynamic activations, padded batches of {_BATCH}"
    )
    yield Contender("OpenVINO int8", description, partial(run_padded, score, _BATCH))
