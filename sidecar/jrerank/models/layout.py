"""Where the special tokens stand in a pair, as the checkpoint's own tokenizer puts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from jrerank.errors import UnsupportedModel


@dataclass(frozen=True, slots=True)
class PairLayout:
    """`prefix` query `middle` passage `suffix`.

    For the Japanese rerankers that is `<s>` query `</s> <s>` passage `</s>`.
    """

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]

    @property
    def overhead_tokens(self) -> int:
        """Special tokens in every pair."""
        return len(self.prefix) + len(self.middle) + len(self.suffix)

    def join(self, query: Sequence[int], passage: Sequence[int]) -> tuple[int, ...]:
        """The ids of a pair."""
        return (*self.prefix, *query, *self.middle, *passage, *self.suffix)


def pair_layout(tokenizer: Tokenizer, special_ids: frozenset[int]) -> PairLayout:
    """Read the layout off a pair that the tokenizer has put together.

    Args:
        special_ids: the ids that the model's configuration names as begin, end and separator. Every special
            token of the layout has to be among them.

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
    )
    _check(layout, special_ids)
    return layout


def _check(layout: PairLayout, special_ids: frozenset[int]) -> None:
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
