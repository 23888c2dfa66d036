from collections.abc import Iterator

import pytest

from jrerank.doors.search.passages import Highlighting, passages_of
from jrerank.stores.passage import ValueBounds, cut, passage_texts
from shared_vectors import Case, cases

ALONE = ValueBounds.of_each(1, None)


@pytest.mark.parametrize("case", cases("passages.json"))
def test_the_shared_vectors(case: Case) -> None:
    given = case.input
    hit = {"_source": given["source"], "highlight": given.get("found")}
    bounds = ValueBounds.of_each(given.get("hits", 1), None)
    highlighting = Highlighting.of(given.get("highlight"))
    found = passages_of(hit, given["passage_fields"], given["passage_from"], highlighting, bounds)
    assert list(found) == case.expected


def test_a_hit_without_its_document_has_none() -> None:
    assert passages_of({"_id": "1"}, ["body"], "values", None, ALONE) == ()


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (ValueBounds(9, 16, 8192), ("題題題題題\n0部", "題題題題題\n1部")),
        (ValueBounds(9, 1, 8192), ("題題題題題\n0部",)),
        (ValueBounds(9, 16, 3), ("題題題\n", "題題題")),
    ],
)
def test_of_many_values_some_are_read_and_none_whole(bounds: ValueBounds, expected: tuple[str, ...]) -> None:
    source = {"title": "題" * 5, "parts": [f"{part}部" for part in range(1000)]}
    assert passage_texts(source, ["title", "parts"], bounds) == expected
    assert len(passage_texts(source, ["title", "parts"], ALONE)) == 100


def test_no_more_values_are_looked_at_than_may_be_read() -> None:
    class Counted(list[str]):
        looked_at = 0

        def __iter__(self) -> Iterator[str]:
            for value in super().__iter__():
                self.looked_at += 1
                yield value

    parts = Counted(map(str, range(100_000)))
    found = passage_texts({"parts": parts}, ["parts"], ValueBounds(3, 10**6, 20))
    assert found == ("0", "1", "\n".join(map(str, range(15))) + "\n")
    assert parts.looked_at < 50


def test_a_search_of_any_size_has_the_same_bounds() -> None:
    for hits in (1, 10, 100, 10_000):
        bounds = ValueBounds.of_each(hits, None)
        assert (bounds.passages * hits <= 10_000, bounds.chars * hits <= 8_388_608) == (True, True)
    assert ValueBounds.of_each(1, 4096).passage_chars == 8 * 4096


@pytest.mark.parametrize(
    ("text", "max_chars", "expected"),
    [
        ("東京の天気", 2, "東京"),
        ("東京", 2, "東京"),
        ("　 東\n\n京\nの", 2, "　 東\n\n京\n"),
        ("東" + " " * 99, 2, "東" + " " * 99),
        ("", 2, ""),
    ],
)
def test_blanks_do_not_count(text: str, max_chars: int, expected: str) -> None:
    assert cut(text, max_chars) == expected
