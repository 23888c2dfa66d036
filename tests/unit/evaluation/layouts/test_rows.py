"""Every reader of a collection names the line that an editor shows, and refuses what says two things at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jrerank.bench.labels.clicks import read_clicks
from jrerank.bench.load.sizes import read_log
from jrerank.errors import InvalidInput
from jrerank.evaluation.layouts.jsonl import read_jsonl, read_passages
from jrerank.evaluation.layouts.labels import read_judgements, read_labels, read_qrels
from jrerank.evaluation.layouts.rows import Place, gain_of, only_file, read_rows, shards
from jrerank.evaluation.layouts.trec import read_queries, read_run
from published_layouts import write_parquet

Reader = Callable[[Path], object]


def read_empty_run(path: Path) -> object:
    return read_run(path, {})


WRONG_LINES: list[tuple[Reader, str, str, str]] = [
    (read_jsonl, "q.jsonl", '{"query": "山"}', '{"hits": []}'),
    (read_jsonl, "q.jsonl", '{"query": "山"}', '{"query": " "}'),
    (read_jsonl, "q.jsonl", '{"query": "山"}', '{"query": "川", "labels": {"a": "good"}}'),
    (read_jsonl, "q.jsonl", '{"query": "山"}', '{"query": "川", "hits": "a"}'),
    (read_jsonl, "q.jsonl", '{"query": "山"}', '{"query": "川", "hits": [{"id": "a", "score": "high"}]}'),
    (read_jsonl, "q.jsonl", '{"query": "山"}', "{"),
    (read_passages, "p.jsonl", '{"id": 1, "text": "山"}', '{"text": "川"}'),
    (read_passages, "p.jsonl", '{"id": 1, "text": "山"}', '{"id": 2}'),
    (read_judgements, "l.jsonl", '{"query": "山", "id": 1}', '{"query": "山"}'),
    (read_judgements, "l.jsonl", '{"query": "山", "id": 1}', '{"query": "山", "id": 2, "label": 0.5}'),
    (read_queries, "q.jsonl", '{"id": 1, "query": "山"}', '{"id": 2}'),
    (read_queries, "q.tsv", "1\t山", "2\t "),
    (read_qrels, "x.qrels", "q 0 a 1", "q 0 b"),
    (read_qrels, "x.qrels", "q 0 a 1", "q 0 b good"),
    (read_empty_run, "x.run", "q Q0 a 1 2 t", "q Q0 b"),
    (read_clicks, "c.jsonl", '{"query": "山", "id": 1, "position": 1}', '{"query": "山", "position": 1}'),
    (read_clicks, "c.jsonl", '{"query": "山", "id": 1, "position": 1}', '{"query": "山", "id": 1}'),
    (read_log, "log.jsonl", '{"at": 0, "documents": 1}', '{"at": 1}'),
]

REPEATED: list[tuple[Reader, str, str, str]] = [
    (read_jsonl, "q.jsonl", '{"id": 1, "query": "山"}', '{"id": "1", "query": "川"}'),
    (read_jsonl, "q.jsonl", '{"id": 1, "query": "山"}', '{"id": 2, "query": "川", "hits": ["a", "b", "a"]}'),
    (read_passages, "p.jsonl", '{"id": 1, "text": "山"}', '{"id": 1, "text": "川"}'),
    (read_queries, "q.jsonl", '{"id": 1, "query": "山"}', '{"_id": "1", "text": "川"}'),
    (read_queries, "q.tsv", "1\t山", "1\t川"),
    (read_qrels, "x.qrels", "q 0 a 1", "q 0 a 0"),
    (read_empty_run, "x.run", "q Q0 a 1 2 t", "q Q0 a 2 1 t"),
]


@pytest.mark.parametrize(("read", "name", "right", "wrong"), WRONG_LINES)
def test_a_wrong_line_is_named_as_an_editor_shows_it(
    tmp_path: Path, read: Reader, name: str, right: str, wrong: str
) -> None:
    file = tmp_path / name
    file.write_text(f"\n{right}\n\n\n{wrong}\n")
    with pytest.raises(InvalidInput, match=rf"{name}, line 5: "):
        read(file)


@pytest.mark.parametrize(("read", "name", "first", "second"), REPEATED)
def test_what_comes_twice_is_refused_and_does_not_overwrite(
    tmp_path: Path, read: Reader, name: str, first: str, second: str
) -> None:
    file = tmp_path / name
    file.write_text(f"{first}\n\n{second}\n")
    with pytest.raises(InvalidInput, match=rf"{name}, line 3: .* twice"):
        read(file)


def test_the_same_said_twice_is_no_contradiction(tmp_path: Path) -> None:
    passages, qrels = tmp_path / "p.jsonl", tmp_path / "x.qrels"
    passages.write_text('{"id": 1, "text": "山"}\n' * 2)
    qrels.write_text("q 0 a 1\n" * 2)
    assert read_passages(passages) == {"1": "山"}
    assert read_qrels(qrels) == {"q": {"a": 1}}


@pytest.mark.parametrize("name", ["labels.json", "labels", "x.ndjson", "x.txt", "labels.jsonl"])
def test_labels_and_queries_in_json_are_known_by_their_brace_whatever_their_file_is_named(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    file.write_text('\ufeff\n {"query_id": "q", "id": "a", "label": 1, "query": "山"}\n', encoding="utf-8")
    assert read_labels(file) == {"q": {"a": 1}}
    file.write_text('{"id": "q", "query": "山"}\n')
    assert read_queries(file) == {"q": "山"}


@pytest.mark.parametrize("name", ["qrels", "labels.json", "x.tsv"])
def test_what_does_not_begin_with_a_brace_is_a_table(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("q 0 a 1\n")
    assert read_labels(file) == {"q": {"a": 1}}
    file.write_text("q\t山\n")
    assert read_queries(file) == {"q": "山"}


def test_by_its_name_a_file_holds_objects_so_that_a_broken_one_is_called_broken(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text("q 0 a 1\n")
    with pytest.raises(InvalidInput, match="line 1: it is not JSON"):
        read_labels(file)
    with pytest.raises(InvalidInput, match="missing can't be read: No such file"):
        read_labels(tmp_path / "missing")


def test_parquet_has_rows_in_place_of_lines(tmp_path: Path) -> None:
    file = tmp_path / "p.parquet"
    write_parquet(file, [{"id": "a", "text": "山"}, {"id": "b", "text": None}])
    assert [row.place.number for row in read_rows(file)] == [1, 2]
    with pytest.raises(InvalidInput, match=r"p\.parquet, row 2: no 'text'; it has 'id', 'text'"):
        read_passages(file)


@pytest.mark.parametrize("value", [2, "2", 2.0, "2.0"])
def test_a_whole_number_is_a_label_however_a_tool_wrote_it(value: object) -> None:
    assert gain_of(value, Place(Path("x"), 1)) == 2


@pytest.mark.parametrize(("value", "gain"), [(True, 1), (False, 0)])
def test_relevant_or_not_is_a_label(value: bool, gain: int) -> None:
    assert gain_of(value, Place(Path("x"), 1)) == gain


@pytest.mark.parametrize("value", [0.5, "nan", "inf", "", None, [1]])
def test_anything_else_is_no_label(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"x, line 1: .* is no label: labels are integers"):
        gain_of(value, Place(Path("x"), 1))


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(InvalidInput, match=r"a is no folder; one with corpus\.jsonl is needed"):
        only_file(tmp_path / "a", "corpus.jsonl")


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text("")
    return folder


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["t-00001-of-00002.parquet", "t-00000-of-00002.parquet"], [1, 0]),
        (["t-9.jsonl", "t-10.jsonl", "train-9.jsonl"], [0, 1]),
        (["0001.parquet", "0000.parquet"], [1, 0]),
        (["t.jsonl", "t.jsonl.gz", "t-1.jsonl"], [2]),
        (["t.jsonl", "t.jsonl.gz"], [0]),
    ],
)
def test_all_numbered_files_of_one_name_are_read_in_their_order(
    tmp_path: Path, names: list[str], read: list[int]
) -> None:
    found = shards(touched(tmp_path, *names), "none*", "t-*", "t*", "*")
    assert [path.name for path in found] == [names[place] for place in read]


def test_a_missing_shard_is_refused(tmp_path: Path) -> None:
    folder = touched(tmp_path, "t-00000-of-00003.parquet", "t-00002-of-00003.parquet")
    with pytest.raises(InvalidInput, match=r"has 2 of 3 files like t-00000-of-00003\.parquet"):
        shards(folder, "t-*.parquet")


def test_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text("[" * 100_000)
    with pytest.raises(InvalidInput, match="line 1: it is not JSON"):
        read_jsonl(file)
