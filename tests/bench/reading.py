"""Whether a model reads, or counts words: `python -m bench.reading --model bundled`.

Two sets made for this project. `paraphrases`: questions whose right answer shares few words with them, with three sentences that
share many; ranked among BM25's best 16 of all the set's sentences. `not_fooled`: one sentence against four, by what tells them
apart.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from jrerank.evaluation.measures import ndcg
from jrerank.training.lexical import LexicalIndex
from sidecars import running_sidecar

DATA = Path(__file__).parents[1] / "data"
OTHERS = 16


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


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.reading")
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--precision", default="int8")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sidecar(Path(folder), options.model, precision=options.precision) as sidecar,
        httpx.Client(base_url=sidecar.url, timeout=60) as client,
    ):
        _print_paraphrases(client, among_others(cases("paraphrases")))
        _print_not_fooled(client, cases("not_fooled"))


def _print_paraphrases(client: httpx.Client, lists: Sequence[Case]) -> None:
    sentences = [sentence for case in cases("paraphrases") for sentence in case.sentences]
    index, places = LexicalIndex(sentences), {sentence: i for i, sentence in enumerate(sentences)}
    bm25 = []
    for case in lists:
        scores = index.scores(case.question)
        bm25.append([float(scores[places[sentence]]) for sentence in case.sentences])
    model = [_scores(client, case) for case in lists]
    print(f"paraphrases, {len(lists)} lists, nDCG@10: BM25 {_mean(bm25):.4f}, the model {_mean(model):.4f}")


def _print_not_fooled(client: httpx.Client, groups: Sequence[Case]) -> None:
    right = Counter[str]()
    for case in groups:
        scores = _scores(client, case)
        right[case.kind] += scores[0] > max(scores[1:])
    for kind, count in Counter(case.kind for case in groups).items():
        print(f"not fooled: {kind:<10} {right[kind]:>3} of {count}")
    print(f"not fooled: {right.total()} of {len(groups)}")


def _mean(lists: Sequence[Sequence[float]]) -> float:
    return sum(map(gain, lists)) / len(lists)


def _scores(client: httpx.Client, case: Case) -> list[float]:
    answer = client.post("/v1/rerank", json={"query": case.question, "documents": list(case.sentences)})
    answer.raise_for_status()
    scores = {result["index"]: result["relevance_score"] for result in answer.json()["results"]}
    return [scores[i] for i in range(len(case.sentences))]


if __name__ == "__main__":
    main()
