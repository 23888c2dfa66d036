"""Where the special tokens stand in a pair."""

from __future__ import annotations

import pytest

from builders import unigram_tokenizer
from jrerank.errors import UnsupportedModel
from jrerank.models.layout import PairLayout, pair_layout

SPECIAL_IDS = frozenset({1, 2})


def test_the_japanese_rerankers_layout() -> None:
    layout = pair_layout(unigram_tokenizer(), SPECIAL_IDS)
    assert layout == PairLayout(prefix=(1,), middle=(2, 1), suffix=(2,))
    assert layout.join([10, 11], [12]) == (1, 10, 11, 2, 1, 12, 2)
    assert layout.overhead_tokens == 4


@pytest.mark.parametrize(
    "template",
    [
        "<s> $B </s> <s> $A </s>",
        "$A </s> $B </s>",
        "<s> $A $B </s>",
        "<s> $A </s> $B",
        "<cls> $A <sep> $B <sep>",
    ],
)
def test_a_layout_that_the_model_was_not_made_for_is_an_error(template: str) -> None:
    with pytest.raises(UnsupportedModel, match="tokenizer"):
        pair_layout(unigram_tokenizer(template=template), SPECIAL_IDS)
