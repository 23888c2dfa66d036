"""Options that several commands take, and how errors end a command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from jrerank.errors import ConfigurationError, InvalidInput, JrerankError


def _models(incomplete: str) -> list[str]:
    """What a shell offers after `--model`; folders it knows itself."""
    from jrerank.models.random import SIZES
    from jrerank.models.source import cached_models

    known = ["bundled", *SIZES, *cached_models()]
    return [name for name in known if name.startswith(incomplete)]


ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="bundled, a folder, a hub id, or random:xsmall-v2 [env: JRERANK_MODEL]",
        autocompletion=_models,
    ),
]
SecondModelOption = Annotated[
    str | None,
    typer.Option(
        "--second-model",
        help="as --model: a better one reads the top of the first one's ranking [env: JRERANK_SECOND_MODEL]",
        autocompletion=_models,
    ),
]
RevisionOption = Annotated[str | None, typer.Option("--revision", help="commit, tag or branch on the hub")]
PrecisionOption = Annotated[
    Literal["int8", "fp32", "fp16", "bf16"] | None,
    typer.Option("--precision", help="int8 serves if the gate lets it; fp16 and bf16 are for torch"),
]
EngineOption = Annotated[
    Literal["auto", "onnx", "torch"] | None,
    typer.Option("--engine", help="auto: torch where it has a GPU, else onnx on the CPU"),
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", help="auto, cpu, cuda (all GPUs), cuda:1, mps, xpu; for torch")
]
GraphOption = Annotated[
    Literal["own", "prebuilt"] | None,
    typer.Option("--graph", help="build the graph, or take the checkpoint's onnx/*.onnx"),
]

# Exit codes: 1 it failed, 2 wrong usage (typer's own), 3 not set up right
FAILED, MISCONFIGURED = 1, 3


@contextmanager
def plain_errors() -> Iterator[None]:
    """An error is one line on stderr and an exit code, never a stack trace."""
    try:
        yield
    except JrerankError as error:
        sys.stderr.write(f"error: {error}\n")
        code = (
            MISCONFIGURED
            if isinstance(error, ConfigurationError)
            else 2
            if isinstance(error, InvalidInput)
            else FAILED
        )
        raise typer.Exit(code) from None
