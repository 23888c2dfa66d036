"""The kernel in C instead of the checkpoint's tokenizer: where the ids are equal, and only there."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import random
import sys
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers

from jrerank.tokenization.fast_unigram import NotFast, fast_unigram
from jrerank.tokenization.text_tokenizer import TextTokenizer
from kernel import needs_kernel
from tiny_tokenizers import KINDS, corpus, modernbert_unigram, text_tokenizer

pytestmark = needs_kernel
UNIGRAMS = ("modernbert_unigram", "xlm_roberta_unigram")
OTHER_LIBRARY = Path(str(importlib.import_module("tokenizers.tokenizers").__file__))
ODD = [
    *("😀", "𠮟", "ｶﾞ", "が", "①", "㍻", "\u3000", "  ", "\t", "\n", "▁", "é", "ﬁ", "½", "\u200b", "\ufeff", "\x1c", "\x85"),
    *("\xa0", "\x00", "か\u3099", "\U0001ccd6", "\u2028", "</s>", "<s>", "<unk>", "<0x41>", "<mask>", "（", "！", "００", "\ud800"),
    *("e\u0301", "한글", "하\u11ab", "\u0dcf", "000", "いいい", "……"),
]  # fmt: skip


def own_ids(tokenizer: Tokenizer) -> Callable[[Sequence[str]], list[Any]]:
    def ids(texts: Sequence[str]) -> list[Any]:
        encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    return ids


def mixed_text(generator: random.Random) -> str:
    passage = generator.choice(corpus())
    share = generator.choice((0.0, 0.02, 0.3))
    if not share:
        return passage[generator.randrange(len(passage)) :]
    letters = generator.choices(passage, k=generator.randrange(80))
    return "".join(generator.choice(ODD) if generator.random() < share else letter for letter in letters)


@functools.cache
def without_specials() -> tuple[Tokenizer, dict[str, Any]]:
    content = json.loads(modernbert_unigram().to_str())
    content["added_tokens"] = []
    for entry in content["model"]["vocab"][1:5]:
        entry[0] = f"unreachable{entry[0]}"
    return Tokenizer.from_str(json.dumps(content)), content


@pytest.mark.parametrize("kind", KINDS)
def test_unigram_tokenizers_are_fast(kind: str) -> None:
    tokenizer = text_tokenizer(kind)
    assert tokenizer.is_fast == (kind in UNIGRAMS) == (tokenizer.slow_because is None)


@functools.cache
def slow(kind: str) -> TextTokenizer:
    with pytest.MonkeyPatch.context() as without_native:
        without_native.setattr(importlib.util, "find_spec", lambda name: None)
        tokenizer = TextTokenizer(KINDS[kind]())
    assert tokenizer.slow_because == "jrerank-native is not installed: pip install ./native, in a checkout"
    return tokenizer


@pytest.mark.parametrize("kind", UNIGRAMS)
def test_ids_are_those_of_the_checkpoints_tokenizer(kind: str) -> None:
    generator = random.Random(1)
    texts = [mixed_text(generator) for _ in range(2000)]
    assert text_tokenizer(kind).ids(texts) == slow(kind).ids(texts)


@pytest.mark.parametrize("kind", UNIGRAMS)
def test_two_ways_that_are_nearly_as_good_are_told_apart(kind: str) -> None:
    """SentencePiece, which adds floats, takes the other way for one passage in 4,000; in long texts for more."""
    texts = ["".join(corpus()[place : place + 20]) for place in range(0, 400, 20)]
    assert text_tokenizer(kind).ids(texts) == slow(kind).ids(texts)


@pytest.mark.parametrize(
    "text", ["約000冊", "<0x41>", "＜０ｘ４１＞", "<unk>", "<unk>𠮟", "<unk><unk>", "", " ", "▁"]
)
@pytest.mark.parametrize("kind", UNIGRAMS)
def test_texts_that_look_like_pieces(kind: str, text: str) -> None:
    assert text_tokenizer(kind).ids([text, "富士山" + text]) == slow(kind).ids([text, "富士山" + text])


def test_nobody_is_trusted_whose_ids_differ() -> None:
    tokenizer, content = without_specials()
    own = own_ids(tokenizer)
    with pytest.raises(NotFast, match="ids of 300 of 300 texts differ"):
        fast_unigram(tokenizer, content, lambda texts: [array("i", [*ids, 7]) for ids in own(texts)])


@pytest.mark.parametrize("text", ["a▁b", "a b"])
def test_each_piece_from_one_word_into_the_next_is_tried(text: str) -> None:
    """Random texts hardly ever hold one of them."""
    vocab = [["<unk>", 0.0], ["▁", -2.0], *([chr(0x4E00 + n), -9.0] for n in range(8000)), ["a▁b", -1.0]]
    content: dict[str, Any] = {
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": False},
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": vocab},
    }
    tokenizer = Tokenizer.from_str(json.dumps(content))
    own = own_ids(tokenizer)

    def ids(texts: Sequence[str], but: str = "") -> list[Any]:
        return [array("i", [7] if texts[n] == but else found) for n, found in enumerate(own(texts))]

    assert fast_unigram(tokenizer, content, ids).ids([text]) == ids([text])
    with pytest.raises(NotFast, match="ids of 1 of 302 texts differ"):
        fast_unigram(tokenizer, content, functools.partial(ids, but=text))


def test_a_kernel_that_cannot_be_loaded_keeps_nobody_from_starting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from jrerank_native import unigram

    tokenizer, content = without_specials()
    unreadable = tmp_path / "libunigram.so"
    for file in (tmp_path / "missing.so", unreadable, OTHER_LIBRARY):
        unreadable.write_text("of another kind of machine")
        monkeypatch.setattr(unigram, "_FILE", file)
        with pytest.raises(NotFast, match=f"jrerank-native can't be loaded, install it anew: .*{file.name}"):
            fast_unigram(tokenizer, content, own_ids(tokenizer))
    monkeypatch.setitem(sys.modules, "jrerank_native.unigram", None)
    slow_because = TextTokenizer(modernbert_unigram()).slow_because
    assert slow_because is not None
    assert slow_because.startswith(
        "jrerank-native can't be loaded, install it anew: import of jrerank_native"
    )


def changed(**parts: Any) -> Tokenizer:
    tokenizer = Tokenizer.from_str(modernbert_unigram().to_str())
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


def with_words() -> Tokenizer:
    tokenizer = changed()
    tokenizer.add_tokens([AddedToken("ジェイリランク", special=False)])
    return tokenizer


@pytest.mark.parametrize(
    "tokenizer",
    [
        changed(pre_tokenizer=pre_tokenizers.Whitespace()),
        changed(
            pre_tokenizer=pre_tokenizers.Sequence(
                [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(split=False)]
            )
        ),
        changed(pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="first", split=True)),
        changed(pre_tokenizer=pre_tokenizers.Metaspace(replacement="_", prepend_scheme="never")),
        with_words(),
    ],
    ids=["words", "no split at U+2581", "first space", "other space", "added words"],
)
def test_what_is_not_known_is_left_to_the_tokenizer(tokenizer: Tokenizer) -> None:
    text_tokenizer = TextTokenizer(tokenizer)
    assert not text_tokenizer.is_fast
    assert text_tokenizer.slow_because


@pytest.mark.parametrize(
    "tokenizer",
    [
        changed(normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])),
        changed(normalizer=normalizers.NFC()),
        changed(pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="always", split=False)),
    ],
    ids=["lower case", "nfc", "leading space"],
)
def test_other_normalizers_and_spaces_are_read_alike(tokenizer: Tokenizer) -> None:
    text_tokenizer = TextTokenizer(tokenizer)
    texts = [*corpus()[:50], " a  B\n", "Ｃ　か\u3099"]
    assert text_tokenizer.is_fast
    assert [ids.tolist() for ids in text_tokenizer.ids(texts)] == own_ids(tokenizer)(texts)
