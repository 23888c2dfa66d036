"""`bundled`, a folder, a hub id or `random:xsmall-v2` -> a Checkpoint."""

from __future__ import annotations

import re
from pathlib import Path

from jrerank.errors import ModelNotFound
from jrerank.models.architectures.registry import ARCHITECTURES
from jrerank.models.checkpoint import CONFIG_FILE, Checkpoint, load_checkpoint
from jrerank.models.random import PREFIX, random_checkpoint
from jrerank.models.sentence_transformers_folder import MODULES_FILE, SETTINGS_FILE, transformer_folder
from jrerank.models.tensors import SAFETENSORS_PATTERNS, TORCH_PATTERNS
from jrerank.models.tokenizer_file import TOKENIZER_CONFIG_FILE, TOKENIZER_FILE

BUNDLED = Path(__file__).parent / "bundled"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# Slow tokenizers' files are fetched too, since what is there says what to do when there is no tokenizer.json
_FILES = (CONFIG_FILE, TOKENIZER_FILE, TOKENIZER_CONFIG_FILE, MODULES_FILE, SETTINGS_FILE, "vocab.txt")


def open_checkpoint(model: str, revision: str | None = None, *, prebuilt_graphs: bool = False) -> Checkpoint:
    """Open a model by what `--model` says, fetching it from the hub if it has to be.

    Args:
        model: `bundled`, a folder, a hub id, or `random:` and a size.
        revision: commit, tag or branch; for a hub id only.
        prebuilt_graphs: also fetch the repository's `onnx/*.onnx`.

    Raises:
        ModelNotFound: there is no such model, or the hub can't be reached and the model isn't in its cache.
        CorruptModel, UnsupportedModel: see `load_checkpoint`.
    """
    if model.startswith(PREFIX):
        return random_checkpoint(model.removeprefix(PREFIX), BUNDLED / TOKENIZER_FILE)
    return load_checkpoint(checkpoint_folder(model, revision, prebuilt_graphs=prebuilt_graphs), model)


def checkpoint_folder(model: str, revision: str | None = None, *, prebuilt_graphs: bool = False) -> Path:
    """The folder of a model that has one, fetched from the hub if it has to be; its architecture is not looked at.

    Raises:
        ModelNotFound: see `open_checkpoint`.
    """
    if model == "bundled":
        return BUNDLED
    if model and Path(model).is_dir():
        return Path(model).resolve()
    if _HUB_ID.fullmatch(model) and not model.endswith("/"):
        return _fetch(model, revision, prebuilt_graphs)
    raise ModelNotFound(
        f"{model!r} is neither a folder nor a hub id such as hotchpotch/japanese-reranker-xsmall-v2"
    )


def cached_models() -> dict[str, Path]:
    """The rerankers in the hub's cache on this machine: hub id -> folder of the revision that came last."""
    from huggingface_hub import constants, scan_cache_dir  # noqa: PLC0415  slow to import, and seldom needed
    from huggingface_hub.errors import CacheNotFound  # noqa: PLC0415

    try:
        repositories = [
            one
            for one in scan_cache_dir(constants.HF_HUB_CACHE).repos
            if one.repo_type == "model" and one.revisions
        ]
    except CacheNotFound:
        return {}
    latest = {one.repo_id: max(one.revisions, key=lambda it: it.last_modified) for one in repositories}
    return {
        name: latest[name].snapshot_path
        for name in sorted(latest)
        if _is_reranker(latest[name].snapshot_path / CONFIG_FILE)
    }


def _is_reranker(config: Path) -> bool:
    if not config.is_file():
        return False
    content = config.read_text(encoding="utf-8", errors="replace")
    return any(name in content for name in ARCHITECTURES)


def _fetch(repo_id: str, revision: str | None, prebuilt_graphs: bool) -> Path:
    """What is needed of a repository; weights of torch only where there are none of safetensors."""
    graphs = ["onnx/*.onnx"] if prebuilt_graphs else []
    folder = _download(repo_id, revision, [*_FILES, *SAFETENSORS_PATTERNS, *graphs])
    within = transformer_folder(folder)
    prefix = "" if within == folder else f"{within.relative_to(folder).as_posix()}/"
    if prefix:
        _download(repo_id, revision, [prefix + pattern for pattern in (*_FILES, *SAFETENSORS_PATTERNS)])
    if not any(within.glob("*.safetensors")):
        _download(repo_id, revision, [prefix + pattern for pattern in TORCH_PATTERNS])
    return folder


def _download(repo_id: str, revision: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415  slow to import, and seldom needed
    from huggingface_hub.errors import (  # noqa: PLC0415
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(snapshot_download(repo_id, revision=revision, allow_patterns=patterns))
    except GatedRepoError as error:
        raise ModelNotFound(f"{repo_id} is gated: accept its terms on the hub and set HF_TOKEN") from error
    except RevisionNotFoundError as error:
        raise ModelNotFound(f"{repo_id} has no revision {revision!r}") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelNotFound(f"the hub has no model {repo_id}, or HF_TOKEN doesn't open it") from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise ModelNotFound(
            f"{repo_id} is not in the local hub cache and the hub could not be reached"
            f" ({_first_line(error)}); pull it on a machine with access (jrerank-admin models pull), or give"
            " a folder, or --model bundled"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
