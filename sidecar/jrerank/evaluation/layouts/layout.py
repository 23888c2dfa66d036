"""Opens a collection by the name of its layout, from a folder, a file or the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput, ModelNotFound
from jrerank.evaluation.bm25 import Bm25
from jrerank.evaluation.collection import Collection, of_dataset
from jrerank.evaluation.dataset import load_dataset
from jrerank.evaluation.layouts.beir import read_beir
from jrerank.evaluation.layouts.japanese import read_jacwir, read_jqara, read_jsquad, read_miracl
from jrerank.evaluation.layouts.jsonl import read_jsonl


@dataclass(frozen=True, slots=True)
class Source:
    """Where a collection is: `path`, or the hub where the layout has repositories there. `run` replaces its hit lists."""

    layout: str
    path: Path | None = None
    run: Path | None = None
    passages: Path | None = None
    labels: Path | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How one is read, from which fields of a source, the measure it is reported in, and the hub's repositories that hold it.

    `repositories` have the files that are needed; none at all is a layout that ships, None one that only a user has.
    """

    read: Callable[[Path, Source], Collection]
    takes: frozenset[str] = frozenset({"path", "split"})
    measure: str = "nDCG@10"
    repositories: Mapping[str, tuple[str, ...]] | None = None


_SHIPPED_DEPTH = 100
_OPTIONS = {
    "path": "--data",
    "run": "--hits",
    "passages": "--passages",
    "labels": "--labels",
    "split": "--split",
}


def read_jaquad(depth: int = _SHIPPED_DEPTH) -> Collection:
    """The set that ships, with BM25's hits over bigrams."""
    dataset = load_dataset()
    index = Bm25.of(dataset.passages)

    def search(question: str) -> tuple[Candidate, ...]:
        found = index.search(question, depth)
        return tuple(Candidate(id, dataset.passages[id], score) for id, score in found)

    return of_dataset(dataset, search)


LAYOUTS: Mapping[str, Layout] = {
    "jaquad": Layout(lambda path, source: read_jaquad(), frozenset(), repositories={}),
    "jsonl": Layout(
        lambda path, source: read_jsonl(path, source.passages, source.labels),
        frozenset({"path", "passages", "labels"}),
    ),
    "beir": Layout(
        lambda path, source: read_beir(path, source.split or "test", source.run),
        frozenset({"path", "split", "run"}),
    ),
    "jqara": Layout(
        lambda path, source: read_jqara(path, source.split or "test"),
        repositories={"hotchpotch/JQaRA": ("data/*",)},
    ),
    "jacwir": Layout(
        lambda path, source: read_jacwir(path, source.split or "eval"),
        measure="MAP@10",
        repositories={"hotchpotch/JaCWIR": ("*.parquet", "*.jsonl*")},
    ),
    "jsquad": Layout(lambda path, source: read_jsquad(path, source.split or "valid"), measure="MAP@10"),
    "miracl-ja": Layout(
        lambda path, source: read_miracl(path, source.split or "dev", source.run),
        frozenset({"path", "split", "run"}),
        repositories={
            "miracl/miracl": ("miracl-v1.0-ja/*",),
            "miracl/miracl-corpus": ("miracl-corpus-v1.0-ja/*",),
        },
    ),
}


def open_collection(
    source: Source, download: Callable[[str, tuple[str, ...]], Path] | None = None
) -> Collection:
    """Read what `source` names.

    Args:
        download: fetches a repository's files from the hub; by default with `huggingface_hub`.

    Raises:
        InvalidInput: there is no such layout, it doesn't read what is given, or a file lacks something.
        ModelNotFound: the hub has no such data set, or can't be reached.
    """
    layout = LAYOUTS.get(source.layout)
    if layout is None:
        raise InvalidInput(f"there is no layout {source.layout!r}: {', '.join(LAYOUTS)}", field="layout")
    _check_taken(source, layout)
    if source.path is not None:
        return layout.read(source.path, source)
    if layout.repositories is None:
        raise InvalidInput(
            f"the layout {source.layout} is read from a folder or file: name it with --data", field="data"
        )
    if not layout.repositories:
        return layout.read(Path(), source)
    folders = [(download or _from_hub)(*item) for item in layout.repositories.items()]
    return layout.read(_common(folders), source)


def _check_taken(source: Source, layout: Layout) -> None:
    """What would be left unread is refused: a measurement of something else would look like the one that was asked for."""
    for field, option in _OPTIONS.items():
        if field not in layout.takes and getattr(source, field) is not None:
            own = "" if layout.takes else "; queries of your own are in the layout jsonl, trec or beir"
            raise InvalidInput(
                f"the layout {source.layout} takes no {option}{own}", field=option.removeprefix("--")
            )


def _common(folders: list[Path]) -> Path:
    """One folder that has them all: of several repositories, the one above them in the hub's cache."""
    if len(folders) == 1:
        return folders[0]
    parents = [set(folder.parents) for folder in folders]
    return max(set.intersection(*parents), key=lambda path: len(path.parts))


def _from_hub(repository: str, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415  it takes a while to load

    try:
        return Path(snapshot_download(repository, repo_type="dataset", allow_patterns=list(patterns)))
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelNotFound(
            f"the data set {repository} could not be fetched from the hub ({first}); give its folder with --data"
        ) from error
