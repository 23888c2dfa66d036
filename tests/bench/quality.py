"""What the bundled model makes of BM25's hit lists on the demo's questions, in int8 and in float32."""

from __future__ import annotations

import warnings
from pathlib import Path

from jrerank.admin.demo.command import FUSION_WEIGHT
from jrerank.admin.demo.comparison import Figures, Sidecar, ask, figures
from jrerank.admin.demo.first_stage import embedded_first_stage
from jrerank.domain import Candidate
from jrerank.evaluation.dataset import load_dataset
from sidecars import running_sidecar

WINDOW = 20


def measured(folder: Path, questions: int) -> dict[str, Figures]:
    """nDCG@10 and MRR@10 of BM25 alone, and of its fusion with the model in each precision."""
    dataset = load_dataset()
    sample = dataset.sample(questions)
    relevant = [question.passage_id for question in sample]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with embedded_first_stage(dataset.passages) as first_stage:
            found: dict[str, tuple[Candidate, ...]] = {
                question.text: first_stage.search(question.text, WINDOW) for question in sample
            }
    measured = {
        "BM25": figures(zip([_ids(found[question.text]) for question in sample], relevant, strict=True))
    }
    for precision in ("int8", "fp32"):
        with running_sidecar(folder, precision=precision) as running, running.client() as client:
            sidecar = Sidecar(client)
            lists = [ask(question, found.__getitem__, sidecar, FUSION_WEIGHT).fused for question in sample]
        measured[precision] = figures(zip(lists, relevant, strict=True))
    return measured


def _ids(candidates: tuple[Candidate, ...]) -> tuple[str, ...]:
    return tuple(candidate.id for candidate in candidates)
