"""The four public Japanese reranking sets, in the layouts in which they are published.

They come with candidates but without a first stage's order, and some list the right passage first: candidates are therefore
shuffled, always the same way, so that no system gains from a tie.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from jrerank.errors import InvalidInput
from jrerank.evaluation.bm25 import Bm25
from jrerank.evaluation.collection import Collection, hit_list
from jrerank.evaluation.layouts.jsonl import read_passages
from jrerank.evaluation.layouts.labels import read_qrels
from jrerank.evaluation.layouts.rows import gain_of, note_once, only_file, read_rows, shards
from jrerank.evaluation.layouts.trec import read_queries, read_run

_JSQUAD_NEGATIVES = 19


def shuffled(query: str, ids: Iterable[str]) -> list[str]:
    """The ids in an order that depends on them and the query alone."""
    return sorted(dict.fromkeys(ids), key=lambda id: hashlib.sha256(f"{query}\0{id}".encode()).digest())


def read_jqara(folder: Path, split: str = "test") -> Collection:
    """`hotchpotch/JQaRA`: a row per question and passage, text `f"{title} {text}"`, label 1 is relevant.

    Raises:
        InvalidInput: a file isn't there or can't be read, a column is missing, or a row says otherwise than an earlier one.
    """
    paths = shards(
        folder, f"data/{split}-*.parquet", f"{split}*.parquet", f"{split}*.jsonl*", f"data/{split}*.jsonl*"
    )
    queries: dict[str, str] = {}
    passages: dict[str, str] = {}
    labels: dict[str, dict[str, int]] = {}
    for row in read_rows(*paths):
        query, passage = row.text("q_id"), row.text("passage_row_id")
        text, gain = f"{row.text('title')} {row.text('text')}", gain_of(row.get("label"), row.place)
        pair = f"query {query!r} and passage {passage!r} come twice, with another label"
        note_once(
            queries,
            query,
            row.text("question"),
            row.place,
            f"the query id {query!r} comes twice, with another text",
        )
        note_once(
            passages, passage, text, row.place, f"the passage id {passage!r} comes twice, with another text"
        )
        note_once(labels.setdefault(query, {}), passage, gain, row.place, pair)
    hits = {query: hit_list(shuffled(query, judged), passages) for query, judged in labels.items()}
    return Collection("jqara", queries, labels, hits, shuffled=True)


def read_jacwir(folder: Path, split: str = "eval") -> Collection:
    """`hotchpotch/JaCWIR`: `eval` has queries with `positive` and `negatives` by id, `collection` titles and descriptions.

    Raises:
        InvalidInput: a file isn't there or can't be read, a column is missing, or a document comes with two texts.
    """
    paths = shards(
        folder, f"{split}/*.parquet", f"data/{split}*.parquet", f"{split}*.parquet", f"{split}*.jsonl*"
    )
    corpus = shards(
        folder,
        "collection/*.parquet",
        "data/collection*.parquet",
        "collection*.parquet",
        "collection*.jsonl*",
    )
    rows = [
        (row.text("query"), row.text("positive"), row.get("negatives") or ()) for row in read_rows(*paths)
    ]
    wanted = {id for _, positive, negatives in rows for id in (positive, *map(str, negatives))}
    passages: dict[str, str] = {}
    for row in read_rows(*corpus):
        if (id := row.text("doc_id")) in wanted:
            text = f"{row.text('title')} {row.get('description') or ''}"
            note_once(passages, id, text, row.place, f"the passage id {id!r} comes twice, with another text")
    queries, labels, hits = {}, {}, {}
    for number, (text, positive, negatives) in enumerate(rows):
        query = f"{number}-{positive}"
        queries[query], labels[query] = text, {positive: 1}
        hits[query] = hit_list(shuffled(query, (positive, *map(str, negatives))), passages)
    return Collection("jacwir", queries, labels, hits, shuffled=True)


def read_jsquad(folder: Path, split: str = "valid") -> Collection:
    """JGLUE's `jsquad-v1.*`: SQuAD's JSON. The negatives of the published figures were never published.

    Ours are the 19 other passages that BM25 puts first, so figures are comparable with one
    another, not with others'.

    Raises:
        InvalidInput: the file isn't there, or isn't of SQuAD's form.
    """
    path = only_file(folder, f"{split}-v1*.json", f"*/{split}-v1*.json", f"{split}*.json", "*.json")
    passages, questions = _squad(path)
    index = Bm25.of(passages)
    queries = {id: text for id, (text, _) in questions.items()}
    labels = {id: {passage: 1} for id, (_, passage) in questions.items()}
    hits = {}
    for id, (text, right) in questions.items():
        near = [found for found, _ in index.search(text, _JSQUAD_NEGATIVES + 1) if found != right]
        hits[id] = hit_list(shuffled(id, (right, *near[:_JSQUAD_NEGATIVES])), passages)
    return Collection("jsquad", queries, labels, hits, shuffled=True)


def read_miracl(folder: Path, split: str = "dev", run: Path | None = None) -> Collection:
    """MIRACL's Japanese part: topics, qrels and corpus as `miracl/miracl` and `miracl/miracl-corpus` have them, in one folder.

    The candidates are a run's hits; without a run, the judged passages.

    Raises:
        InvalidInput: a file isn't there or can't be read.
    """
    queries = read_queries(only_file(folder, f"**/topics.miracl-v1.0-ja-{split}.tsv"))
    labels = read_qrels(only_file(folder, f"**/qrels.miracl-v1.0-ja-{split}.tsv"))
    parts = sorted(folder.glob("**/docs-*.jsonl.gz")) or sorted(folder.glob("**/docs-*.jsonl"))
    if not parts:
        raise InvalidInput(f"{folder} has no docs-*.jsonl.gz", field="data")
    passages = read_passages(*parts)
    if run is not None:
        return Collection("miracl-ja", queries, labels, read_run(run, passages))
    hits = {query: hit_list(shuffled(query, judged), passages) for query, judged in labels.items()}
    return Collection("miracl-ja", queries, labels, hits, shuffled=True)


def _squad(path: Path) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Passages by id, and questions by id with the ids of theirs."""
    passages: dict[str, str] = {}
    questions: dict[str, tuple[str, str]] = {}
    try:
        for article_number, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
            for number, paragraph in enumerate(article["paragraphs"]):
                id = f"{article_number}-{number}"
                passages[id] = str(paragraph["context"]).replace(" [SEP] ", "\n", 1)
                for question in paragraph["qas"]:
                    key, value = str(question["id"]), (str(question["question"]), id)
                    if questions.setdefault(key, value) != value:
                        raise ValueError(f"the question id {key!r} comes twice")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{path} is not in the form of SQuAD 1.1: {type(error).__name__}: {error}", field="data"
        ) from None
    return passages, questions
