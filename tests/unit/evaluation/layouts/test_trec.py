from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput
from jrerank.evaluation.layouts.labels import read_qrels
from jrerank.evaluation.layouts.trec import read_queries, read_run, read_trec


def file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def test_a_run_is_read_by_score_then_rank(tmp_path: Path) -> None:
    run = file(tmp_path, "x.run", "q Q0 b 2 1.5 t\nq Q0 a 1 1.5 t\nq Q0 c 3 2.5 t\nr Q0 a 1 1 t\n")
    read = read_run(run, {"a": "山"})
    assert [hit.id for hit in read["q"]] == ["c", "a", "b"]
    assert read["r"] == (Candidate("a", "山", 1.0),)


def test_qrels_with_spaces_or_tabs(tmp_path: Path) -> None:
    assert read_qrels(file(tmp_path, "a", "q 0 d 2\nq 0 e 0\n")) == {"q": {"d": 2, "e": 0}}
    assert read_qrels(file(tmp_path, "b", "q\t0\td\t2\n")) == {"q": {"d": 2}}


def test_all_of_trec_together(tmp_path: Path) -> None:
    read = read_trec(
        file(tmp_path, "topics.tsv", "1\t富士山 高さ\n"),
        file(tmp_path, "passages.jsonl", '{"id": "d", "text": "山"}\n'),
        file(tmp_path, "x.qrels", "1 0 d 1\n"),
        file(tmp_path, "x.run", "1 Q0 d 1 3.5 t\n"),
    )
    assert read.check().queries == {"1": "富士山 高さ"}
    assert read.hits["1"] == (Candidate("d", "山", 3.5),)


def test_labels_of_bench_labels_go_with_trec_queries(tmp_path: Path) -> None:
    labels = file(tmp_path, "labels.jsonl", '{"query_id": "1", "id": "d", "label": 2}\n')
    read = read_trec(
        file(tmp_path, "topics.tsv", "1\t富士山 高さ\n"),
        file(tmp_path, "passages.jsonl", '{"id": "d", "text": "山"}\n'),
        labels,
        file(tmp_path, "x.run", "1 Q0 d 1 3.5 t\n"),
    )
    assert read.check().labels == {"1": {"d": 2}}


def test_queries_in_jsonl(tmp_path: Path) -> None:
    assert read_queries(file(tmp_path, "q.jsonl", '{"query_id": 7, "query": "山"}\n')) == {"7": "山"}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("q.tsv", "1\t山\nx\t\u3000\n"),
        ("q.tsv", "1\t山\nx\n"),
        ("q.jsonl", '{"id": 1, "query": "山"}\n{"id": "x", "query": ""}\n'),
    ],
)
def test_a_blank_query_is_refused_by_its_id_and_line(tmp_path: Path, name: str, lines: str) -> None:
    with pytest.raises(InvalidInput, match="line 2: the query 'x' is blank"):
        read_queries(file(tmp_path, name, lines))


@pytest.mark.parametrize("line", ["q Q0 d 1", "q Q0 d one 2.5 t", "q Q0 d 1 high t", "q Q0 d 1 nan t"])
def test_a_line_that_is_no_run_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidInput, match="line 2: a run has"):
        read_run(file(tmp_path, "x.run", f"q Q0 d 1 2 t\n{line}\n"), {})


@pytest.mark.parametrize("line", ["q d", "q 0 d one", "q 0 d 1 extra"])
def test_a_line_that_is_no_qrel_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidInput, match=r"columns|no label"):
        read_qrels(file(tmp_path, "x.qrels", f"q 0 d 1\n{line}\n"))
