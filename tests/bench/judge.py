"""How good a reranker is, as it is served: `python -m bench.judge --model FOLDER --data FOLDER`.

`--data` has `jsquad-valid` and `jaquad-dev`, each as NAME.passages.jsonl.gz and NAME.queries.jsonl.gz in the form of the set that
ships. BM25 over character bigrams is the first stage. A table in Markdown says what came out, and what is wanted of `bundled`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.reading import not_fooled, paraphrases, score_with
from jrerank.assembly import load_checkpoint
from jrerank.bench.quality.evaluate import Answers, differences, values
from jrerank.bench.quality.orders import ordered
from jrerank.bench.quality.run import Plan, first_stage, report, score
from jrerank.bench.quality.scorers import LocalScorer, local_scorer, name_of
from jrerank.bench.quality.scores import QueryScores, ScoreFile
from jrerank.bench.speed.workload import WorkloadMaker
from jrerank.cpu import cpu_features
from jrerank.domain import Candidate, Fusion, sigmoid
from jrerank.doors.http.answers import OUTCOME_HEADER
from jrerank.engines.gate import GateReport
from jrerank.engines.onnx_cpu.artifact import GATE_FILE, Recipe
from jrerank.engines.onnx_cpu.build import build_into
from jrerank.evaluation.bm25 import Bm25
from jrerank.evaluation.collection import Collection, of_dataset
from jrerank.evaluation.dataset import load_dataset
from jrerank.evaluation.measures import Measure
from jrerank.models.recommendation import recommended_fusion
from jrerank.settings import Settings
from jrerank.telemetry import configure_logging
from sidecars import running_sidecar

NDCG = Measure.parse("nDCG@10")
PAIRS, ROUNDS, YARDSTICK = 100, 5, "random:xsmall-v2"
_DEFAULT_WEIGHT = 0.2
_UNHURRIED = {"cache_bytes": "0", "token_cache_bytes": "0", "timeout_ms": "60000"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    what: str
    found: str
    wanted: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.found} | {self.wanted} |"


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A set, how many of its questions are asked, how deep is reranked, and what is wanted."""

    name: str
    questions: int
    depth: int
    wanted_alone: str
    wanted_fused: str = ""

    def plan(self, data: Path) -> Plan:
        """Bigram BM25's hits for questions spread evenly over the set."""
        dataset = load_dataset(data, f"{self.name}.")
        index = Bm25.of(dataset.passages)

        def search(question: str) -> tuple[Candidate, ...]:
            found = index.search(question, self.depth)
            return tuple(Candidate(id, dataset.passages[id], value) for id, value in found)

        return Plan(of_dataset(dataset, search, self.name).sample(self.questions), [NDCG], self.depth)


def quality_rows(asked: QuestionSet, plan: Plan, model: Answers, weight: float) -> list[Row]:
    """BM25, the model alone, and both, with what is gained over BM25 and its 95 % interval."""
    lists = plan.lists
    assert model.scores is not None
    fused = Answers(f"fused, weight {weight:g}", "", _fused(lists, model.scores, weight))
    both = report(plan, [first_stage(plan), model])
    before = statistics.fmean(values(first_stage(plan), lists, NDCG))
    what = f"{asked.name}, {len(lists.measurable):,} questions, top {asked.depth}"
    rows = [Row(f"{what}: BM25", f"{before:.4f}")]
    for system, wanted in ((model, asked.wanted_alone), (fused, asked.wanted_fused)):
        gain = differences([first_stage(plan), system], lists, [NDCG])[0]
        found = f"{before + gain.difference:.4f} ({gain.difference:+.4f}, {gain.low:+.4f} to {gain.high:+.4f}, p {gain.p:.2g})"
        rows.append(Row(f"{what}: {'alone' if system is model else system.name}", found, wanted))
    crossed = [figure for one in both.systems[2:] if (figure := one.figure(str(NDCG))) is not None]
    return rows + [
        Row(f"{what}: fused, each half by the other's weight", f"{figure.value:.4f}") for figure in crossed
    ]


def _fused(lists: Collection, scores: Mapping[str, QueryScores], weight: float) -> dict[str, tuple[str, ...]]:
    fusion = Fusion("linear", weight=weight)
    return {id: ordered(lists.hits[id], one, fusion) for id, one in scores.items()}


async def median_rows(plan: Plan, model: Answers, scorer: LocalScorer, passages: Sequence[str]) -> list[Row]:
    """What a score means: right passages, the best wrong one of each list, and passages by chance."""
    draw, lists = random.Random(1), plan.lists
    assert model.scores is not None
    right, hardest, chance = [], [], []
    for id, scores in model.scores.items():
        pairs = list(zip(lists.hits[id], scores.logits, strict=True))
        right += [
            sigmoid(logit) for hit, logit in pairs if logit is not None and lists.labels[id].get(hit.id)
        ]
        wrong = [logit for hit, logit in pairs if logit is not None and not lists.labels[id].get(hit.id)]
        hardest += [sigmoid(max(wrong))] if wrong else []
        drawn = await scorer.score(lists.queries[id], [Candidate("0", draw.choice(passages))])
        chance += [sigmoid(logit) for logit in drawn.logits if logit is not None]
    medians = [statistics.median(scores) for scores in (right, hardest, chance)]
    return [
        Row("median score of right passages", f"{medians[0]:.3f}", "> 0.8"),
        Row("median score of the best wrong passage of each list", f"{medians[1]:.3f}"),
        Row("median score of a passage by chance", f"{medians[2]:.4f}", "< 0.05"),
    ]


async def reading_rows(scorer: LocalScorer) -> list[Row]:
    """The sets of `tests/data`."""
    one = score_with(scorer)
    bm25, model = await paraphrases(one)
    counts = await not_fooled(one)
    right, count = (sum(column) for column in zip(*counts.values(), strict=True))
    kinds = ", ".join(f"{kind} {got} of {of}" for kind, (got, of) in counts.items())
    return [
        Row("paraphrases, nDCG@10", f"{model:.4f} ({model - bm25:+.4f} over BM25)", "+0.03"),
        Row("not fooled", f"{right} of {count}: {kinds}", f"{-(-count * 9 // 10)}"),
    ]


def shift_rows(settings: Settings) -> list[Row]:
    """What the gate says of int8 where it is served: with weights of 8 bits, and with those of 7 that CPUs with AVX2 alone need."""
    limit = f"<= {settings.gate_max_score_shift:g}"
    return [
        Row(f"largest int8 shift of a score, weights of {bits} bits", f"{_shift(settings, bits):.4f}", limit)
        for bits in ((7,) if cpu_features().saturates_int8 else (8, 7))
    ]


def _shift(settings: Settings, bits: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        build_into(Path(folder), load_checkpoint(settings), Recipe("int8", reduce_range=bits == 7))
        return GateReport.from_json(json.loads((Path(folder) / GATE_FILE).read_text())).score_shift


def speed_row(model: str, rounds: int) -> Row:
    """The time of 100 pairs through HTTP by that of the yardstick's, in turn; nothing is remembered."""
    workload = WorkloadMaker(load_checkpoint(Settings.load(model="bundled")), 512).mixed(PAIRS)
    body = {"query": workload.query, "documents": list(workload.passages)}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clients = [
            stack.enter_context(
                stack.enter_context(running_sidecar(folder, one, precision="int8", **_UNHURRIED)).client()
            )
            for one in (model, YARDSTICK)
        ]
        ratios = list(_ratios(clients, body, rounds))
    found = f"{statistics.median(ratios):.2f} (of {rounds} rounds {min(ratios):.2f} to {max(ratios):.2f})"
    return Row(f"time of {PAIRS} pairs through HTTP by {YARDSTICK}'s", found, "<= 1")


def _ratios(clients: Sequence[httpx.Client], body: Mapping[str, object], rounds: int) -> Iterator[float]:
    for turn in range(rounds + 1):
        seconds = []
        for client in clients:
            started = time.perf_counter()
            answer = client.post("/v1/rerank", json=body).raise_for_status()
            if answer.headers[OUTCOME_HEADER] != "complete":
                raise RuntimeError(f"not all was scored: {answer.text:.200}")
            seconds.append(time.perf_counter() - started)
        if turn:  # the first warms up
            yield seconds[0] / seconds[1]


async def judged(settings: Settings, data: Path, sets: Sequence[QuestionSet], scores: ScoreFile) -> list[Row]:
    """All rows that need the model in this process."""
    rows: list[Row] = []
    async with local_scorer(settings) as scorer:
        rows += await reading_rows(scorer)
        for asked in sets:
            plan = asked.plan(data)
            answers = await score(plan, scorer, scores, _progress)
            rows += quality_rows(asked, plan, answers, weight_of(settings))
            if asked.name == "jaquad-dev":
                passages = list(load_dataset(data, f"{asked.name}.").passages.values())
                rows += await median_rows(plan, answers, scorer, passages)
    return rows


def weight_of(settings: Settings) -> float:
    """The one that the model's folder recommends."""
    folder = load_checkpoint(settings).folder
    fusion = recommended_fusion(folder) if folder else None
    return fusion.weight if fusion and fusion.method == "linear" else _DEFAULT_WEIGHT


def _progress(name: str, done: int, of: int) -> None:
    if done % 50 == 0:
        print(f"{name}: {done} of {of}", file=sys.stderr)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.judge")
    parser.add_argument("--model", default="bundled", help="bundled, a folder or a hub id")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--jsquad", type=int, default=1000, help="questions of jsquad-valid; 0 leaves it out")
    parser.add_argument("--jaquad", type=int, default=150, help="questions of jaquad-dev; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the speed; 0 leaves it out")
    parser.add_argument("--precision", default="int8")
    parser.add_argument(
        "--resume", type=Path, help="keep scores there, and go on where an earlier run stopped"
    )
    options = parser.parse_args()
    configure_logging("error", "console")
    settings = Settings.load(model=options.model, precision=options.precision)
    sets = [
        QuestionSet("jsquad-valid", options.jsquad, 20, ">= 0.960", ">= 0.970"),
        QuestionSet("jaquad-dev", options.jaquad, 50, "+0.03"),
    ]
    asked = [one for one in sets if one.questions]
    rows = asyncio.run(judged(settings, options.data, asked, ScoreFile.open(options.resume)))
    rows += shift_rows(settings)
    if options.rounds:
        rows.append(speed_row(options.model, options.rounds))
    print(f"| {name_of(settings, settings.precision)} | | wanted |\n|---|---|---|")
    print("\n".join(map(str, rows)))


if __name__ == "__main__":
    main()
