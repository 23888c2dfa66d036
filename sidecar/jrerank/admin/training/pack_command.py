"""`models pack`: what a training run made, as a folder to hand out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.errors import ConfigurationError

_DEPTH, _MAX_TOKENS = 20, 512


def pack(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="the folder of jrerank-admin train")],
    folder: Annotated[Path, typer.Argument(help="where the model goes; its name is the card's title")],
    dev_passages: Annotated[Path, typer.Option(exists=True, help="what it is measured on; as train's")],
    dev_pairs: Annotated[Path, typer.Option(exists=True, help="as train's")],
    dev_questions: Annotated[int, typer.Option(min=1, help="of the dev set that are looked at")] = 200,
    notes: Annotated[Path | None, typer.Option(exists=True, help="Markdown that ends the card")] = None,
    newest: Annotated[bool, typer.Option(help="the last state's averages, not the best look's weights")] = False,
) -> None:  # fmt: skip
    """Write a trained model in half precision, with a card and the fusion it recommends, both measured on what is written.

    Example: jrerank-admin models pack my-reranker packed --dev-passages passages.jsonl --dev-pairs dev.jsonl
    """
    with plain_errors():
        try:
            from jrerank.admin.training.data import read_corpus
            from jrerank.training import packing
            from jrerank.training.development import DevSet
        except ImportError as error:
            raise ConfigurationError(f"{error.name} is needed: pip install 'jrerank[train]'") from None
        dev = DevSet(read_corpus(dev_passages, dev_pairs), dev_questions, _DEPTH, _MAX_TOKENS)
        text = notes.read_text(encoding="utf-8") if notes else ""
        figures = packing.pack(run, folder, packing.Packing(dev, text, newest))
    print(
        f"{folder}: dev nDCG@10 BM25 {figures.first_stage:.4f}, alone {figures.alone:.4f}, "
        f"fused {figures.fused:.4f} (weight {figures.fusion_weight:g})"
    )
