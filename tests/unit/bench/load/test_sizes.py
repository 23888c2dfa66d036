from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from jrerank.bench.load.requests import RequestMaker
from jrerank.bench.load.sizes import Distribution, Size, drawn_sizes, read_log
from jrerank.errors import InvalidInput


def test_a_number_a_range_and_a_lognormal_distribution() -> None:
    sizes = list(
        islice(drawn_sizes(Distribution.parse("5-100"), Distribution.parse("lognormal:300:0.5")), 3000)
    )
    assert {min(s.documents for s in sizes), max(s.documents for s in sizes)} == {5, 100}
    assert sum(s.chars for s in sizes) / 3000 == pytest.approx(300, rel=0.05)
    assert set(islice(drawn_sizes(Distribution.parse("7"), Distribution.parse("9")), 5)) == {Size(7, 9)}
    assert Distribution.parse("5-100").expected == 52.5


@pytest.mark.parametrize("text", ["", "many", "9-3", "lognormal:5", "-4"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no size"):
        Distribution.parse(text)


@pytest.mark.parametrize("text", ["0", "0-0", "lognormal:0:0.4"])
def test_requests_of_nothing_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="nothing would be sent"):
        Distribution.parse(text)


@pytest.mark.parametrize("line", ['{"at": NaN, "documents": 1}', '{"at": 1, "documents": 0}'])
def test_a_log_that_cannot_be_replayed_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(line)
    with pytest.raises(InvalidInput, match="line 1"):
        read_log(file)


def test_a_log_says_when_and_how_large(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"at": 3.5, "documents": 20, "chars": 100}\n{"at": 4, "documents": 5}\n')
    first, second = read_log(file)
    assert (first.at, first.size, second.size) == (3.5, Size(20, 100), Size(5, 300))
    file.write_text('{"at": 3.5}\n')
    with pytest.raises(InvalidInput, match="line 1: `at` in seconds and `documents` are needed"):
        read_log(file)
    file.write_text("")
    with pytest.raises(InvalidInput, match="has no request"):
        read_log(file)


def test_every_request_has_a_query_of_its_own_and_the_next_caller() -> None:
    maker = RequestMaker(callers=3)
    made = [maker.make(Size(4, 50)) for _ in range(200)]
    assert len({one.query for one in made}) == 200
    assert [one.caller for one in made[:4]] == [1, 2, 0, 1]
    assert all(len(one.passages) == 4 and {len(text) for text in one.passages} == {50} for one in made)


def test_no_two_runs_ask_the_same_so_that_no_cache_answers_the_second() -> None:
    first, second = RequestMaker(), RequestMaker()
    asked = [first.make(Size(2, 50)) for _ in range(20)], [second.make(Size(2, 50)) for _ in range(20)]
    assert [one.passages for one in asked[0]] == [one.passages for one in asked[1]], "the work is the same"
    assert not {one.query for one in asked[0]} & {one.query for one in asked[1]}
    assert RequestMaker(nonce="a").make(Size(1, 50)) == RequestMaker(nonce="a").make(Size(1, 50))
