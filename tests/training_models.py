"""A cross-encoder that trains in seconds, and examples for it."""

from __future__ import annotations

import json
from pathlib import Path

from builders import PIECES, tiny_config, unigram_tokenizer, write_checkpoint
from jrerank.training.examples import Corpus, Pair, Passage

TOPICS = ("富士山", "北岳", "利根川", "鎌倉", "味噌", "将棋", "電車", "月", "梅", "鯨", "茶", "雪")


def tiny_model(folder: Path) -> Path:
    """Two layers of ModernBERT."""
    pieces = sorted({*PIECES, *TOPICS, *"高さ長名前いつどこ年メートル昔話書店町川山"})
    tokenizer = unigram_tokenizer(pieces)
    config = tiny_config(num_hidden_layers=2, vocab_size=tokenizer.get_vocab_size())
    write_checkpoint(folder, config, tokenizer)
    return folder


def corpus() -> Corpus:
    """A passage for each topic, and a question."""
    passages = tuple(
        Passage(topic, f"{topic}の話。昔の町の川の名前は{place}。{topic}の高さは{place * 7}メートル。")
        for place, topic in enumerate(TOPICS, start=1)
    )
    pairs = tuple(Pair(f"{topic}の高さは？", place) for place, topic in enumerate(TOPICS))
    return Corpus(passages, pairs)


def write_corpus(folder: Path) -> tuple[Path, Path]:
    """The same as files: passages, pairs."""
    content = corpus()
    passages, pairs = folder / "passages.jsonl", folder / "pairs.jsonl"
    lines = [{"id": str(i), "title": p.title, "text": p.text} for i, p in enumerate(content.passages)]
    passages.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    asked = [{"question": pair.question, "passage_id": str(pair.passage)} for pair in content.pairs]
    pairs.write_text("\n".join(json.dumps(line) for line in asked), encoding="utf-8")
    return passages, pairs
