"""The command, from a file of hit lists to labels that `bench quality` reads."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from typer.testing import CliRunner

from jrerank.admin.app import app


def run(*arguments: object, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bench", *map(str, arguments)], input=typed)
    return result.exit_code, result.output


def queries(folder: Path) -> Path:
    hits = [{"id": id, "text": f"本文{id}", "score": 3 - place} for place, id in enumerate("abc")]
    file = folder / "queries.jsonl"
    lines = [{"id": str(number), "query": f"問い{number}", "hits": hits} for number in range(4)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_labels_that_were_typed_are_measured(tmp_path: Path) -> None:
    file, data = tmp_path / "labels.jsonl", queries(tmp_path)
    code, output = run("labels", file, "--data", data, "--depth", 2, typed="1\n2\nq\n")
    assert (code, "stopped: 2 queries judged, 4 labels" in output) == (0, True)
    assert "問い0" in output
    ranked = tmp_path / "other.run"
    ranked.write_text("".join(f"{query} Q0 b 1 1 x\n" for query in range(4)))
    report = tmp_path / "report.json"
    code, output = run(
        "quality", "--layout", "jsonl", "--data", data, "--labels", file, "--run", f"other={ranked}", "--measure", "MRR@10",
        "--json", report,
    )  # fmt: skip
    assert code == 0, output
    systems = {
        system["name"]: system["figures"][0]["value"] for system in json.loads(report.read_text())["systems"]
    }
    assert systems == {"first stage": 0.75, "other": 0.5}


def test_the_command_that_is_named_next_measures_the_labels_whatever_the_files_are_named(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "my labels"
    folder.mkdir()
    data, passages, file = folder / "q's.jsonl", folder / "p 1.jsonl", folder / "labels"
    data.write_text('{"id": "1", "query": "山", "hits": ["a", "b"]}\n')
    passages.write_text("".join(json.dumps({"id": id, "text": f"本文{id}"}) + "\n" for id in "ab"))
    code, output = run("labels", file, "--data", data, "--passages", passages, typed="q\n")
    assert (code, "measure with" in output) == (0, False), "there is nothing to measure yet"
    code, output = run("labels", file, "--data", data, "--passages", passages, typed="1\n")
    assert code == 0, output
    hint = next(line for line in output.splitlines() if line.startswith("measure with: "))
    command, *arguments = shlex.split(hint.removeprefix("measure with: "))
    assert command == "jrerank-admin"
    assert arguments[-2:] == ["--model", "bundled"]
    ranked = tmp_path / "other.run"
    ranked.write_text("1 Q0 a 1 1 x\n")
    code, output = run(*arguments[1:-2], "--run", f"other={ranked}", "--measure", "MRR@10")
    assert code == 0, output


def test_the_whole_text_and_how_long_it_will_take_can_be_seen(tmp_path: Path) -> None:
    end = "終わりの言葉"
    hits = [{"id": "a", "text": "富士山の高さ。" + "味噌汁。" * 60 + end, "score": 1}]
    lines = [{"id": str(number), "query": "富士山の高さ", "hits": hits} for number in range(3)]
    file = tmp_path / "queries.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, output = run("labels", tmp_path / "l.jsonl", "--data", file, typed="1\n1\n1\n")
    assert (code, end in output, "1 of 3" in output) == (0, False, True)
    assert "3 of 3, less than a minute left" in output
    code, output = run("labels", tmp_path / "m.jsonl", "--data", file, typed="?1\n1\nq\n")
    assert (code, end in output) == (0, True)


def test_a_runs_hit_is_shown_by_its_text_and_left_out_where_it_has_none(tmp_path: Path) -> None:
    """Nobody can judge an id: Enter would have said of it that it is not relevant."""
    file, data = tmp_path / "labels.jsonl", tmp_path / "queries.jsonl"
    data.write_text('{"id": "1", "query": "山", "hits": [{"id": "a", "text": "富士山"}]}\n')
    passages, ranked = tmp_path / "passages.jsonl", tmp_path / "other.run"
    passages.write_text('{"id": "b", "text": "浅間山"}\n')
    ranked.write_text("1 Q0 b 1 2 x\n1 Q0 unknown 2 1 x\n")
    code, output = run(
        "labels", file, "--data", data, "--passages", passages, "--run", f"o={ranked}", typed="\n"
    )
    assert code == 0, output
    assert "浅間山" in output
    assert "1 hits have no text and are left out: --passages gives it to them" in " ".join(output.split())
    assert {json.loads(line)["id"] for line in file.read_text().splitlines()} == {"a", "b"}


def test_labels_from_clicks(tmp_path: Path) -> None:
    log = tmp_path / "clicks.jsonl"
    shown = [{"query": "山", "id": id, "position": 1, "clicked": id == "a"} for id in "abc" for _ in range(6)]
    log.write_text("".join(json.dumps(line) + "\n" for line in shown))
    code, output = run("labels", tmp_path / "labels.jsonl", "--clicks", log)
    assert (code, "1 queries, 1 of 3 pairs relevant" in output) == (0, True)


def test_without_a_source_the_options_are_named(tmp_path: Path) -> None:
    code, output = run("labels", tmp_path / "labels.jsonl")
    assert (code, "either --clicks or --data is needed" in output) == (2, True)


def test_wrong_options_of_quality_are_named(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"query_id": "0", "id": "a", "label": 1}\n')
    for arguments, message in (
        (("--layout", "other"), "there is no layout 'other'"),
        (("--layout", "trec"), "the layout trec takes no --data: name its files one by one"),
        (("--queries-file", "topics.tsv"), "the layout jsonl takes no --queries-file"),
        (("--url", "http://x"), "it must be DIALECT=URL"),
        (("--url", "grpc=http://x"), "'grpc' is no dialect: hits, cohere, tei"),
        (("--url", "tei=::::"), "--url ::::: it must be a URL"),
        (("--opensearch", "localhost:9200/docs"), "--opensearch localhost:9200/docs: it must be a URL"),
        (("--measure", "F1"), "'F1' is no measure"),
        (("--dsn", "postgresql://x"), "--dsn needs --sql"),
        (("--opensearch", "http://x/y"), "needs --template and at least one --text-field"),
    ):
        code, output = run(
            "quality", "--layout", "jsonl", "--data", queries(tmp_path), "--labels", labels, *arguments
        )
        assert code == 2, (arguments, output)
        assert message in " ".join(output.split()), (arguments, output)


def test_labels_never_go_into_a_file_that_is_read(tmp_path: Path) -> None:
    data = queries(tmp_path)
    before = data.read_text()
    code, output = run("labels", data, "--data", data, typed="1\n")
    assert (code, "it must be one of its own" in " ".join(output.split())) == (2, True)
    assert data.read_text() == before
    code, output = run("labels", tmp_path / "no" / "labels.jsonl", "--data", data, typed="1\n")
    assert (code, "there is no folder" in " ".join(output.split())) == (2, True)
