"""A pair's key in the cache."""

from __future__ import annotations

from jrerank.tokenization.keys import pair_keys
from jrerank.tokenization.windows import Reading


def key(query: str, passage: str, reading: Reading = Reading(), model: str = "model") -> bytes:  # noqa: B008
    (made,) = pair_keys(model, query, [passage], reading)
    return made


def test_a_key_depends_on_all_that_the_score_depends_on() -> None:
    different = {
        key("a", "b"),
        key("ab", ""),
        key("a", "c"),
        key("a", "b", model="another"),
        key("a", "b", Reading(max_tokens_per_doc=5)),
        key("a", "b", Reading(truncation="left")),
    }
    assert len(different) == 6
    assert key("a", "b") == key("a", "b")


def test_each_passage_has_its_own() -> None:
    assert pair_keys("model", "a", ["b", "c", "b"], Reading()) == [
        key("a", "b"),
        key("a", "c"),
        key("a", "b"),
    ]


def test_half_a_surrogate_pair_counts_as_what_is_read_of_it() -> None:
    assert key("\ud800", "\udc00a") == key("\ufffd", "\ufffda")
