"""A fine-tuning task made of statutes: `python -m bench.statutes law.txt FOLDER`, with a paragraph a line.

A query is three words of a paragraph, in any order, which no other paragraph has together: the search of one who knows some terms.
Paragraphs are far from each other, so that what is held out has no near copy in training. `FOLDER` gets what `jrerank-admin
train` reads (passages.jsonl, train.jsonl), and `held-out/` what `bench quality --layout jsonl --data` reads, with BM25's 20 best.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from jrerank.evaluation.bigrams import bigrams
from jrerank.training.lexical import LexicalIndex

PASSAGES, HELD_OUT, TRAINED, DEPTH = 6000, 300, 2000, 20
_CHARS = range(50, 301)
_NEAR = 0.4
_WORD = re.compile(r"[一-鿿々ァ-ヶー]{2,8}")
_PLACE = re.compile(r"第?[一二三四五六七八九十]+[条項号]")
_HOLDERS = range(3, 151)
_WORDS, _LEAST_WORDS = 3, 5


def distinct(paragraphs: Iterable[str], count: int) -> list[str]:
    """Whole paragraphs of some length that share no more than `_NEAR` of their bigrams with another, in random order."""
    texts = [text for text in dict.fromkeys(paragraphs) if len(text) in _CHARS and text.endswith("。")]
    random.Random(5).shuffle(texts)
    holders: defaultdict[str, list[int]] = defaultdict(list)
    kept: list[str] = []
    sizes: list[int] = []
    for text in texts:
        pairs = frozenset(bigrams(text))
        shared = Counter(place for pair in pairs for place in holders[pair])
        if any(count > _NEAR * (len(pairs) + sizes[place] - count) for place, count in shared.items()):
            continue
        for pair in pairs:
            holders[pair].append(len(kept))
        kept.append(text)
        sizes.append(len(pairs))
        if len(kept) == count:
            break
    return kept


def queries(passages: Sequence[str]) -> dict[int, str]:
    """By the place of the passage, for those that have words enough and are alone in having the three that are drawn."""
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for place, text in enumerate(passages):
        for word in _WORD.findall(text):
            holders[word].add(place)
    made: dict[int, str] = {}
    for place, text in enumerate(passages):
        words = [word for word in dict.fromkeys(_WORD.findall(text)) if _says_something(word, holders)]
        if len(words) < _LEAST_WORDS:
            continue
        drawn = random.Random(place).sample(words, _WORDS)
        if sum(all(word in other for word in drawn) for other in passages) == 1:
            made[place] = " ".join(drawn)
    return made


def _says_something(word: str, holders: defaultdict[str, set[int]]) -> bool:
    return len(holders[word]) in _HOLDERS and not _PLACE.match(word)


def write(passages: Sequence[str], folder: Path) -> None:
    """What is trained on, and what is measured."""
    asked = list(queries(passages).items())
    held_out = folder / "held-out"
    held_out.mkdir(parents=True, exist_ok=True)
    texts = [{"id": str(place), "text": text} for place, text in enumerate(passages)]
    for file in (folder / "passages.jsonl", held_out / "passages.jsonl"):
        _write_lines(file, texts)
    trained = asked[HELD_OUT : HELD_OUT + TRAINED]
    _write_lines(
        folder / "train.jsonl", [{"question": query, "passage_id": str(place)} for place, query in trained]
    )
    index = LexicalIndex(passages)
    _write_lines(
        held_out / "queries.jsonl",
        [
            {
                "id": str(place),
                "query": query,
                "labels": [str(place)],
                "hits": [{"id": str(hit), "score": score} for hit, score in index.search(query, DEPTH)],
            }
            for place, query in asked[:HELD_OUT]
        ],
    )


def _write_lines(file: Path, rows: Iterable[object]) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(prog="python -m bench.statutes")
    parser.add_argument("text", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    lines = options.text.read_text(encoding="utf-8").splitlines()
    write(distinct((line.strip() for line in lines), PASSAGES), options.folder)


if __name__ == "__main__":
    main()
