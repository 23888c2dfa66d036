"""The four public Japanese sets, field by field as they are published, as small files with one question each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow
from pyarrow import parquet


def write_jsonl(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Packed where the name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def write_parquet(path: Path, rows: list[dict[str, object]]) -> None:
    """One file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def write_text(path: Path, content: str) -> Path:
    """With the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def write_jqara(folder: Path) -> None:
    """`hotchpotch/JQaRA`: a row for each question and passage; text is f"{title} {text}", label 1 is relevant."""
    rows: list[dict[str, object]] = [
        {"id": f"i{n}", "q_id": "Q1", "question": "首都は", "answers": ["東京"], "passage_row_id": n, "title": "東京",
         "text": f"本文{n}", "label": int(n == 3)}
        for n in range(5)
    ]  # fmt: skip
    write_parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


def write_jacwir(folder: Path) -> None:
    """`hotchpotch/JaCWIR`: ids in one file, texts in the other."""
    asked: list[dict[str, object]] = [{"query": "何", "positive": "x1", "negatives": ["x2", "x3"]}]
    write_parquet(folder / "eval" / "eval-00000.parquet", asked)
    documents: list[dict[str, object]] = [
        {"doc_id": f"x{n}", "title": f"題{n}", "description": "説明"} for n in range(9)
    ]
    write_parquet(folder / "collection" / "collection-00000.parquet", documents)


def write_jsquad(folder: Path) -> None:
    """JGLUE's form of SQuAD; no hit lists, so it has to have enough paragraphs to draw them from."""
    paragraphs = [
        {
            "context": f"題{n} [SEP] 富士山の話{n}",
            "qas": [{"id": f"a{n}", "question": f"富士山の話{n}は", "answers": []}],
        }
        for n in range(30)
    ]
    data = {"version": "1.1", "data": [{"title": "題", "paragraphs": paragraphs}]}
    write_text(folder / "valid-v1.1.json", json.dumps(data))


def write_miracl(folder: Path) -> None:
    """Topics and qrels in one repository, the corpus in another."""
    labels = folder / "miracl-v1.0-ja"
    write_text(labels / "topics" / "topics.miracl-v1.0-ja-dev.tsv", "0\t日本の首都は\n")
    write_text(labels / "qrels" / "qrels.miracl-v1.0-ja-dev.tsv", "0\tQ0\t10#0\t1\n0\tQ0\t11#2\t0\n")
    documents = [{"docid": id, "title": "東京", "text": id} for id in ("10#0", "11#2", "12#0")]
    write_jsonl(folder / "miracl-corpus-v1.0-ja" / "docs-0.jsonl.gz", documents)
