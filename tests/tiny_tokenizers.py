"""Tokenizers of every kind that cross-encoders have: one of 16,000 pieces, and small ones, trained in a second on what ships."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from jrerank.evaluation.dataset import load_dataset
from jrerank.tokenization.text_tokenizer import TextTokenizer

BERT_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_VOCABULARY = 1500
_MODERNBERT = Path(__file__).parent / "data/modernbert_unigram.json.gz"


@functools.cache
def corpus() -> tuple[str, ...]:
    """Japanese passages."""
    return tuple(load_dataset().passages.values())


@functools.cache
def modernbert_unigram() -> Tokenizer:
    """Byte fallback, NFKC, runs of spaces cut short: the Japanese ModernBERTs."""
    return Tokenizer.from_str(gzip.decompress(_MODERNBERT.read_bytes()).decode())


@functools.cache
def xlm_roberta_unigram() -> Tokenizer:
    """Unknown characters fused to one token, a space put in front: XLM-RoBERTa."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Replace("\t", " "),
            normalizers.Replace("\n", " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(prepend_scheme="always"),
        ]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=_VOCABULARY, special_tokens=list(ROBERTA_SPECIALS), unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(corpus()[:60], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


@functools.cache
def bert_wordpiece() -> Tokenizer:
    """Words of letters and punctuation, `##` behind their beginnings: BERT."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=_VOCABULARY, special_tokens=list(BERT_SPECIALS), show_progress=False
    )
    tokenizer.train_from_iterator(corpus()[:60], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


@functools.cache
def byte_level_bpe() -> Tokenizer:
    """Merges of bytes, every space kept: the English ModernBERT. Its special tokens aren't in the model's own vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(corpus()[:60], trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in BERT_SPECIALS])
    tokenizer.add_tokens([AddedToken("ジェイリランク", special=False)])
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    return tokenizer


KINDS: Mapping[str, Callable[[], Tokenizer]] = {
    "modernbert_unigram": modernbert_unigram,
    "xlm_roberta_unigram": xlm_roberta_unigram,
    "bert_wordpiece": bert_wordpiece,
    "byte_level_bpe": byte_level_bpe,
}


@functools.cache
def text_tokenizer(kind: str) -> TextTokenizer:
    """A tokenizer as the sidecar reads texts with it."""
    return TextTokenizer(KINDS[kind]())


def special_ids(tokenizer: Tokenizer) -> set[int]:
    """The ids of the special tokens that text must not become: all but the unknown token's."""
    added = tokenizer.get_added_tokens_decoder()
    return {id for id, token in added.items() if token.special and token.content not in {"<unk>", "[UNK]"}}
