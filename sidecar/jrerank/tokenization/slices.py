"""A long text in slices, from either end."""

from __future__ import annotations

from jrerank.tokenization.white_space import WhiteSpace

# About a millisecond of work
SLICE_CHARS = 2048
# The one letter that Unicode normalization writes as 18 (all others make 8 at most)
_EXPANDING = "\ufdfa"
_EXPANDING_MOST = SLICE_CHARS // 18
# So much white space is squeezed in the time that it takes to tokenize a slice
_SQUEEZED_CHARS = 32 * SLICE_CHARS


class Slices:
    """What is still to be read of a text, with runs of white space squeezed.

    The next slice is `head` once `fill` has returned True; `drop` goes on behind the part of it that reading comes to first.
    """

    def __init__(self, text: str, white_space: WhiteSpace, *, backwards: bool) -> None:
        self._text = text
        self._white_space = white_space
        self._backwards = backwards
        self._start, self._end = 0, len(text)
        self._is_trimmed = False
        self._buffer = ""

    @property
    def head(self) -> str:
        """The next slice."""
        head = self._first(SLICE_CHARS)
        return head if head.count(_EXPANDING) <= _EXPANDING_MOST else self._first(SLICE_CHARS // 6)

    @property
    def is_last(self) -> bool:
        """Whether nothing follows `head`."""
        return self._start == self._end and len(self._buffer) == len(self.head)

    def fill(self) -> bool:
        """Squeeze some text. True once the next slice is complete."""
        if not self._is_trimmed:
            self._is_trimmed = self._trim()
            if not self._is_trimmed:
                return False
        for _ in range(0, _SQUEEZED_CHARS, SLICE_CHARS):
            if len(self._buffer) >= SLICE_CHARS or self._start == self._end:
                return True
            self._buffer = self._white_space.squeeze(self._buffer_and_more())
        return False

    def drop(self, chars: int) -> None:
        """Go on behind the next `chars` characters."""
        self._buffer = self._buffer[: len(self._buffer) - chars] if self._backwards else self._buffer[chars:]

    def _trim(self) -> bool:
        """Take some white space off the ends of the text. True if no more is there."""
        leading, trailing = self._white_space.leading, self._white_space.trailing
        head = self._text[self._start : min(self._end, self._start + _SQUEEZED_CHARS)]
        self._start += len(head) - len(head.lstrip(leading))
        tail = self._text[max(self._start, self._end - _SQUEEZED_CHARS) : self._end]
        self._end -= len(tail) - len(tail.rstrip(trailing))
        if self._start == self._end:
            return True
        return self._text[self._start] not in leading and self._text[self._end - 1] not in trailing

    def _first(self, chars: int) -> str:
        return self._buffer[-chars:] if self._backwards else self._buffer[:chars]

    def _buffer_and_more(self) -> str:
        if self._backwards:
            end, self._end = self._end, max(self._start, self._end - SLICE_CHARS)
            return self._text[self._end : end] + self._buffer
        start, self._start = self._start, min(self._end, self._start + SLICE_CHARS)
        return self._buffer + self._text[start : self._start]
