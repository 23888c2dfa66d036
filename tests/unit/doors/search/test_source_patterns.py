import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.search.source_patterns import Patterns


@pytest.mark.parametrize(
    ("pattern", "path", "alive", "met"),
    [
        ("meta.author", "meta", True, False),
        ("meta.author", "meta.author", True, True),
        ("meta.author", "meta.authors", False, False),
        ("meta", "meta.author.name", True, True),
        ("me*or", "meta.author", True, True),
        ("*", "anything", True, True),
    ],
)
def test_a_path_is_on_its_way_or_there(pattern: str, path: str, alive: bool, met: bool) -> None:
    read = Patterns.of([pattern]).step(path)
    assert (read.is_alive, read.is_met) == (alive, met)


@given(pattern=st.text("ab.*", max_size=6), path=st.text("ab.", max_size=8))
def test_it_is_met_where_fnmatch_would_match(pattern: str, path: str) -> None:
    matches = fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, f"{pattern}.*")
    assert Patterns.of([pattern]).step(path).is_met is matches
