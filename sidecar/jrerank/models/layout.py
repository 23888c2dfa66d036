"""Where the special tokens stand in a pair, as the checkpoint's own tokenizer puts them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from jrerank.domain import Window
from jrerank.errors import UnsupportedModel


@dataclass(frozen=True, slots=True)
class PairLayout:
    """`prefix` query `middle` passage `suffix`.

    For the Japanese rerankers that is `<s>` query `</s> <s>` passage `</s>`, for BERT `[CLS]` query `[SEP]` passage `[SEP]`, for
    XLM-RoBERTa `<s>` query `</s> </s>` passage `</s>`. The tokens of passage and suffix are of the type `passage_type`, those
    before of type 0.
    """

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    passage_type: int = 0

    @property
    def overhead_tokens(self) -> int:
        """Special tokens in every pair."""
        return len(self.prefix) + len(self.middle) + len(self.suffix)

    def join(self, query: Sequence[int], passage: Sequence[int]) -> Window:
        """A window of a query and a part of a passage, both without special tokens."""
        ids = array("i", (*self.prefix, *query, *self.middle, *passage, *self.suffix))
        return Window(ids, len(self.prefix) + len(query) + len(self.middle))


def pair_layout(tokenizer: Tokenizer, special_ids: frozenset[int], token_types: int = 1) -> PairLayout:
    """Read the layout off a pair that the tokenizer has put together.

    Args:
        special_ids: the ids that the model's configuration names as begin, end and separator. If there are any, every special
            token of the layout has to be among them.
        token_types: how many the model has; if it is one, the tokenizer's types mean nothing to it.

    Raises:
        UnsupportedModel: the pair doesn't begin with such a token, doesn't part its halves, or uses others.
    """
    encoding = tokenizer.encode("a", "b")
    ids, halves = encoding.ids, encoding.sequence_ids
    first, second = (
        [i for i, half in enumerate(halves) if half == 0],
        [i for i, half in enumerate(halves) if half == 1],
    )
    if not first or not second or first[0] > second[0]:
        raise UnsupportedModel("the tokenizer does not put the query before the passage")
    layout = PairLayout(
        prefix=tuple(ids[: first[0]]),
        middle=tuple(ids[first[-1] + 1 : second[0]]),
        suffix=tuple(ids[second[-1] + 1 :]),
        passage_type=encoding.type_ids[-1] if token_types > 1 else 0,
    )
    _check_specials(layout, special_ids)
    if token_types > 1:
        _check_types(layout, encoding.type_ids, second[0], token_types)
    return layout


def _check_specials(layout: PairLayout, special_ids: frozenset[int]) -> None:
    shown = f"{list(layout.prefix)} query {list(layout.middle)} passage {list(layout.suffix)}"
    if len(layout.prefix) != 1 or not layout.middle or not layout.suffix:
        raise UnsupportedModel(
            f"the tokenizer makes pairs of the form {shown}; one token has to begin a pair, and"
            " both halves have to end with one"
        )
    used = {*layout.prefix, *layout.middle, *layout.suffix}
    if special_ids and not used <= special_ids:
        raise UnsupportedModel(
            f"the tokenizer makes pairs of the form {shown}, but config.json names {sorted(special_ids)}"
            " as the begin, end and separator tokens"
        )


def _check_types(layout: PairLayout, types: Sequence[int], passage_start: int, token_types: int) -> None:
    as_laid_out = [layout.passage_type if i >= passage_start else 0 for i in range(len(types))]
    if list(types) != as_laid_out or layout.passage_type >= token_types:
        raise UnsupportedModel(
            f"the tokenizer gives a pair the token types {list(types)}; the query's have to be 0,"
            f" the passage's all alike and less than {token_types}"
        )
