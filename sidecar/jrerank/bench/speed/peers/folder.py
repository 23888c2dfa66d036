"""A checkpoint as a folder that transformers reads."""

from __future__ import annotations

from pathlib import Path

from jrerank.models.checkpoint import Checkpoint, save_checkpoint
from jrerank.models.random import PREFIX, random_config


def transformers_folder(checkpoint: Checkpoint, folder: Path) -> Path:
    """Its own folder; random weights are written into `folder` first.

    Raises:
        CorruptModel, UnsupportedModel: the checkpoint can't be written.
    """
    if checkpoint.folder is not None:
        return checkpoint.folder
    config = random_config(checkpoint.name.removeprefix(PREFIX))
    written = {**config, "pad_token_id": config.get("pad_token_id", 3), "num_labels": 1}
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<pad>",
        "model_max_length": 512,
    }
    target = folder / "checkpoint"
    save_checkpoint(
        target, written, checkpoint.weights(), checkpoint.tokenizer, tokenizer_config=tokenizer_config
    )
    return target
