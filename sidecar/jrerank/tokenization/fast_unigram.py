"""Unigram tokenizers by a kernel of our own, where its ids are those of the checkpoint's tokenizer."""

from __future__ import annotations

import importlib.util
import random
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from jrerank.tokenization.normalization import clean, quick_normalizer

if TYPE_CHECKING:
    from jrerank_native.unigram import Unigram

_SPACE = "▁"
# Unicode's White_Space: str.split takes some control characters for it too
_WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_TRIED_TEXTS = 300
_ODD = (
    " ", "  ", "\u3000", "\n", "\t", "\r\n", "\0", "\x1c", "\x85", "\xa0", _SPACE, "😀", "𠮟", "ｶﾞ", "か\u3099", "①", "㍻", "ﬁ", "½",
    "é", "e\u0301", "\u200b", "\ufeff", "</s>", "<unk>", "<0x41>", "＜／ｓ＞", "000", "（", "！？", "A", "zq",
)  # fmt: skip

Ids = Callable[[Sequence[str]], Sequence["array[int]"]]


class NotFast(Exception):  # noqa: N818  it is no error: the tokenizer itself is used
    """Why a tokenizer has no kernel, for people."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What becomes of the spaces of a text before the model reads it."""

    apart: bool
    space_first: bool
    white_space_dropped: bool


class FastUnigram:
    """Ids of texts, as a tokenizer gives them. It needs the package `jrerank_native`."""

    def __init__(self, tokenizer: Tokenizer, content: Mapping[str, Any]) -> None:
        """Take over a tokenizer. `content` is its JSON.

        Raises:
            NotFast: it has parts of which nothing is known here, or the package can't be loaded on this machine.
        """
        self._words = _words(content)
        model = content["model"]
        pieces = [(piece, score) for piece, score in model["vocab"]]
        byte_ids = _byte_ids(pieces) if model.get("byte_fallback") else []
        self._unigram = _kernel(pieces, model["unk_id"], byte_ids, self._words.apart)
        self._normalizer = tokenizer.normalizer
        self._quick_normalize = quick_normalizer(content["normalizer"])

    def ids(self, texts: Sequence[str]) -> list[array[int]]:
        """The ids of each text."""
        return [array("i", ids.tobytes()) for ids in self._unigram.encode(list(map(self._prepare, texts)))]

    def _prepare(self, text: str) -> str:
        text = self._normalize(text)
        if self._words.white_space_dropped:
            # No space is put in front of a word that begins with what stands for one
            text = _WHITE_SPACE.sub(" ", text).strip(" ").replace(" " + _SPACE, _SPACE)
        if self._words.space_first and text and text[0] not in {" ", _SPACE}:
            text = " " + text
        return text

    def _normalize(self, text: str) -> str:
        quick = self._quick_normalize(text) if self._quick_normalize else None
        if quick is not None:
            return quick
        text = clean(text)
        return text if self._normalizer is None else str(self._normalizer.normalize_str(text))


def fast_unigram(tokenizer: Tokenizer, content: Mapping[str, Any], ids: Ids) -> FastUnigram:
    """A tokenizer's kernel; its ids and the tokenizer's own are equal for some hundred texts.

    Args:
        tokenizer: what the checkpoint has, without special tokens.
        content: its JSON.
        ids: its ids of texts.

    Raises:
        NotFast: there is none, or one id differs.
    """
    if importlib.util.find_spec("jrerank_native") is None:
        raise NotFast("jrerank-native is not installed: pip install ./native, in a checkout")
    fast = FastUnigram(tokenizer, content)
    unknown = content["model"]["unk_id"]
    pieces = [piece for id, (piece, _) in enumerate(content["model"]["vocab"]) if id != unknown]
    texts = _tried_texts(pieces)
    differing = sum(mine != theirs for mine, theirs in zip(fast.ids(texts), ids(texts), strict=True))
    if differing:
        raise NotFast(f"jrerank-native's ids of {differing} of {len(texts)} texts differ")
    return fast


def _kernel(
    pieces: Sequence[tuple[str, float]], unknown: int, byte_ids: Sequence[int], words_apart: bool
) -> Unigram:
    try:
        from jrerank_native.unigram import Unigram, Vocabulary  # noqa: PLC0415  a package of its own

        return Unigram(Vocabulary(pieces, unknown, byte_ids, words_apart))
    except ValueError as error:
        raise NotFast(str(error)) from None
    except (ImportError, OSError, AttributeError) as error:
        # Half an installation, another version, a wheel of another kind of machine: nobody stays without a reranker for that
        raise NotFast(f"jrerank-native can't be loaded, install it anew: {error}") from None


def _words(content: Mapping[str, Any]) -> _Words:
    if content["model"]["type"] != "Unigram" or content["model"]["unk_id"] is None:
        raise NotFast(f"the model is {content['model']['type']}, not Unigram with an unknown token")
    if not all(token["special"] for token in content["added_tokens"]):
        raise NotFast("words were added to the vocabulary")
    pre_tokenizer = content["pre_tokenizer"] or {}
    parts = pre_tokenizer.get("pretokenizers", [pre_tokenizer])
    kinds = [part.get("type") for part in parts]
    if kinds not in (["Metaspace"], ["WhitespaceSplit", "Metaspace"]):
        raise NotFast(f"the pre-tokenizers are {kinds}, not Metaspace")
    scheme, dropped = parts[-1].get("prepend_scheme"), len(parts) == 2
    if scheme not in ("never", "always") or parts[-1].get("replacement") != _SPACE:
        raise NotFast(f"spaces are handled in another way: {parts[-1]}")
    if dropped and scheme == "never":
        raise NotFast("spaces are dropped altogether")
    apart = parts[-1].get("split", True)
    if dropped and not apart:
        raise NotFast("a piece may go across U+2581 and not across the space that is read as such")
    return _Words(apart, space_first=scheme == "always", white_space_dropped=dropped)


def _byte_ids(pieces: Sequence[tuple[str, float]]) -> list[int]:
    ids = {piece: id for id, (piece, _) in enumerate(pieces)}
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    if not all(name in ids for name in names):
        raise NotFast("some bytes have no piece")
    return [ids[name] for name in names]


def _tried_texts(pieces: Sequence[str]) -> list[str]:
    """Texts of every kind, and each piece that goes from one word into the next."""
    generator = random.Random(1)  # noqa: S311
    words = [piece.replace(_SPACE, " ") for piece in pieces]
    across = [piece for piece in pieces if _SPACE in piece[1:]]
    return [*across, *(piece.replace(_SPACE, " ") for piece in across)] + [
        "".join(
            generator.choice(_ODD) if generator.random() < odd else generator.choice(words)
            for _ in range(generator.randrange(1, 60))
        )
        for odd in (0.0, 0.02, 0.3)
        for _ in range(_TRIED_TEXTS // 3)
    ]
