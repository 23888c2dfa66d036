"""The command on files and runs: what is measured, and what is said of it. Nothing is scored here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from published_layouts import write_jsonl, write_parquet, write_text

Lines = list[dict[str, object]]


def quality(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bench", "quality", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def lines(queries: int = 4, relevant: str = "p3", text: str = "本文") -> Lines:
    """Six hits a query, of which the fourth is the relevant one; the last query has no labels."""
    hits = [{"id": f"p{place}", "text": f"{text}{place}", "score": 9 - place} for place in range(6)]
    labels = [{relevant: 1}] * (queries - 1) + [{}]
    return [
        {"id": str(number), "query": f"問い{number}", "hits": hits, "labels": labels[number]}
        for number in range(queries)
    ]


def measured(folder: Path, data: Path, *arguments: object) -> dict[str, Any]:
    """The report of a run on the folder's `first.run`, which is the first stage itself."""
    run = write_text(
        folder / "first.run",
        "".join(f"{query} Q0 p{place} {place} {9 - place} x\n" for query in range(3) for place in range(6)),
    )
    report = folder / "report.json"
    common = ("--layout", "jsonl", "--data", data, "--run", f"same={run}", "--json", report)
    code, output = quality(*common, *arguments)
    assert code == 0, output
    made: dict[str, Any] = json.loads(report.read_text())
    return made


def values(report: dict[str, Any], measure: str) -> dict[str, float]:
    return {
        system["name"]: figure["value"]
        for system in report["systems"]
        for figure in system["figures"]
        if figure["name"] == measure
    }


def test_a_run_is_cut_to_the_depth_like_the_first_stage(tmp_path: Path) -> None:
    made = measured(tmp_path, write_jsonl(tmp_path / "q.jsonl", lines()), "--depth", 3)
    assert values(made, "MAP") == {"first stage": 0.0, "same": 0.0}, "the relevant one is the fourth"


def test_what_a_run_has_no_list_for_is_counted(tmp_path: Path) -> None:
    data = write_jsonl(tmp_path / "q.jsonl", lines())
    short = write_text(tmp_path / "short.run", "0 Q0 p3 1 1 x\n")
    made = measured(tmp_path, data, "--run", f"short={short}")
    assert values(made, "MRR@10")["short"] == pytest.approx(1 / 3)
    assert "short has no list for 2 of 3 queries, which count 0" in made["notes"]
    assert not [note for note in made["notes"] if note.startswith("same")]


def test_queries_without_labels_are_said_to_be_left_out(tmp_path: Path) -> None:
    made = measured(tmp_path, write_jsonl(tmp_path / "q.jsonl", lines()))
    assert made["sample_ids"] == ["0", "1", "2"]
    assert "1 queries have no labels and are left out" in made["notes"]


def test_the_same_data_elsewhere_may_be_compared(tmp_path: Path) -> None:
    data = write_jsonl(tmp_path / "q.jsonl", lines())
    measured(tmp_path, data)
    older = (tmp_path / "report.json").rename(tmp_path / "older.json")
    measured(tmp_path, data.rename(tmp_path / "elsewhere.jsonl"), "--compare", older)


@pytest.mark.parametrize(
    ("other", "parameter"),
    [
        (lines(relevant="p4"), "labels"),
        (lines(text="別の文"), "hit lists"),
        ([line | {"query": f"別の{line['id']}"} for line in lines()], "query texts"),
        (lines(queries=3), "query texts"),
    ],
)
def test_other_data_is_other_work(tmp_path: Path, other: Lines, parameter: str) -> None:
    measured(tmp_path, write_jsonl(tmp_path / "q.jsonl", lines()))
    older = (tmp_path / "report.json").rename(tmp_path / "older.json")
    data = write_jsonl(tmp_path / "other.jsonl", other)
    code, output = quality(
        "--layout", "jsonl", "--data", data, "--run", f"same={tmp_path / 'first.run'}", "--compare", older
    )
    assert code == 2
    assert f"the older report measured other work: {parameter} " in output


def test_a_report_of_before_the_digests_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    data = write_jsonl(tmp_path / "q.jsonl", lines())
    older = measured(tmp_path, data)
    older["parameters"] = {name: older["parameters"][name] for name in ("layout", "queries", "depth")}
    file = write_text(tmp_path / "older.json", json.dumps(older))
    run = f"same={tmp_path / 'first.run'}"
    code, output = quality("--layout", "jsonl", "--data", data, "--run", run, "--compare", file)
    assert (code, "the older report does not say its query texts" in output) == (2, True)


def jqara(folder: Path, candidates: int = 80) -> Path:
    rows: list[dict[str, object]] = [
        {"q_id": "Q", "question": "問", "passage_row_id": n, "title": "題", "text": str(n), "label": int(n < 40)}
        for n in range(candidates)
    ]  # fmt: skip
    write_parquet(folder / "data" / "test-0.parquet", rows)
    return folder


@pytest.mark.parametrize(("given", "depth", "found"), [((), "80", 1.0), (("--depth", 40), "40", 0.5)])
def test_candidates_without_an_order_are_all_ranked_unless_a_depth_is_given(
    tmp_path: Path, given: tuple[object, ...], depth: str, found: float
) -> None:
    """A set with 40 relevant candidates among 80: a system that knows them loses what the depth leaves out."""
    run = write_text(tmp_path / "r.run", "Q Q0 0 1 1 x\n")
    report = tmp_path / "report.json"
    common = ("--layout", "jqara", "--data", jqara(tmp_path), "--run", f"r={run}", "--json", report)
    code, output = quality(*common, "--measure", "Recall", *given)
    assert code == 0, output
    made = json.loads(report.read_text())
    assert made["parameters"]["depth"] == depth
    assert values(made, "Recall")["first stage"] == pytest.approx(found, abs=0.2)
    assert ("leaves out some of 80 at random" in output) == bool(given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pipeline", "p"], "--pipeline has no effect without --opensearch"),
        (["--template", "t"], "--template has no effect without --opensearch or --search-door"),
        (["--text-field", "t"], "--text-field has no effect without --opensearch or --search-door"),
        (["--sql", "s"], "--sql has no effect without --dsn"),
        (["--rerank-sql", "s"], "--rerank-sql has no effect without --dsn"),
        (
            ["--search-door", "http://x/y", "--template", "t", "--text-field", "f", "--pipeline", "p"],
            "--pipeline has no effect without --opensearch",
        ),
        (["--dsn", "d", "--sql", "s", "--pipeline", "p"], "--pipeline has no effect without --opensearch"),
    ],
)
def test_what_would_be_ignored_is_refused(options: list[str], message: str) -> None:
    code, output = quality(*options)
    assert (code, message in output) == (2, True), output
