"""How onnxruntime is set up, for serving and for the quality gate alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from jrerank.errors import ArtifactError


def open_session(graph: Path) -> onnxruntime.InferenceSession:
    """A session in which a run uses the calling thread only, so that threads can share it and none spins.

    Raises:
        ArtifactError: onnxruntime does not accept the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena would keep the largest length's buffers for each worker; doubling it would keep twice that.
    options.enable_cpu_mem_arena = True
    options.log_severity_level = 3
    providers = [("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})]
    try:
        return onnxruntime.InferenceSession(graph, options, providers=providers)
    except Exception as error:  # onnxruntime's errors have no common class
        raise ArtifactError(f"{graph}: {error}") from error


def run_pair(session: onnxruntime.InferenceSession, ids: Sequence[int]) -> float:
    """The logit of one pair of L token ids."""
    input_ids = np.array([ids], dtype=np.int64)
    feed = {"input_ids": input_ids}
    if len(session.get_inputs()) > 1:  # exports made elsewhere take a mask
        feed["attention_mask"] = np.ones_like(input_ids)
    (logits,) = session.run(None, feed)
    return float(logits[0, 0])
