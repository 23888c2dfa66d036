"""The kernel against the `tokenizers` library: `python -m bench.tokenizing --fuzz 100000`.

By CPU time, since other work on the machine says nothing about a tokenizer, in turns of some hundred texts: each of the two finds
its own tables in the cache. Each passage is read once; the library would remember it. Ids must be equal.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import Tokenizer

from jrerank.models.source import BUNDLED
from jrerank.tokenization.text_tokenizer import TextTokenizer
from tiny_tokenizers import corpus, modernbert_unigram, xlm_roberta_unigram

# As many passages as a thread takes at once, and as many of these as make a turn
SLICE, SLICES = 6, 60
ODD = (
    *("😀", "𠮟", "ｶﾞ", "が", "①", "㍻", "㋿", "\u3000", "  ", "\t", "\n", "\r\n", "▁", "é", "ﬁ", "½", "\u200b", "\ufeff", "\x1c"),
    *("\x85", "\xa0", "\x00", "か\u3099", "\U0001ccd6", "\u2028", "</s>", "<s>", "<unk>", "<0x41>", "<mask>", "（", "！"),
    *("００", "\ud800", "e\u0301", "한글", "하\u11ab", "\u0dcf", "000", "いいい", "……", "\uff9f", "ªº", "👨\u200d👩", "🇯🇵"),
)  # fmt: skip
Ids = Callable[[Sequence[str]], Sequence["array[int]"]]


@dataclass
class Spent:
    """CPU seconds, and tokens made in them."""

    seconds: float = 0.0
    tokens: int = 0

    def take(self, ids: Ids, slices: Sequence[Sequence[str]]) -> list[array[int]]:
        started = time.process_time()
        made = [ids(texts) for texts in slices]
        self.seconds += time.process_time() - started
        flat = [one for part in made for one in part]
        self.tokens += sum(map(len, flat))
        return flat

    def __str__(self) -> str:
        return f"{self.tokens / self.seconds / 1e6:.2f} M tokens/s"


def fuzzed(generator: random.Random) -> str:
    """Part of a passage, or letters of one with odd ones and any others between."""
    passage, share = generator.choice(corpus()), generator.choice((0.0, 0.02, 0.3, 0.9))
    if not share:
        return passage[generator.randrange(len(passage)) :]
    most = generator.choice((0x3000, 0x10000, 0x110000))
    letters = [*generator.choices(passage, k=generator.randrange(100)), chr(generator.randrange(most))]
    return "".join(generator.choice(ODD) if generator.random() < share else letter for letter in letters)


def compare(name: str, tokenizer: Tokenizer, fuzz: int) -> None:
    text_tokenizer = TextTokenizer(tokenizer)
    if not text_tokenizer.is_fast:
        raise SystemExit(f"{name}: {text_tokenizer.slow_because}")
    own, library = Spent(), Spent()
    slices = [corpus()[place : place + SLICE] for place in range(0, len(corpus()), SLICE)]
    differing = 0
    for turn in range(0, len(slices), SLICES):
        part = slices[turn : turn + SLICES]
        theirs, ours = library.take(text_tokenizer.library_ids, part), own.take(text_tokenizer.ids, part)
        differing += sum(one != other for one, other in zip(ours, theirs, strict=True))
    ratio = library.seconds / own.seconds
    print(
        f"{name}: {ratio:.1f} times, {own} against {library}; {differing} of {len(corpus())} passages differ"
    )
    generator = random.Random(1)
    odd = [fuzzed(generator) for _ in range(fuzz)]
    same = (
        map(text_tokenizer.ids, [[text] for text in odd]),
        map(text_tokenizer.library_ids, [[text] for text in odd]),
    )
    print(
        f"{name}: {sum(one != other for one, other in zip(*same, strict=True))} of {fuzz} fuzzed texts differ"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fuzz", type=int, default=10_000)
    fuzz = parser.parse_args().fuzz
    compare("xsmall-v2's", modernbert_unigram(), fuzz)
    compare("the bundled model's", Tokenizer.from_file(str(BUNDLED / "tokenizer.json")), fuzz)
    compare("XLM-RoBERTa's layout", xlm_roberta_unigram(), fuzz)


if __name__ == "__main__":
    main()
