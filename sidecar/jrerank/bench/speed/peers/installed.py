"""The peers that this installation has, and why the others are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.peers.folder import transformers_folder
from jrerank.models.checkpoint import Checkpoint

_EXTRA = "'jrerank[peers]'"


@dataclass
class Peers:
    """What could be opened; `left_out` says why something could not."""

    contenders: list[Contender] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, name: str, contenders: Callable[[], Iterator[Contender]]) -> None:
        """Those of one runtime, or why there are none: whatever a foreign runtime raises, the others are measured."""
        try:
            self.contenders += contenders()
        except ImportError as error:
            self.left_out.append(f"{name}: {error.name or error} is not installed (pip install {_EXTRA})")
        except Exception as error:  # noqa: BLE001
            self.left_out.append(f"{name}: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}")


def open_peers(checkpoint: Checkpoint, max_tokens: int, folder: Path) -> Peers:
    """All of them; `folder` is for what they need on disk."""
    peers = Peers()
    source = transformers_folder(checkpoint, folder)
    peers.add("sentence-transformers", lambda: _torch(source, max_tokens))
    peers.add("stock ONNX int8", lambda: _onnx(source, folder))
    if (exported := folder / "stock.onnx").exists():
        peers.add("OpenVINO int8", lambda: _openvino(exported))
    return peers


def _torch(source: Path, max_tokens: int) -> Iterator[Contender]:
    from jrerank.bench.speed.peers.torch_peer import torch_contenders  # noqa: PLC0415  an extra

    return torch_contenders(source, max_tokens)


def _onnx(source: Path, folder: Path) -> Iterator[Contender]:
    from jrerank.bench.speed.peers.onnx_peer import export, onnx_contenders  # noqa: PLC0415  an extra

    return onnx_contenders(export(source, folder), folder)


def _openvino(exported: Path) -> Iterator[Contender]:
    from jrerank.bench.speed.peers.openvino_peer import openvino_contenders  # noqa: PLC0415  an extra

    return openvino_contenders(exported)
