"""A pair's key: the same for the same score, and for no other."""

from __future__ import annotations

import copy

from jrerank.scheduling.keys import keyed
from jrerank.scheduling.texts import QueryPassages
from jrerank.tokenization.windows import Reading, Tokenization

WHOLE = Reading()


def key(
    tokenization: Tokenization,
    query: str,
    passage: str,
    reading: Reading = WHOLE,
    model: str = "model",
    window_tokens: int | None = None,
) -> bytes:
    of_model = copy.copy(tokenization)
    of_model.fingerprint, of_model.window_tokens = model, window_tokens
    (made,) = keyed(of_model, [QueryPassages(query, [passage], reading)]).texts
    return made


def test_a_key_depends_on_all_that_the_score_depends_on(tokenization: Tokenization) -> None:
    different = {
        key(tokenization, "a", "b"),
        key(tokenization, "ab", ""),
        key(tokenization, "a", "c"),
        key(tokenization, "a", "b", model="another"),
        key(tokenization, "a", "b", Reading(max_tokens_per_doc=5)),
        key(tokenization, "a", "b", Reading(truncation="left")),
        key(tokenization, "a", "b", window_tokens=20),
        key(tokenization, "a", "b", window_tokens=32),
    }
    assert len(different) == 8
    assert key(tokenization, "a", "b") == key(tokenization, "a", "b")


def test_equal_passages_have_one_key(tokenization: Tokenization) -> None:
    pairs = keyed(tokenization, [QueryPassages("a", ["b", "c", "b"], WHOLE)])
    ((b, c, again),) = pairs.keys
    assert again == b
    assert [(made, text.passage) for made, text in pairs.texts.items()] == [(b, "b"), (c, "c")]


def test_several_queries_with_the_same_passages_have_the_keys_that_each_has_alone(
    tokenization: Tokenization,
) -> None:
    together = keyed(tokenization, [QueryPassages(query, ["b", "c"], WHOLE) for query in "ab"])
    alone = [keyed(tokenization, [QueryPassages(query, ["b", "c"], WHOLE)]).keys[0] for query in "ab"]
    assert together.keys == alone
    assert len(together.texts) == 4


def test_half_a_surrogate_pair_counts_as_what_is_read_of_it(tokenization: Tokenization) -> None:
    assert key(tokenization, "\ud800", "\udc00a") == key(tokenization, "\ufffd", "\ufffda")
