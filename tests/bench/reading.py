"""Whether a model reads, or counts words: `python -m bench.reading --model bundled`.

Two sets made for this project. `paraphrases`: questions whose right answer shares few words with them, with three sentences that
share many; ranked among BM25's best 16 of all the set's sentences. `not_fooled`: one sentence against four, by what tells them
apart.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jrerank.bench.quality.scorers import Scorer, local_scorer
from jrerank.domain import Candidate
from jrerank.evaluation.measures import ndcg
from jrerank.settings import Settings
from jrerank.telemetry import configure_logging
from jrerank.training.lexical import LexicalIndex

DATA = Path(__file__).parents[1] / "data"
OTHERS = 16

Score = Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the right sentence first."""

    kind: str
    question: str
    sentences: tuple[str, ...]


def cases(name: str) -> list[Case]:
    """`paraphrases` or `not_fooled`."""
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    return [Case(c.get("kind", name), c["question"], (c["right"], *c["distractors"])) for c in read]


def among_others(all_cases: Sequence[Case]) -> list[Case]:
    """Each with BM25's best of all sentences behind its own."""
    sentences = [sentence for case in all_cases for sentence in case.sentences]
    index = LexicalIndex(sentences)
    widened = []
    for case in all_cases:
        best = [sentences[i] for i, _ in index.search(case.question, OTHERS + len(case.sentences))]
        others = [sentence for sentence in best if sentence not in case.sentences][:OTHERS]
        widened.append(Case(case.kind, case.question, (*case.sentences, *others)))
    return widened


def gain(scores: Sequence[float]) -> float:
    """nDCG@10; of equal scores the right one's counts last."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], -i))
    return ndcg([str(i) for i in order], {"0": 1}, cutoff=10)


async def paraphrases(score: Score) -> tuple[float, float]:
    """Mean nDCG@10 of BM25 over all the set's sentences, and of the model."""
    lists = among_others(cases("paraphrases"))
    sentences = [sentence for case in cases("paraphrases") for sentence in case.sentences]
    index, places = LexicalIndex(sentences), {sentence: i for i, sentence in enumerate(sentences)}
    bm25 = []
    for case in lists:
        scores = index.scores(case.question)
        bm25.append([float(scores[places[sentence]]) for sentence in case.sentences])
    return _mean(bm25), _mean([await score(case.question, case.sentences) for case in lists])


async def not_fooled(score: Score) -> dict[str, tuple[int, int]]:
    """Of each kind, how many right sentences are above all others, and of how many."""
    right, all_cases = Counter[str](), cases("not_fooled")
    for case in all_cases:
        scores = await score(case.question, case.sentences)
        right[case.kind] += scores[0] > max(scores[1:])
    return {kind: (right[kind], count) for kind, count in Counter(case.kind for case in all_cases).items()}


def score_with(scorer: Scorer) -> Score:
    """Logits of texts."""

    async def score(question: str, texts: Sequence[str]) -> list[float]:
        candidates = [Candidate(str(place), text) for place, text in enumerate(texts)]
        logits = (await scorer.score(question, candidates)).logits
        return [-math.inf if logit is None else logit for logit in logits]

    return score


async def measure(settings: Settings) -> None:
    """Print both tables."""
    async with local_scorer(settings) as scorer:
        score = score_with(scorer)
        bm25, model = await paraphrases(score)
        print(f"paraphrases, nDCG@10: BM25 {bm25:.4f}, the model {model:.4f}")
        counts = await not_fooled(score)
    for kind, (right, count) in counts.items():
        print(f"not fooled: {kind:<10} {right:>3} of {count}")
    print(f"not fooled: {sum(right for right, _ in counts.values())} of {sum(n for _, n in counts.values())}")


def main() -> None:
    """Measure a model."""
    parser = argparse.ArgumentParser(prog="python -m bench.reading")
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--precision", default="int8")
    options = parser.parse_args()
    configure_logging("error", "console")
    asyncio.run(measure(Settings.load(model=options.model, precision=options.precision)))


def _mean(lists: Sequence[Sequence[float]]) -> float:
    return sum(map(gain, lists)) / len(lists)


if __name__ == "__main__":
    main()
