"""The shared vectors say what the words are; here is what holds for any text."""

from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.search.fields import FieldKind
from jrerank.doors.search.query_syntax import query_string_words, simple_query_string_words

SYNTAX = st.text(alphabet='富士山 ab+-!|&()[]{}"~*?:^/\\ANDORT　', max_size=60)


def of_text(name: str) -> FieldKind:
    return FieldKind.TEXT


@given(SYNTAX)
def test_any_text_can_be_read(query: str) -> None:
    for words in (query_string_words(query, of_text), simple_query_string_words(query)):
        assert set(words) <= set(query) | {" "}


@given(st.lists(st.text(alphabet="富士山高", min_size=1, max_size=5), min_size=1, max_size=5))
def test_words_without_operators_stay_as_they_are(words: list[str]) -> None:
    query = "　".join(words)
    assert query_string_words(query, of_text) == simple_query_string_words(query) == query


@given(st.text(alphabet="富士山", min_size=1, max_size=5))
def test_what_is_excluded_is_not_among_the_words(word: str) -> None:
    for query in (f"東京 -{word}", f"-({word} OR {word}) 東京", f'東京 -"{word}"', f"東京 NOT {word}"):
        assert query_string_words(query, of_text) == "東京"
