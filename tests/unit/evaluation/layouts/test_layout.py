"""The published layouts, field by field, as small files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput, ModelNotFound
from jrerank.evaluation.layouts.layout import Source, open_collection
from published_layouts import (
    write_jacwir,
    write_jqara,
    write_jsonl,
    write_jsquad,
    write_miracl,
    write_parquet,
    write_text,
)


def test_jsonl_with_texts_labels_and_scores_in_each_line(tmp_path: Path) -> None:
    hit = {"id": "a", "text": "山", "score": 2.5}
    file = write_jsonl(
        tmp_path / "q.jsonl",
        [{"id": "q", "query": "高さ", "labels": {"a": 2}, "hits": [hit, {"id": "b", "text": "川"}]}],
    )
    read = open_collection(Source("jsonl", file)).check()
    assert read.queries == {"q": "高さ"}
    assert read.labels == {"q": {"a": 2}}
    assert read.hits == {"q": (Candidate("a", "山", 2.5), Candidate("b", "川"))}


def test_jsonl_in_a_folder_with_passages_and_the_labels_that_bench_labels_wrote(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "queries.jsonl", [{"query": "高さ", "hits": ["a"]}])
    write_jsonl(tmp_path / "passages.jsonl", [{"id": "a", "title": "富士山", "text": "3776"}])
    write_jsonl(
        tmp_path / "labels.jsonl",
        [{"query": "高さ", "id": "a", "label": 0}, {"query": "高さ", "id": "a", "label": 1}],
    )
    read = open_collection(Source("jsonl", tmp_path)).check()
    assert read.hits == {"1": (Candidate("a", "富士山\n3776"),)}
    assert read.labels == {"1": {"a": 1}}, "the last word on a pair counts"


def test_jsonl_with_qrels(tmp_path: Path) -> None:
    queries = write_jsonl(tmp_path / "queries.jsonl", [{"id": "q", "query": "高さ", "hits": ["a"]}])
    qrels = write_text(tmp_path / "x.qrels", "q 0 a 1\n")
    assert open_collection(Source("jsonl", queries, labels=qrels)).labels == {"q": {"a": 1}}


def test_jsonl_reads_a_text_that_was_cut_within_a_character(tmp_path: Path) -> None:
    hit = '{"id": "a", "text": "\\ud83d\\ude00 \\ud83d"}'
    file = write_text(tmp_path / "q.jsonl", f'{{"query": "山\\ude00", "labels": ["a"], "hits": [{hit}]}}')
    read = open_collection(Source("jsonl", file))
    assert read.queries == {"1": "山\ufffd"}
    assert read.hits == {"1": (Candidate("a", "😀 \ufffd"),)}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"id": "x", "query": "山"}, {"id": "x", "query": "川"}], "line 2: the query id 'x' comes twice"),
        (
            [{"query": "山"}, {"id": "x", "query": " \u3000"}],
            "line 2: the query 'x' is blank; give it a text",
        ),
        ([{"query": "山", "hits": "abc"}], "`hits` is no array but 'abc'"),
    ],
)
def test_jsonl_that_would_be_measured_wrongly_is_refused(
    tmp_path: Path, lines: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_collection(Source("jsonl", write_jsonl(tmp_path / "q.jsonl", lines)))


def test_beir(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "corpus.jsonl",
        [{"_id": "d1", "title": "山", "text": "高い"}, {"_id": "d2", "title": "", "text": "川"}],
    )
    write_jsonl(tmp_path / "queries.jsonl", [{"_id": "q1", "text": "問い"}])
    write_text(tmp_path / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    write_text(tmp_path / "run.bm25.trec", "q1 Q0 d2 1 9.5 bm25\nq1 Q0 d1 2 3.25 bm25\n")
    read = open_collection(Source("beir", tmp_path)).check()
    assert read.labels == {"q1": {"d1": 1}}
    assert read.hits == {"q1": (Candidate("d2", "川", 9.5), Candidate("d1", "山\n高い", 3.25))}


def test_jqara_has_a_row_per_question_and_passage(tmp_path: Path) -> None:
    write_jqara(tmp_path)
    read = open_collection(Source("jqara", tmp_path)).check()
    assert read.queries == {"Q1": "首都は"}
    assert read.labels["Q1"] == {"0": 0, "1": 0, "2": 0, "3": 1, "4": 0}
    assert {hit.passage for hit in read.hits["Q1"]} == {f"東京 本文{n}" for n in range(5)}


def test_jacwir_has_ids_in_one_file_and_texts_in_the_other(tmp_path: Path) -> None:
    write_jacwir(tmp_path)
    read = open_collection(Source("jacwir", tmp_path)).check()
    assert read.labels == {"0-x1": {"x1": 1}}
    assert {hit.id: hit.passage for hit in read.hits["0-x1"]} == {f"x{n}": f"題{n} 説明" for n in (1, 2, 3)}


def test_public_sets_in_several_files_are_read_whole(tmp_path: Path) -> None:
    for place in range(2):
        row: dict[str, object] = {
            "q_id": f"Q{place}", "question": "問", "passage_row_id": place, "title": "題", "text": "文", "label": 1
        }  # fmt: skip
        write_parquet(tmp_path / "data" / f"test-0000{place}-of-00002.parquet", [row])
        pair: dict[str, object] = {"query": "何", "positive": f"x{place}", "negatives": []}
        write_parquet(tmp_path / "eval" / f"eval-0000{place}-of-00002.parquet", [pair])
        document: dict[str, object] = {"doc_id": f"x{place}", "title": "題", "description": "説明"}
        write_parquet(tmp_path / "collection" / f"0000{place}.parquet", [document])
    assert list(open_collection(Source("jqara", tmp_path)).check().queries) == ["Q0", "Q1"]
    jacwir = open_collection(Source("jacwir", tmp_path)).check()
    assert {id: hits[0].passage for id, hits in jacwir.hits.items()} == {"0-x0": "題 説明", "1-x1": "題 説明"}


def test_candidates_of_public_sets_have_no_order_unless_a_run_gives_them_one(tmp_path: Path) -> None:
    for write in (write_jqara, write_jacwir, write_jsquad, write_miracl):
        write(tmp_path)
    run = write_text(tmp_path / "bm25.run", "0 Q0 12#0 1 3 x\n")
    assert all(
        open_collection(Source(layout, tmp_path)).shuffled
        for layout in ("jqara", "jacwir", "jsquad", "miracl-ja")
    )
    assert not open_collection(Source("miracl-ja", tmp_path, run)).shuffled


def test_jsquad_gets_hard_negatives_beside_the_paragraph_of_each_question(tmp_path: Path) -> None:
    write_jsquad(tmp_path)
    read = open_collection(Source("jsquad", tmp_path)).check()
    assert len(read.queries) == 30
    assert all(len(hits) == 20 for hits in read.hits.values())
    assert read.labels["a7"] == {"0-7": 1}
    assert {hit.id: hit.passage for hit in read.hits["a7"]}["0-7"] == "題7\n富士山の話7"


def test_miracl_ranks_the_judged_passages_or_those_of_a_run(tmp_path: Path) -> None:
    write_miracl(tmp_path)
    judged = open_collection(Source("miracl-ja", tmp_path)).check()
    assert {hit.id for hit in judged.hits["0"]} == {"10#0", "11#2"}
    assert judged.labels == {"0": {"10#0": 1, "11#2": 0}}
    run = write_text(tmp_path / "bm25.run", "0 Q0 12#0 1 3 x\n0 Q0 10#0 2 2 x\n")
    assert [hit.id for hit in open_collection(Source("miracl-ja", tmp_path, run)).hits["0"]] == [
        "12#0",
        "10#0",
    ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"question": "都は"}, r"row 2: the query id 'Q1' comes twice, with another text"),
        ({"text": "川"}, r"row 2: the passage id 'p' comes twice, with another text"),
        ({"label": 0}, r"row 2: query 'Q1' and passage 'p' come twice, with another label"),
    ],
)
def test_jqara_that_says_two_things_of_one_id_is_refused(
    tmp_path: Path, other: dict[str, object], message: str
) -> None:
    row: dict[str, object] = {
        "q_id": "Q1", "question": "首都は", "passage_row_id": "p", "title": "東京", "text": "山", "label": 1
    }  # fmt: skip
    write_jsonl(tmp_path / "test.jsonl", [row, row])
    assert open_collection(Source("jqara", tmp_path)).labels == {"Q1": {"p": 1}}
    write_parquet(tmp_path / "data" / "test-0.parquet", [row, row | other])
    with pytest.raises(InvalidInput, match=message):
        open_collection(Source("jqara", tmp_path))


def test_a_document_of_jacwir_with_two_texts_is_refused(tmp_path: Path) -> None:
    write_jacwir(tmp_path)
    documents: list[dict[str, object]] = [
        {"doc_id": "x1", "title": "題", "description": text} for text in "山川"
    ]
    write_parquet(tmp_path / "collection" / "collection-00000.parquet", documents)
    with pytest.raises(InvalidInput, match="row 2: the passage id 'x1' comes twice, with another text"):
        open_collection(Source("jacwir", tmp_path))


def test_a_passage_of_miracl_with_another_text_in_another_part_is_refused(tmp_path: Path) -> None:
    write_miracl(tmp_path)
    write_jsonl(tmp_path / "miracl-corpus-v1.0-ja" / "docs-1.jsonl.gz", [{"docid": "10#0", "text": "川"}])
    with pytest.raises(InvalidInput, match=r"docs-1\.jsonl\.gz, line 1: the passage id '10#0' comes twice"):
        open_collection(Source("miracl-ja", tmp_path))


def test_a_question_of_jsquad_under_two_paragraphs_is_refused(tmp_path: Path) -> None:
    paragraphs = [{"context": text, "qas": [{"id": "a", "question": "高さは"}]} for text in "山川"]
    write_text(tmp_path / "valid-v1.1.json", json.dumps({"data": [{"paragraphs": paragraphs}]}))
    with pytest.raises(InvalidInput, match="the question id 'a' comes twice"):
        open_collection(Source("jsquad", tmp_path))


@pytest.mark.parametrize("layout", ["jqara", "jacwir"])
def test_candidates_without_an_order_are_shuffled_so_that_no_tie_helps(tmp_path: Path, layout: str) -> None:
    if layout == "jqara":
        rows: list[dict[str, object]] = [
            {
                "q_id": f"Q{q}",
                "question": "問",
                "passage_row_id": f"{q}-{n}",
                "title": "",
                "text": "文",
                "label": int(n == 0),
            }
            for q in range(60)
            for n in range(10)
        ]
        write_parquet(tmp_path / "data" / "test-0.parquet", rows)
    else:
        pairs: list[dict[str, object]] = [
            {"query": "問", "positive": f"{q}-0", "negatives": [f"{q}-{n}" for n in range(1, 10)]}
            for q in range(60)
        ]
        write_parquet(tmp_path / "eval.parquet", pairs)
        write_parquet(
            tmp_path / "collection.parquet",
            [{"doc_id": f"{q}-{n}", "title": "題", "description": ""} for q in range(60) for n in range(10)],
        )
    read = open_collection(Source(layout, tmp_path)).check()
    first = sum(hits[0].id.endswith("-0") for hits in read.hits.values())
    assert first < 20, "the relevant one of ten is first about six times in sixty"


def test_a_public_set_comes_from_the_hub_by_its_name(tmp_path: Path) -> None:
    def download(repository: str, patterns: tuple[str, ...]) -> Path:
        assert (repository, patterns) == ("hotchpotch/JQaRA", ("data/*",))
        row: dict[str, object] = {
            "q_id": "Q", "question": "問", "passage_row_id": "p", "title": "題", "text": "文", "label": 1
        }  # fmt: skip
        write_parquet(tmp_path / "data" / "test-0.parquet", [row])
        return tmp_path

    assert open_collection(Source("jqara"), download).queries == {"Q": "問"}


def test_without_a_network_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match=r"hotchpotch/JQaRA could not be fetched .*--data"):
        open_collection(Source("jqara"))


def test_the_set_that_ships_has_bm25_hits() -> None:
    read = open_collection(Source("jaquad")).sample(20).check()
    found = sum(any(hit.id in read.labels[id] for hit in read.hits[id][:20]) for id in read.queries)
    assert found >= 17


@pytest.mark.parametrize(
    ("layout", "file", "content", "message"),
    [
        ("jsonl", "q.jsonl", "{", "line 1: it is not JSON"),
        ("jsonl", "q.jsonl", "[]", "line 1: it is not a JSON object"),
        ("jsonl", "q.jsonl", '{"labels": {"a": 1}}', "no 'query'"),
        ("jsonl", "q.jsonl", '{"query": "q", "labels": {"a": "good"}}', "'good' is no label"),
        ("jsonl", "q.jsonl", '{"query": "q", "labels": 3}', "neither an object of gains nor a list"),
        ("jsonl", "q.jsonl", '{"query": "q", "hits": [{"text": "x"}]}', "no 'id'"),
        (
            "jsonl",
            "q.jsonl",
            '{"query": "q", "hits": [{"id": "a", "score": "high"}]}',
            "'high' of hit 'a' is no number",
        ),
        ("jsquad", "valid-v1.1.json", '{"data": [{}]}', "not in the form of SQuAD"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_place(
    tmp_path: Path, layout: str, file: str, content: str, message: str
) -> None:
    path = write_text(tmp_path / file, content)
    with pytest.raises(InvalidInput, match=message) as error:
        open_collection(Source(layout, path if layout == "jsonl" else tmp_path))
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            Source("jaquad", Path("q.jsonl")),
            "jaquad takes no --data; queries of your own are in the layout jsonl",
        ),
        (Source("jsonl", Path("q.jsonl"), run=Path("x.run")), "the layout jsonl takes no --hits"),
        (Source("jqara", labels=Path("x.qrels")), "the layout jqara takes no --labels"),
        (Source("jsonl", Path("q.jsonl"), split="dev"), "the layout jsonl takes no --split"),
    ],
)
def test_what_a_layout_does_not_read_is_refused_and_not_left_out(source: Source, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_collection(source)


def test_missing_files_and_layouts_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has none of corpus\.jsonl"):
        open_collection(Source("beir", tmp_path))
    with pytest.raises(InvalidInput, match="there is no layout 'other': jaquad, jsonl"):
        open_collection(Source("other", tmp_path))
    with pytest.raises(InvalidInput, match="name it with --data"):
        open_collection(Source("beir"))
