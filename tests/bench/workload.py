"""100 pairs with the lengths of real passages: lognormal, 186 tokens on average, at most 435."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from jrerank.evaluation.dataset import load_dataset

QUERY_TOKENS = 12
SPECIALS = 4
MEAN_TOKENS, MAX_TOKENS = 186, 435


@dataclass(frozen=True)
class Workload:
    query: str
    passages: list[str]
    lengths: list[int]


def make_workload(tokenizer: Tokenizer, pairs: int = 100) -> Workload:
    """Real Japanese text, cut to the wanted number of tokens."""
    raw = np.random.default_rng(3).lognormal(5.1, 0.45, pairs)
    wanted = np.clip(raw * MEAN_TOKENS / raw.mean(), 30, MAX_TOKENS).astype(int)
    dataset = load_dataset()
    text = "".join(list(dataset.passages.values())[:400])
    ids = tokenizer.encode(text, add_special_tokens=False)
    query = dataset.questions[0].text
    overhead = len(tokenizer.encode(query, add_special_tokens=False).ids) + SPECIALS
    passages, at = [], 0
    for length in wanted:
        size = int(length) - overhead
        begin, end = ids.offsets[at][0], ids.offsets[at + size - 1][1]
        passages.append(text[begin:end])
        at += size
    lengths = [len(tokenizer.encode(query, passage).ids) for passage in passages]
    return Workload(query, passages, lengths)
