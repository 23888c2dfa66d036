"""What is built of checkpoints, on disk: atomic, locked, keyed by fingerprint and recipe.

    <cache_dir>/artifacts/<fingerprint>-<recipe>/model.onnx, ...
                                                 manifest.json   SHA-256 of each of the others

A folder appears under its name only when it is whole. What goes into it is for the engine to say that reads it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from jrerank.errors import ArtifactError
from jrerank.models.checkpoint import Checkpoint
from jrerank.models.ownership import check_trusted

_MANIFEST = "manifest.json"
_KEY_CHARS = 16
# Building the largest model that is known to run takes minutes; the lock of a process that has ended is free
LOCK_TIMEOUT_S = 600.0
_PATIENCE_S = 1.0
# Others may read what is built, and not write it, whatever the umask says
_FOLDER_MODE, _OTHERS_WRITE = 0o755, 0o022


def artifact_folder(cache_dir: Path, checkpoint: Checkpoint, recipe: str) -> Path:
    """Where the artifact is, or will be."""
    return cache_dir / "artifacts" / f"{artifact_key(checkpoint)}-{recipe}"


def built_artifacts(cache_dir: Path) -> dict[str, list[str]]:
    """What has been built: the beginning of a checkpoint's fingerprint -> recipes with their sizes."""
    built: dict[str, list[str]] = {}
    for manifest in sorted((cache_dir / "artifacts").glob(f"[!.]*/{_MANIFEST}")):
        key, _, recipe = manifest.parent.name.partition("-")
        size = sum(path.stat().st_size for path in manifest.parent.iterdir())
        built.setdefault(key, []).append(f"{recipe} ({size / 1e6:.1f} MB)")
    return built


def artifact_key(checkpoint: Checkpoint) -> str:
    """The key of a checkpoint in `built_artifacts`."""
    return checkpoint.fingerprint[:_KEY_CHARS]


def forget_artifacts(cache_dir: Path, checkpoint: Checkpoint, recipes: str) -> None:
    """Remove what has been built of a checkpoint by recipes that begin so. Who serves it meanwhile has it in memory.

    Raises:
        ArtifactError: a folder cannot be removed.
    """
    for folder in (cache_dir / "artifacts").glob(f"{artifact_key(checkpoint)}-{recipes}*/"):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise ArtifactError(f"{folder} cannot be removed: {error.strerror}") from error


def is_whole(folder: Path, files: Collection[str]) -> bool:
    """Whether `folder` holds `files`, and all that its manifest names is as it was built.

    Raises:
        ArtifactError: it is there, but others could have written it.
    """
    try:
        check_trusted([folder.parent, folder, *folder.iterdir()])
        manifest = json.loads((folder / _MANIFEST).read_text())
        return (
            isinstance(manifest, dict)
            and set(files) <= manifest.keys()
            and all(_sha256(folder / file) == digest for file, digest in manifest.items())
        )
    except (OSError, ValueError, RecursionError):
        return False


def store_artifact(
    folder: Path,
    build: Callable[[Path], None],
    is_there: Callable[[], bool],
    *,
    on_wait: Callable[[Path], None] = lambda lock: None,
    timeout_s: float = LOCK_TIMEOUT_S,
) -> None:
    """Let `build` fill a temporary folder beside `folder`, and move it there when it is whole.

    One process builds at a time, and not what `is_there` by then. What earlier builds that were killed have left
    behind is removed. `on_wait` is told of a lock that another process has held for a second.

    Raises:
        ArtifactError: another process has held the lock for `timeout_s`.
    """
    folder.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    with _locked(folder.parent / f"{folder.name}.lock", on_wait, timeout_s):
        if is_there():
            return
        for leftover in folder.parent.glob(f".{folder.name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = folder.parent / f".{folder.name}.{os.getpid()}"
        temporary.mkdir(mode=_FOLDER_MODE)
        try:
            build(temporary)
            _seal(temporary)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _locked(path: Path, on_wait: Callable[[Path], None], timeout_s: float) -> Iterator[None]:
    lock = FileLock(path)
    patience_s = min(_PATIENCE_S, timeout_s)
    try:
        lock.acquire(timeout=patience_s)
    except Timeout:
        on_wait(path)
        _acquire(lock, timeout_s - patience_s)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: BaseFileLock, timeout_s: float) -> None:
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout:
        raise ArtifactError(
            f"another process has held {lock.lock_file} for too long: end it, or set JRERANK_CACHE_DIR to another folder"
        ) from None


def _seal(folder: Path) -> None:
    manifest = {path.name: _sha256(path) for path in folder.iterdir()}
    (folder / _MANIFEST).write_text(json.dumps(manifest))
    for path in folder.iterdir():
        path.chmod(path.stat().st_mode & ~_OTHERS_WRITE)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
