import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.search.window import Page
from shared_vectors import Case, cases


@pytest.mark.parametrize("case", cases("window.json"))
def test_the_shared_vectors_of_widening(case: Case) -> None:
    given = case.input
    wide = Page(given["from"], given["size"]).widened(given["window"], given["max_result_window"])
    assert {"from": wide.start, "size": wide.size} == case.expected


@pytest.mark.parametrize("case", cases("page.json"))
def test_the_shared_vectors_of_cutting(case: Case) -> None:
    given = case.input
    assert list(Page(given["from"], given["size"]).of(range(given["hits"]))) == case.expected


SIZES = st.integers(0, 200)


@given(start=SIZES, size=SIZES, window=SIZES, most=SIZES, hits=SIZES)
def test_the_page_is_always_within_what_is_fetched(
    start: int, size: int, window: int, most: int, hits: int
) -> None:
    page = Page(start, size)
    fetched = page.widened(window, most).of(range(hits))
    assert list(page.of(fetched)) == list(page.of(range(hits)))
