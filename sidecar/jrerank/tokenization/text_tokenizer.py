"""Token ids of plain text: what looks like a special token in it does not act as one."""

from __future__ import annotations

import itertools
import json
import os
import secrets
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from jrerank.tokenization.fast_unigram import FastUnigram, NotFast, fast_unigram
from jrerank.tokenization.normalization import clean
from jrerank.tokenization.white_space import WhiteSpace

# The scheduler has threads of its own: the library would start one for each core besides
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token ids, and the characters `starts[i]` to `ends[i]` of the text that the i-th token stands for."""

    ids: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]

    @property
    def placed(self) -> set[tuple[int, int]]:
        """Each token's beginning and id."""
        return set(zip(self.starts, self.ids, strict=True))

    def since(self, start: int) -> Tokens:
        """The tokens that begin at the character `start` or behind it."""
        first = bisect_left(self.starts, start)
        return Tokens(self.ids[first:], self.starts[first:], self.ends[first:])

    def shifted(self, chars: int) -> Tokens:
        """The same tokens in a text with so many characters more in front of it."""
        return Tokens(self.ids, [start + chars for start in self.starts], [end + chars for end in self.ends])

    def within(self, start: int, end: int) -> Tokens:
        """The tokens of the text from the character `start` to `end`, in that text's own places."""
        first, last = bisect_left(self.starts, start), bisect_right(self.ends, end)
        return Tokens(self.ids[first:last], self.starts[first:last], self.ends[first:last]).shifted(-start)

    def mirrored(self, length: int) -> Tokens:
        """The same tokens, counted from the end of a text of `length` characters."""
        return Tokens(
            self.ids[::-1],
            [length - end for end in reversed(self.ends)],
            [length - start for start in reversed(self.starts)],
        )


class TextTokenizer:
    """The checkpoint's tokenizer without its special tokens, truncation and padding. Its methods release the GIL."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        content = _without_specials(json.loads(tokenizer.to_str()))
        self._tokenizer = Tokenizer.from_str(json.dumps(content))
        self._tokenizer.encode_special_tokens = True
        self.longest_piece_chars = max(map(len, tokenizer.get_vocab()), default=1)
        self.white_space = WhiteSpace.of(lambda text: self.library_ids([text])[0])
        self._fast: FastUnigram | None = None
        self.slow_because: str | None = None
        try:
            self._fast = fast_unigram(self._tokenizer, content, self.library_ids)
        except NotFast as reason:
            self.slow_because = str(reason)

    @property
    def is_fast(self) -> bool:
        """Whether a kernel of our own reads texts, with ids that are the tokenizer's; else `slow_because` says why not."""
        return self._fast is not None

    def to_json(self) -> str:
        """A `tokenizer.json` that makes the same ids; its special tokens have been renamed."""
        return str(self._tokenizer.to_str())

    def ids(self, texts: Sequence[str]) -> list[array[int]]:
        """The ids of each text, in half the time of `tokens`, or in a twentieth if the tokenizer `is_fast`."""
        return self.library_ids(texts) if self._fast is None else self._fast.ids(texts)

    def library_ids(self, texts: Sequence[str]) -> list[array[int]]:
        """The ids of each text, whether or not the tokenizer `is_fast`."""
        try:
            encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        except TypeError:
            # The library's word for half a surrogate pair; looking for it beforehand would cost each text
            clean_texts = [clean(text) for text in texts]
            encodings = self._tokenizer.encode_batch_fast(clean_texts, add_special_tokens=False)
        return [array("i", encoding.ids) for encoding in encodings]

    def tokens(self, clean_text: str) -> Tokens:
        """The tokens of a text and where they stand in it."""
        (encoding,) = self._tokenizer.encode_batch([clean_text], add_special_tokens=False)
        starts, ends = _places(clean_text, encoding.offsets)
        return Tokens(encoding.ids, starts, ends)


def _places(text: str, offsets: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Where tokens start and end. The library gives each byte of a run of unknown characters the whole run: part it."""
    starts: list[int] = []
    ends: list[int] = []
    for (start, end), run in itertools.groupby(offsets):
        count = sum(1 for _ in run)
        sizes = [len(character.encode()) for character in text[start:end]] if count > 1 else []
        if sum(sizes) == count:
            places = [start + place for place, size in enumerate(sizes) for _ in range(size)]
            starts += places
            ends += [place + 1 for place in places]
        else:
            starts += [start] * count
            ends += [end] * count
    return starts, ends


def _without_specials(content: dict[str, Any]) -> dict[str, Any]:
    """Rename the special tokens that text could become, so that it can't.

    Switching off the parsing of special tokens is not enough: a Unigram vocabulary may hold the piece `</s>` itself, and a
    normalizer may make it of full-width letters. The model's unknown token stays, since the model looks it up.
    """
    model = content["model"]
    reachable = frozenset(_pieces(model["vocab"]))
    specials = {
        token["content"]
        for token in content["added_tokens"]
        if token["special"] and token["content"] in reachable
    } - {model.get("unk_token")}
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] not in specials]
    # Nobody can write what nobody can guess
    prefix = secrets.token_hex(16)
    new_names = {special: prefix + special for special in specials}
    model["vocab"] = _renamed(model["vocab"], new_names)
    if "merges" in model:
        model["merges"] = [merge for merge in model["merges"] if _product(merge) not in specials]
    return content | {"truncation": None, "padding": None, "post_processor": None}


def _pieces(vocab: Any) -> Iterable[str]:
    """Unigram lists pieces with their scores; the other models map pieces to ids."""
    return vocab if isinstance(vocab, dict) else (piece for piece, _ in vocab)


def _renamed(vocab: Any, new_names: dict[str, str]) -> Any:
    if isinstance(vocab, dict):
        return {new_names.get(piece, piece): id for piece, id in vocab.items()}
    return [[new_names.get(piece, piece), score] for piece, score in vocab]


def _product(merge: str | list[str]) -> str:
    return "".join(merge.split(" ") if isinstance(merge, str) else merge)
