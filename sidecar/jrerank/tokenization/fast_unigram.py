"""Unigram tokenizers by SentencePiece, which takes a fifth of the time, where its ids are those of the checkpoint's tokenizer."""

from __future__ import annotations

import importlib.util
import random
import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from jrerank.tokenization.normalization import clean, is_well_known, quick_normalizer
from jrerank.tokenization.sentencepiece_model import model_proto

_SPACE = "▁"
_BYTE_PIECE = "<0x"
_REPEATED = re.compile(r"(.+?)\1+", re.DOTALL)
# Unicode's White_Space: str.split takes some control characters for it too
_WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_TRIED_TEXTS = 300
_ODD = (
    " ", "  ", "\u3000", "\n", "\t", "\r\n", "\0", "\x1c", "\x85", "\xa0", _SPACE, "😀", "𠮟", "ｶﾞ", "か\u3099", "①", "㍻", "ﬁ", "½",
    "é", "e\u0301", "\u200b", "\ufeff", "</s>", "<0x41>", "＜／ｓ＞", "000", "（", "！？", "A", "zq",
)  # fmt: skip

Ids = Callable[[Sequence[str]], Sequence["array[int]"]]


@dataclass(frozen=True, slots=True)
class _Words:
    """What becomes of the spaces of a text before the model reads it."""

    apart: bool
    space_first: bool
    white_space_dropped: bool


class FastUnigram:
    """Ids of texts of which it is sure."""

    def __init__(self, tokenizer: Tokenizer, content: Mapping[str, Any]) -> None:
        """Take over a tokenizer. `content` is its JSON.

        Raises:
            ValueError: it has parts of which nothing is known here.
            RuntimeError: SentencePiece refuses the vocabulary.
        """
        self._words = _words(content)
        model = content["model"]
        vocabulary = [(piece, score) for piece, score in model["vocab"]]
        self._byte_fallback = bool(model.get("byte_fallback"))
        # Words are cut apart first, so that no token goes from one into the next
        across = {id for id, (piece, _) in enumerate(vocabulary) if self._words.apart and _SPACE in piece[1:]}
        proto = model_proto(vocabulary, model["unk_id"], across, byte_fallback=self._byte_fallback)
        from sentencepiece import SentencePieceProcessor  # noqa: PLC0415  an extra

        self._processor = SentencePieceProcessor(model_proto=proto)
        self._normalizer = tokenizer.normalizer
        self._quick_normalize = quick_normalizer(content["normalizer"])
        self._repeats, self._ties = _ties(vocabulary)

    def ids(self, texts: Sequence[str]) -> list[array[int] | None]:
        """The ids of each text, or None where the tokenizer itself has to say."""
        prepared = [self._prepare(text) for text in texts]
        sure = [text for text in prepared if text is not None]
        made = iter(self._processor.encode(sure, out_type="numpy", num_threads=1))
        return [None if text is None else self._if_sure(next(made)) for text in prepared]

    def _prepare(self, text: str) -> str | None:
        if self._quick_normalize and is_well_known(text):
            text = self._quick_normalize(text)
        else:
            text = clean(text)
            text = text if self._normalizer is None else self._normalizer.normalize_str(text)
        if self._words.white_space_dropped:
            # No space is put in front of a word that begins with what stands for one
            text = _WHITE_SPACE.sub(" ", text).strip(" ").replace(" " + _SPACE, _SPACE)
        if self._words.space_first and text and text[0] not in {" ", _SPACE}:
            text = " " + text
        # The tokenizer reads the name of a byte as that byte
        return None if self._byte_fallback and _BYTE_PIECE in text else text

    def _if_sure(self, ids: npt.NDArray[np.int32]) -> array[int] | None:
        """Two ways to cut a run of one letter may be equally good; which is taken hangs on the last bit of a sum."""
        made = array("i", ids.tobytes())
        repeats = self._repeats.take(ids).nonzero()[0].tolist()
        if any(not self._ties.isdisjoint(pairwise(made[max(0, at - 1) : at + 2])) for at in repeats):
            return None
        return made


def fast_unigram(tokenizer: Tokenizer, content: Mapping[str, Any], ids: Ids) -> FastUnigram | None:
    """A tokenizer by SentencePiece; None unless its ids and the tokenizer's own are equal for some hundred texts.

    Args:
        tokenizer: what the checkpoint has, without special tokens.
        content: its JSON.
        ids: its ids of texts.
    """
    if importlib.util.find_spec("sentencepiece") is None:
        return None
    try:
        fast = FastUnigram(tokenizer, content)
    except (ValueError, RuntimeError):
        return None
    pieces = [
        piece for id, (piece, _) in enumerate(content["model"]["vocab"]) if id != content["model"]["unk_id"]
    ]
    texts = _tried_texts(pieces)
    compared = list(zip(fast.ids(texts), ids(texts), strict=True))
    sure = [(mine, theirs) for mine, theirs in compared if mine is not None]
    return fast if 2 * len(sure) > len(texts) and all(mine == theirs for mine, theirs in sure) else None


def _words(content: Mapping[str, Any]) -> _Words:
    if content["model"]["type"] != "Unigram" or content["model"]["unk_id"] is None:
        raise ValueError("not a Unigram model with an unknown token")
    if not all(token["special"] for token in content["added_tokens"]):
        raise ValueError("words were added to the vocabulary")
    pre_tokenizer = content["pre_tokenizer"] or {}
    parts = pre_tokenizer.get("pretokenizers", [pre_tokenizer])
    kinds = [part.get("type") for part in parts]
    if kinds not in (["Metaspace"], ["WhitespaceSplit", "Metaspace"]):
        raise ValueError(f"pre-tokenizers {kinds}")
    scheme, dropped = parts[-1].get("prepend_scheme"), len(parts) == 2
    if scheme not in ("never", "always") or parts[-1].get("replacement") != _SPACE:
        raise ValueError(f"spaces are handled in another way: {parts[-1]}")
    if dropped and scheme == "never":
        raise ValueError("spaces are dropped altogether")
    return _Words(
        apart=parts[-1].get("split", True), space_first=scheme == "always", white_space_dropped=dropped
    )


def _ties(
    vocabulary: Sequence[tuple[str, float]],
) -> tuple[npt.NDArray[np.bool_], frozenset[tuple[int, int]]]:
    """Which pieces repeat a shorter one, and the pairs of ids that could as well stand the other way round."""
    repeats = np.zeros(len(vocabulary), dtype=np.bool_)
    of_unit = defaultdict(list)
    for id, (piece, _) in enumerate(vocabulary):
        match = _REPEATED.fullmatch(piece)
        repeats[id] = match is not None
        of_unit[match[1] if match else piece].append(id)
    return repeats, frozenset(pair for ids in of_unit.values() for pair in permutations(ids, 2))


def _tried_texts(pieces: Sequence[str]) -> list[str]:
    """Texts of every kind, always the same ones."""
    generator = random.Random(1)  # noqa: S311
    words = [piece.replace(_SPACE, " ") for piece in pieces]
    return [
        "".join(
            generator.choice(_ODD) if generator.random() < odd else generator.choice(words)
            for _ in range(generator.randrange(1, 60))
        )
        for odd in (0.0, 0.02, 0.3)
        for _ in range(_TRIED_TEXTS // 3)
    ]
