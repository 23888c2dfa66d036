"""What a run began with: which inputs make a difference, and what does not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jrerank.errors import ConfigurationError
from jrerank.training.beginnings import (
    Beginning,
    digest_of,
    digest_of_model,
    digest_of_pairs,
    digest_of_passages,
    digest_of_scenes,
)
from jrerank.training.examples import Corpus, Pair, Passage
from jrerank.training.plan import TrainingPlan
from jrerank.training.scenes import Scene, SceneItem
from training_models import corpus, tiny_model

PLAN = TrainingPlan(tokens=1000)
INPUTS = {"--from": "a", "--teacher": None, "--pairs": "b"}


def test_a_run_goes_on_with_what_it_began_with(tmp_path: Path) -> None:
    beginning = Beginning(tmp_path / "training")
    assert beginning.continued(PLAN, INPUTS) == PLAN
    assert list(tmp_path.iterdir()) == []
    beginning.keep(PLAN, INPUTS)
    assert beginning.continued(replace(PLAN, tokens=5), INPUTS) == replace(PLAN, tokens=5)
    with pytest.raises(ConfigurationError, match=r"seed is 2"):
        beginning.continued(replace(PLAN, seed=2), INPUTS)


@pytest.mark.parametrize(
    ("other", "named"),
    [({"--from": "c"}, "--from"), ({"--teacher": "c"}, "--teacher"), ({"--pairs": None, "--from": "c"}, "--from, --pairs")],
)  # fmt: skip
def test_the_inputs_that_differ_are_named(tmp_path: Path, other: dict[str, str | None], named: str) -> None:
    Beginning(tmp_path).keep(PLAN, INPUTS)
    message = rf"^{named}: not what the run in this folder began with; give what it began with, or choose another folder"
    with pytest.raises(ConfigurationError, match=message):
        Beginning(tmp_path).continued(PLAN, INPUTS | other)


def test_a_state_of_an_older_version_goes_on(tmp_path: Path) -> None:
    Beginning(tmp_path).keep(PLAN, INPUTS)
    (tmp_path / "inputs.json").write_text(json.dumps({"--from": "a"}), encoding="utf-8")
    assert Beginning(tmp_path).continued(PLAN, INPUTS) == PLAN
    (tmp_path / "inputs.json").unlink()
    assert Beginning(tmp_path).continued(PLAN, INPUTS) == PLAN


def test_a_plan_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"tokens"', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"plan\.json is not JSON"):
        Beginning(tmp_path).continued(PLAN, INPUTS)


def test_every_part_of_a_pair_counts_and_the_order_of_its_scores_does_not() -> None:
    whole = Pair("月", 1, ("七",), (2,), {2: 0.5, 1: 3.0})
    others = [
        replace(whole, question="梅"), replace(whole, passage=2), replace(whole, answers=()), replace(whole, negatives=()),
        replace(whole, scores={}),
    ]  # fmt: skip
    digests = [digest_of_pairs(Corpus((), (pair,))) for pair in (whole, *others)]
    assert len(set(digests)) == 6
    assert digest_of_pairs(Corpus((), (replace(whole, scores={1: 3.0, 2: 0.5}),))) == digests[0]


def test_every_part_of_passages_and_scenes_counts() -> None:
    passages = [(Passage("a", "b"),), (Passage("ab", ""),), (Passage("a", "b"), Passage("", ""))]
    assert len({digest_of_passages(Corpus(texts, ())) for texts in passages}) == 3
    item = SceneItem(("a",), ("b",), ("c",))
    items = [(item,), (replace(item, decoys=()),), (replace(item, questions=("b",)),), (item, item)]
    scenes = [*map(Scene, items), Scene((item,), "a")]
    assert len({digest_of_scenes([scene]) for scene in scenes}) == 5
    assert digest_of_scenes([Scene((item,))] * 2) != digest_of_scenes([Scene((item, item))])


def test_a_model_is_its_files_wherever_they_are(tmp_path: Path) -> None:
    one, same = tiny_model(tmp_path / "one"), tiny_model(tmp_path / "same")
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (same / name).write_bytes((one / name).read_bytes())
    assert digest_of_model(one) == digest_of_model(same)
    (same / "model.safetensors").write_bytes((one / "model.safetensors").read_bytes()[:-1] + b"x")
    assert digest_of_model(one) != digest_of_model(same)


def test_another_process_gives_the_same_and_a_large_corpus_takes_no_time() -> None:
    code = (
        "from jrerank.training.beginnings import digest_of_pairs; from training_models import corpus; "
        "print(digest_of_pairs(corpus()))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert other.stdout.strip() == digest_of_pairs(corpus())
    started = time.process_time()
    digest_of_pairs(Corpus((), tuple(Pair(f"{i}の高さは？", i, ("七",)) for i in range(30_000))))
    assert time.process_time() - started < 2


def environment() -> dict[str, str]:
    """Where this process finds its modules, and another seed of `hash`."""
    return {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"}


def test_order_counts() -> None:
    assert digest_of(["a", "b"]) != digest_of(["b", "a"])
