"""BEIR's folders (Thakur et al., 2021): `corpus.jsonl`, `queries.jsonl`, `qrels/<split>.tsv`, and a run with the hit lists."""

from __future__ import annotations

from pathlib import Path

from jrerank.evaluation.collection import Collection
from jrerank.evaluation.layouts.jsonl import read_passages
from jrerank.evaluation.layouts.labels import read_qrels
from jrerank.evaluation.layouts.rows import only_file
from jrerank.evaluation.layouts.trec import read_queries, read_run


def read_beir(folder: Path, split: str = "test", run: Path | None = None) -> Collection:
    """The collection; without `run`, `run*.trec` or `*.run` of the folder.

    Raises:
        InvalidInput: a file isn't there or can't be read.
    """
    passages = read_passages(only_file(folder, "corpus.jsonl", "corpus.jsonl.gz"))
    queries = read_queries(only_file(folder, "queries.jsonl", "queries.jsonl.gz"))
    qrels = read_qrels(only_file(folder, f"qrels/{split}.tsv"))
    hits = read_run(run or only_file(folder, "run*.trec", "*.run"), passages)
    return Collection(folder.name, queries, qrels, hits)
