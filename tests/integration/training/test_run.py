"""A whole run on a tiny model: it learns, gives the same losses twice and after a kill, and leaves a folder that all can open."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.errors import ConfigurationError
from jrerank.models.recommendation import recommended_fusion
from jrerank.training.card import CardFacts
from jrerank.training.development import WEIGHTS
from jrerank.training.examples import Corpus, Pair, Passage
from jrerank.training.fitting import Progress, Schedule
from jrerank.training.plan import TrainingPlan
from jrerank.training.run import Compute, Inputs, tokens_of, train
from jrerank.training.scorer import open_scorer
from training_models import TOPICS, corpus, tiny_model, write_corpus

PLAN = TrainingPlan(
    tokens=12_000, questions_per_step=3, hard_negatives=2, learning_rate=3e-3, warmup_steps=4, fact_share=0.2,
    freeze_embeddings=False, mined_candidates=6, mined_from=0.4, max_tokens=96, dropout=0.1,
)  # fmt: skip
CARD = CardFacts("tiny", "a tiny model", "made-up lines", "MIT", "jrerank-admin train tiny")


def run(folder: Path, start: Path, plan: TrainingPlan = PLAN, **inputs: Any) -> list[Progress]:
    steps: list[Progress] = []
    train(
        Inputs(start, inputs.pop("train", corpus()), **inputs),
        plan,
        folder,
        compute=Compute(threads=1),
        schedule=Schedule(evaluate_every_tokens=6_000),
        report=steps.append,
        card=CARD,
    )
    return steps


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def trained(start: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Progress]]:
    folder = tmp_path_factory.mktemp("trained")
    return folder, run(folder, start, dev=corpus())


def test_it_learns_what_tells_right_from_wrong(start: Path, tmp_path: Path) -> None:
    passages = tuple(
        Passage("", f"{topic}の高さは7メートル。" if i % 2 else f"{topic}の昔の話。")
        for i, topic in enumerate(TOPICS)
    )
    pairs = tuple(Pair("どこ", i, negatives=tuple(range(0, 12, 2))) for i in range(1, 12, 2))
    plan = replace(PLAN, random_negatives=0, fact_share=0.0, tokens=6_000)
    losses = [step.loss for step in run(tmp_path, start, plan, train=Corpus(passages, pairs))]
    assert sum(losses[-6:]) < 0.3 * sum(losses[:6])


def test_a_run_that_has_nothing_left_to_learn_ends(start: Path, tmp_path: Path) -> None:
    plan = replace(PLAN, tokens=3_000, mined_from=0.5, skip_loss=1e9)
    losses = [step.loss for step in run(tmp_path, start, plan)]
    assert losses[0] > 0  # until it mines, all is trained on
    assert losses[-1] == 0


def test_a_run_that_goes_astray_stops_and_leaves_no_model(start: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no number"):
        run(tmp_path, start, replace(PLAN, learning_rate=1e30), dev=corpus())
    assert not (tmp_path / "model.safetensors").exists()


def test_what_is_left_out_counts_as_learned(start: Path, tmp_path: Path) -> None:
    """The loss is that of all that were drawn, of which most are left out here."""
    plan = replace(PLAN, tokens=1_500, mined_from=0.0, questions_per_step=12, fact_share=0.0)
    (whole, *_), (part, *_) = (
        run(tmp_path / str(skip_loss), start, replace(plan, skip_loss=skip_loss)) for skip_loss in (0.0, 1.9)
    )
    assert part.tokens == whole.tokens
    assert 0 < part.loss < whole.loss


def test_a_teacher_has_no_part_in_what_is_learned_by_the_labels(start: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="leave one of them out"):
        run(tmp_path, start, replace(PLAN, skip_loss=0.1), teacher=start)


def test_the_same_seed_gives_the_same_losses(
    trained: tuple[Path, list[Progress]], start: Path, tmp_path: Path
) -> None:
    again = run(tmp_path, start, dev=corpus())
    assert [step.loss for step in again] == [step.loss for step in trained[1]]
    other = run(tmp_path / "other", start, replace(PLAN, seed=2, tokens=2_000))
    assert other[0].loss != again[0].loss


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    trained: tuple[Path, list[Progress]], start: Path, tmp_path: Path
) -> None:
    class Stopped(Exception):  # noqa: N818
        pass

    seen: list[float] = []
    stops = [5, 11]

    def stop(step: Progress) -> None:
        if step.step in stops:
            stops.remove(step.step)
            raise Stopped  # that step was not saved yet, and is done again
        seen.append(step.loss)

    def go_on() -> None:
        train(
            Inputs(start, corpus(), dev=corpus()), PLAN, tmp_path, compute=Compute(threads=1),
            schedule=Schedule(save_every_s=0, evaluate_every_tokens=6_000), report=stop, card=CARD,
        )  # fmt: skip

    for _ in range(2):
        with pytest.raises(Stopped):
            go_on()
    go_on()
    assert seen == [step.loss for step in trained[1]]


def test_after_kill_9_the_command_goes_on_to_the_same_losses(tmp_path: Path) -> None:
    start = tiny_model(tmp_path / "start")
    passages, pairs = write_corpus(tmp_path)
    options = [
        "--from", start, "--passages", passages, "--pairs", pairs, "--tokens", 9_000, "--questions-per-step", 2,
        "--save-every-s", 0, "--threads", 1, "--precision", "fp32",
    ]  # fmt: skip
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command(whole, options)
    process = subprocess.Popen(
        [sys.executable, "-m", "jrerank.admin", "train", str(killed), *map(str, options)]
    )
    log = killed / "training/log.jsonl"
    while process.poll() is None and (not log.is_file() or len(log.read_text().splitlines()) < 2):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    command(killed, options)
    assert losses_of(killed) == losses_of(whole)


def command(folder: Path, options: Sequence[object]) -> None:
    result = CliRunner().invoke(app, ["train", str(folder), *map(str, options)])
    assert result.exit_code == 0, result.output
    assert "The model is in" in result.stdout


def losses_of(folder: Path) -> dict[int, float]:
    """By step; a step that was done twice has to have had the same loss."""
    losses: dict[int, float] = {}
    for line in (folder / "training/log.jsonl").read_text().splitlines():
        step = json.loads(line)
        assert losses.setdefault(step["step"], step["loss"]) == step["loss"]
    return losses


def test_another_plan_does_not_go_on(trained: tuple[Path, list[Progress]], start: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"learning_rate is 1\.0, but the run"):
        run(trained[0], start, replace(PLAN, learning_rate=1.0))


def test_other_inputs_do_not_go_on(trained: tuple[Path, list[Progress]], start: Path, tmp_path: Path) -> None:
    other = tiny_model(tmp_path / "other")
    (other / "config.json").write_bytes((start / "config.json").read_bytes() + b"\n")
    fewer = replace(corpus(), pairs=corpus().pairs[1:])
    for named, inputs in (
        ("--pairs or --clicks", {"train": fewer, "dev": corpus()}),
        ("--layers", {"layers": (0,), "dev": corpus()}),
        ("--teacher", {"teacher": start, "dev": corpus()}),
        ("--text", {"paragraphs": ["月の話。"], "dev": corpus()}),
        ("--dev-passages, --dev-pairs, --dev-questions", {}),
    ):
        with pytest.raises(ConfigurationError, match=f"^{named}: not what the run in this folder began with"):
            run(trained[0], start, **inputs)
    with pytest.raises(ConfigurationError, match=r"^--from: not what"):
        run(trained[0], other, dev=corpus())


def test_a_command_that_is_refused_leaves_nothing_that_refuses_the_mended_one(
    start: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError):
        run(tmp_path, start, replace(PLAN, seed=2), layers=(0, 7))
    assert list(tmp_path.iterdir()) == []


PAIRS = [
    ("富士山の高さは？", "富士山の高さは7メートル。"),
    ("月の名前", "茶の話。昔の町。"),
    ("梅", "雪" * 40),
]


def test_transformers_cross_encoder_and_jrerank_give_the_same_scores(
    trained: tuple[Path, list[Progress]],
) -> None:
    folder = trained[0]
    ours = [open_scorer(folder, 512).score([pair])[0] for pair in PAIRS]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        theirs = [model(**tokenizer(*pair, return_tensors="pt")).logits.item() for pair in PAIRS]
    encoder = CrossEncoder(str(folder), device="cpu")
    third = encoder.predict(PAIRS, activation_fn=torch.nn.Identity())
    assert theirs == pytest.approx(ours, abs=1e-4)
    assert list(map(float, third)) == pytest.approx(ours, abs=1e-4)
    assert served(folder, PAIRS) == pytest.approx(ours, abs=1e-4)


def served(folder: Path, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Logits by the sidecar's own engine, in fp32."""
    logits = []
    for question, text in pairs:
        command = ["rerank", question, "--model", str(folder), "--precision", "fp32", "--json"]
        result = CliRunner().invoke(app, command, input=text)
        score = json.loads(result.stdout)["score"]
        logits.append(math.log(score / (1 - score)))
    return logits


def test_the_folder_has_a_card_and_a_fusion_weight(trained: tuple[Path, list[Progress]]) -> None:
    card = (trained[0] / "README.md").read_text(encoding="utf-8")
    assert "| trained on | made-up lines |" in card
    assert "jrerank-admin train tiny" in card
    assert "share that is right" in card
    fusion = recommended_fusion(trained[0])
    assert fusion is not None
    assert (fusion.method, fusion.weight in WEIGHTS) == ("linear", True)


def test_a_student_of_fewer_layers_learns_its_teachers_scores(start: Path, tmp_path: Path) -> None:
    plan = replace(PLAN, tokens=8_000, fact_share=0.0)
    steps = run(tmp_path, start, plan, teacher=start, layers=(0,))
    assert open_scorer(tmp_path, 96).model.config.num_hidden_layers == 1
    losses = [step.loss for step in steps]
    assert sum(losses[-4:]) < sum(losses[:4])


def test_a_layer_that_is_not_there_is_refused(start: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"layers \[0, 7\]: the model has layers 0 to 1"):
        run(tmp_path, start, layers=(0, 7))


def test_epochs_are_counted_in_tokens(start: Path) -> None:
    inputs = Inputs(start, corpus())
    once, twice = tokens_of(inputs, PLAN, 1), tokens_of(inputs, PLAN, 2)
    assert abs(twice - 2 * once) <= 1
    assert 12 * 4 * 10 < once < 12 * 5 * 96
