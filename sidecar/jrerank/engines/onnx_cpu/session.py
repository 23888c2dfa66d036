"""How onnxruntime is set up, and how a window is fed to a graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from jrerank.domain import Window
from jrerank.errors import ArtifactError
from jrerank.models.architectures.architecture import Float32Array


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


class Graph:
    """A cross-encoder's graph, our own or one made elsewhere: it is fed what it has inputs for."""

    def __init__(self, path: Path, passage_type: int = 0) -> None:
        """Load the file at `path`, whose windows have passages of the token type `passage_type`.

        Raises:
            ArtifactError: onnxruntime does not accept the file.
        """
        self._session = open_session(path)
        self._passage_type = passage_type
        names = {node.name for node in self._session.get_inputs()}
        self._takes_mask = "attention_mask" in names
        self._takes_types = "token_type_ids" in names

    def logit(self, window: Window) -> float:
        """The logit of one window."""
        (logits,) = self._session.run(None, self.feed(window))
        return float(logits[0, 0])

    def outputs(self, names: Sequence[str], window: Window) -> list[Float32Array]:
        """What the graph's outputs `names` are for one window."""
        outputs: list[Float32Array] = self._session.run(list(names), self.feed(window))
        return outputs

    def feed(self, window: Window) -> dict[str, npt.NDArray[np.int64]]:
        """The inputs of a window, int64 [1, L]."""
        input_ids = np.array(window.ids, dtype=np.int64)[np.newaxis]
        feed = {"input_ids": input_ids}
        if self._takes_types:
            feed["token_type_ids"] = np.zeros_like(input_ids)
            feed["token_type_ids"][:, window.passage_start :] = self._passage_type
        if self._takes_mask:
            feed["attention_mask"] = np.ones_like(input_ids)
        return feed
