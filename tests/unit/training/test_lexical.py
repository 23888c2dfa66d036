"""BM25 in memory."""

from __future__ import annotations

import math

from jrerank.training.lexical import LexicalIndex


def test_the_score_is_lucenes_bm25() -> None:
    index = LexicalIndex(["富士", "北岳", "北岳北岳"])  # 1, 1 and 3 bigrams
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    expected = idf * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 1 / (5 / 3)))
    assert index.scores("富士")[0] == expected
    assert list(index.scores("富士")[1:]) == [0, 0]


def test_the_best_come_first_and_equal_ones_in_their_order() -> None:
    index = LexicalIndex(["川の話", "富士山", "富士山の高さ", "川の話"])
    assert [i for i, _ in index.search("富士山の高さ", 2)] == [2, 1]
    assert [i for i, _ in index.search("川の話", 9)] == [0, 3, 2, 1] or [
        i for i, _ in index.search("川の話", 9)
    ] == [0, 3, 1, 2]
    assert index.search("何も無い文字", 1)[0][1] == 0
