"""`models average`: the mean of the weights of two models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.admin.training.command_line import command_line, published_name


def average(
    context: typer.Context,
    first: Annotated[str, typer.Argument(help="bundled, a folder or a hub id")],
    second: Annotated[str, typer.Argument(help="another, of the same shape and tokenizer")],
    folder: Annotated[Path, typer.Argument(help="where the mean goes; its name is the card's title")],
    weight: Annotated[float, typer.Option(min=0, max=1, help="the second one's share")] = 0.5,
) -> None:
    """Write the mean of the weights of two models that were trained from one start: often better than either.

    `models pack` takes the folder, measures it and writes it in half precision.

    Example: jrerank-admin models average bundled my-reranker mean
    """
    from jrerank.models.source import checkpoint_folder
    from jrerank.training.mean import Part, mean_of

    with plain_errors():
        parts = [
            Part(checkpoint_folder(model), published_name(model), share)
            for model, share in ((first, 1 - weight), (second, weight))
        ]
        made = mean_of(parts[0], parts[1], folder, command_line(context))
    print(
        f"{folder}: {1 - weight:g} x {parts[0].name} + {weight:g} x {parts[1].name}  {made.fingerprint[:16]}"
    )
