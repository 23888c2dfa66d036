"""What a model says does not hang on how its attention is computed, and it learns the same from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from jrerank.models.source import BUNDLED
from jrerank.training.attention import BF16_ATTENTION
from jrerank.training.scorer import Scorer, open_scorer, save_scorer
from training_models import tiny_model

# Two lengths, so that one of them is padded
PAIRS = [
    ("山の高さ", "富士山の高さは3,776mです。"),
    ("山の高さ", "川"),
    ("春", "桜が咲く。夏は海、秋は紅葉、冬は雪。"),
]


@pytest.fixture(params=["modernbert", "xlm-roberta"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tiny_model(tmp_path / "start") if request.param == "modernbert" else BUNDLED


def gradients(scorer: Scorer) -> torch.Tensor:
    scorer.logits(scorer.encode(PAIRS)).sum().backward()  # type: ignore[no-untyped-call]
    return torch.cat([p.grad.flatten() for p in scorer.model.parameters() if p.grad is not None])


def test_logits_and_gradients_are_those_of_eager_attention(start: Path) -> None:
    eager = replace(open_scorer(start, 64), autocast=torch.bfloat16)
    ours = open_scorer(start, 64).on(torch.device("cpu"), torch.bfloat16)
    assert (eager.model.config._attn_implementation, ours.model.config._attn_implementation) == (
        "eager",
        BF16_ATTENTION,
    )
    assert ours.score(PAIRS) == pytest.approx(eager.score(PAIRS), abs=0.05)  # a few steps of bfloat16
    assert torch.cosine_similarity(gradients(ours), gradients(eager), dim=0) > 0.999


def test_it_is_not_written_into_the_saved_model(start: Path, tmp_path: Path) -> None:
    save_scorer(open_scorer(start, 64).on(torch.device("cpu"), torch.bfloat16), tmp_path / "saved", start)
    assert BF16_ATTENTION not in (tmp_path / "saved" / "config.json").read_text(encoding="utf-8")
