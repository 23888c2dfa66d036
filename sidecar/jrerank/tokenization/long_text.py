"""The first or the last tokens of a text of any length, read slice by slice.

Slices overlap. Where a token stands alike in two of them, far from the edges of both, the text is cut: what comes before is
taken from the first slice, the rest from the second. So the ids are those of the whole text, as long as no token depends on
characters that are further away than half of the overlap. Where no token stands alike (one letter a thousand times over),
reading starts anew behind a token of the first slice.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from jrerank.tokenization.normalization import clean
from jrerank.tokenization.slices import SLICE_CHARS, Slices
from jrerank.tokenization.text_tokenizer import TextTokenizer, Tokens

_OVERLAP_CHARS = 256
_MIDDLE = _OVERLAP_CHARS // 2
# Those at the edge of a slice may not be the whole text's
_EDGE_TOKENS = 128
# A slice mostly has more
_FEW_TOKENS = SLICE_CHARS // 2 - _EDGE_TOKENS
# At the edge of a slice that isn't the text's own: some tokenizers drop white space at the ends of what they get
_SENTINEL = "。"
# Normalization may join characters (a kana and its voiced mark) before they are matched with the longest piece
_CHARS_JOINED = 2


class LongText:
    """Reads up to `max_tokens` tokens from the beginning of a text, or from its end.

    Each `step` reads at most a slice, which takes about a millisecond.
    """

    def __init__(
        self, tokenizer: TextTokenizer, text: str, max_tokens: int, *, backwards: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._chars_left = (max_tokens + 1) * tokenizer.longest_piece_chars * _CHARS_JOINED
        self._backwards = backwards
        self._slices = Slices(clean(text), tokenizer.white_space, backwards=backwards)
        # In the order of reading, from here on
        self._ids = array("i")
        # Tokens of the last slice that stand in the next one too, in their places there
        self._shared: Tokens | None = None
        # The end of the last token in `_ids`
        self._reached = 0
        self.truncated = False

    @property
    def ids(self) -> array[int]:
        """What has been read, in the order of the text."""
        return self._ids[::-1] if self._backwards else self._ids

    def step(self) -> bool:
        """Read a slice. True if that was the last."""
        if not self._slices.fill():
            return False
        if self._is_enough():
            return True
        tokens = self._tokens()
        if self._shared is not None:
            cut = self._cut(self._shared, tokens)
            if cut is None:
                return self._start_anew()
            tokens = tokens.since(cut)
        if self._slices.is_last:
            self._ids.extend(tokens.ids)
            return self._finish(truncated=len(self._ids) > self._max_tokens)
        return self._hold(tokens, len(self._slices.head) - _OVERLAP_CHARS)

    def _is_enough(self) -> bool:
        """Whether the first slice was all that it takes: then it doesn't matter where its tokens stand, which costs most."""
        is_last = self._slices.is_last
        if self._ids or self._shared is not None or not (is_last or self._max_tokens <= _FEW_TOKENS):
            return False
        far = "" if is_last else _SENTINEL
        head = self._slices.head
        (ids,) = self._tokenizer.ids([far + head if self._backwards else head + far])
        if not is_last and len(ids) < self._max_tokens + _EDGE_TOKENS:
            return False
        self._ids.extend(reversed(ids) if self._backwards else ids)
        return self._finish(truncated=len(ids) > self._max_tokens)

    def _tokens(self) -> Tokens:
        """Of the slice, in the order of reading, without those of the sentinels."""
        head = self._slices.head
        near = "" if self._shared is None else _SENTINEL
        far = "" if self._slices.is_last else _SENTINEL
        before, after = (far, near) if self._backwards else (near, far)
        tokens = self._tokenizer.tokens(before + head + after)
        tokens = tokens.within(len(before), len(before) + len(head))
        return tokens.mirrored(len(head)) if self._backwards else tokens

    def _cut(self, first: Tokens, second: Tokens) -> int | None:
        """Accept tokens of the first slice up to a place from where on the second is to be used."""
        alike = first.placed & second.placed
        cut = min((start for start, _ in alike), key=lambda start: abs(start - _MIDDLE), default=None)
        self._accept(first, _MIDDLE if cut is None else cut)
        return cut

    def _start_anew(self) -> bool:
        """Read a new slice from behind the last accepted token on, as if the text began there."""
        self._slices.drop(max(0, self._reached))
        self._shared, self._reached = None, 0
        return False

    def _accept(self, tokens: Tokens, end: int) -> None:
        """Take the tokens that begin before the character `end`."""
        count = bisect_left(tokens.starts, end)
        if count:
            self._ids.extend(tokens.ids[:count])
            self._reached = tokens.ends[count - 1]

    def _hold(self, tokens: Tokens, end: int) -> bool:
        """Accept the tokens before the character `end`, and keep those of the overlap until the next slice has been read."""
        self._accept(tokens, end)
        self._reached -= end
        self._shared = tokens.since(end).shifted(-end)
        self._slices.drop(end)
        self._chars_left -= end
        if (
            self._chars_left > 0
            and len(self._ids) + bisect_left(self._shared.starts, _MIDDLE) < self._max_tokens
        ):
            return False
        self._accept(self._shared, _MIDDLE)
        return self._finish(truncated=True)

    def _finish(self, *, truncated: bool) -> bool:
        del self._ids[self._max_tokens :]
        self.truncated = truncated
        return True
