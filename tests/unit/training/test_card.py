"""The model card."""

from __future__ import annotations

from types import SimpleNamespace

from jrerank.training.calibration import Bin, Calibration
from jrerank.training.card import CardFacts, LookedAt, measured_sections, model_card
from jrerank.training.development import DevFigures, Judged
from jrerank.training.plan import TrainingPlan

FACTS = CardFacts("my-reranker", "bundled", "our help pages", "MIT", "jrerank-admin train my-reranker")
CONFIG = SimpleNamespace(
    architectures=["XLMRobertaForSequenceClassification"], num_hidden_layers=6, hidden_size=384
)


def test_it_says_what_it_is_and_how_it_was_made() -> None:
    card = model_card(FACTS, CONFIG, TrainingPlan(tokens=2_000_000, seed=7))
    assert card.startswith("---\nlanguage: ja\n")
    for line in (
        "| architecture | `XLMRobertaForSequenceClassification`, 6 layers, hidden 384 |",
        "| started from | bundled |",
        "| trained on | our help pages |",
        "| budget | 2,000,000 tokens, seed 7 |",
        "| licence | MIT |",
        "jrerank-admin train my-reranker",
    ):
        assert line in card.splitlines()
    assert "Dev set" not in card


def test_it_is_written_to_the_letter() -> None:
    assert model_card(FACTS, CONFIG, TrainingPlan(tokens=1_000, seed=7)) == (
        "---\nlanguage: ja\npipeline_tag: text-ranking\ntags: [cross-encoder, reranker]\n---\n# my-reranker\n\n"
        "A cross-encoder for Japanese, trained with `jrerank-admin train`.\n\n"
        "| | |\n|---|---|\n"
        "| architecture | `XLMRobertaForSequenceClassification`, 6 layers, hidden 384 |\n"
        "| started from | bundled |\n| trained on | our help pages |\n| budget | 1,000 tokens, seed 7 |\n| licence | MIT |\n\n"
        "## Made by\n\n```sh\njrerank-admin train my-reranker\n```\n"
    )


def test_figures_and_the_meaning_of_a_score_are_there_where_there_was_a_dev_set() -> None:
    levels = Calibration(0.9, 0.4, 0.01, (Bin(0.0, 0.05, 90, 0.01, 0.02),))
    measured = measured_sections(DevFigures(0.91, 0.95, 0.96, 0.1), levels, LookedAt(200, 20, 12))
    card = model_card(FACTS, CONFIG, TrainingPlan(tokens=1), measured)
    for line in (
        "Of 200 questions, BM25's 20 best passages each. 12 of these lists lack the right passage, and count 0 in every row.",
        "| BM25 over bigrams | 0.9100 |",
        "| this model alone | 0.9500 |",
        "| logit + 0.1 x BM25 (the best of the weights tried) | 0.9600 |",
        "| 0 to 0.05 | 90 | 0.01 | 0.02 |",
    ):
        assert line in card.splitlines()


def test_what_was_looked_at_is_counted() -> None:
    lists = [Judged("月", ("a", "b"), (2.0, 1.0), right) for right in (1, None, 0)]
    assert LookedAt.of(lists) == LookedAt(questions=3, depth=2, missed=1)


def test_a_run_that_ended_early_says_after_how_much() -> None:
    rows = [model_card(FACTS, CONFIG, TrainingPlan(tokens=9_000), spent=spent) for spent in (8_000, 9_100)]
    assert "| budget | 9,000 tokens, ended after 8,000, seed 1 |" in rows[0]
    assert "| budget | 9,000 tokens, seed 1 |" in rows[1]
