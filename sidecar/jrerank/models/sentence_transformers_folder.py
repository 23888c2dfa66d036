"""A folder that sentence-transformers has saved: where in it the model is, and what it is used as."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from jrerank.errors import CorruptModel, UnsupportedModel
from jrerank.models.architectures.config_reader import check_score_activation
from jrerank.models.json_file import read_json

MODULES_FILE = "modules.json"
SETTINGS_FILE = "config_sentence_transformers.json"


def transformer_folder(folder: Path) -> Path:
    """The folder of the model itself: `folder`, unless its `modules.json` says that it is one within.

    Raises:
        CorruptModel: `modules.json` isn't what its name says.
        UnsupportedModel: there are other modules than one transformer, or another activation than a reranker's.
    """
    path = folder / MODULES_FILE
    if not path.is_file():
        return folder
    if (folder / SETTINGS_FILE).is_file():
        check_score_activation(read_json(folder / SETTINGS_FILE).get("activation_fn"))
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
        within = PurePosixPath(str(modules[0]["path"]))
    except (ValueError, TypeError, LookupError, OSError, RecursionError) as error:
        raise CorruptModel(f"{path} is not a list of modules: {error}") from error
    if "Pooling" in kinds:
        raise UnsupportedModel(
            f"{folder} is an embedding model (its modules: {', '.join(kinds)}), not a reranker"
        )
    if kinds != ["Transformer"]:
        raise UnsupportedModel(
            f"{folder} has the modules {', '.join(kinds)}; a cross-encoder has one Transformer"
        )
    if within.is_absolute() or ".." in within.parts:
        raise CorruptModel(f"{path}: {within} is not a folder within")
    return folder / within
