"""A run from end to end: a model, examples and a plan in; a folder that transformers and `--model` open out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from jrerank.cpu import cpu_features
from jrerank.domain import Fusion
from jrerank.errors import ConfigurationError
from jrerank.models.recommendation import recommend_fusion
from jrerank.training.beginnings import (
    Beginning,
    digest_of,
    digest_of_model,
    digest_of_pairs,
    digest_of_passages,
    digest_of_scenes,
)
from jrerank.training.calibration import Calibration, calibration
from jrerank.training.card import CardFacts, LookedAt, measured_sections, model_card
from jrerank.training.card_text import CARD_FILE
from jrerank.training.development import DevFigures, DevSet
from jrerank.training.examples import Corpus
from jrerank.training.facts import synthetic_fact
from jrerank.training.fitting import Fitting, Progress, Schedule
from jrerank.training.groups import GroupMaker, GroupShape, Synthetic
from jrerank.training.plaintext import ClozeMaker
from jrerank.training.plan import TrainingPlan
from jrerank.training.scenes import Scene, SceneMaker
from jrerank.training.scorer import Scorer, check_apart, open_scorer, save_scorer

STATE_FOLDER = "training"
_ESTIMATED_STEPS = 8


@dataclass(frozen=True, slots=True)
class Compute:
    """`device` as torch names it. `bf16` multiplies matrices in bfloat16: twice as fast on a CPU with AVX512-BF16 or AMX."""

    device: str = "cpu"
    bf16: bool = False
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """`start` is the folder of the model that training begins with, `layers` those of it that are kept (none: all)."""

    start: Path
    train: Corpus
    dev: Corpus | None = None
    paragraphs: Sequence[str] = ()
    scenes: Sequence[Scene] = ()
    teacher: Path | None = None
    layers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DevOptions:
    """How much of the dev set is looked at, and the limit of its pairs."""

    questions: int = 200
    depth: int = 20
    max_tokens: int = 512


def bf16_is_faster() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware."""
    capability = torch.backends.cpu.get_cpu_capability()
    return "AVX512" in capability and cpu_features().bf16


def best_device() -> str:
    """CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def tokens_of(inputs: Inputs, plan: TrainingPlan, epochs: float) -> int:
    """About how many tokens so many passes over the pairs take, by the groups of a few steps."""
    scorer = open_scorer(inputs.start, plan.max_tokens, inputs.layers)
    maker = _maker(inputs, plan)
    shape = GroupShape(hard=plan.hard_negatives, random=plan.random_negatives, max_chars=plan.max_chars)
    groups = [g for step in range(_ESTIMATED_STEPS) for g in maker.step(step, plan.questions_per_step, shape)]
    tokens = sum(
        len(e) for e in scorer.encode([(group.question, text) for group in groups for text in group.texts])
    )
    return max(1, round(tokens / len(groups) * len(inputs.train.pairs) * epochs))


def train(
    inputs: Inputs,
    plan: TrainingPlan,
    folder: Path,
    *,
    compute: Compute,
    schedule: Schedule,
    report: Callable[[Progress], None],
    card: CardFacts,
    dev_options: DevOptions | None = None,
) -> None:
    """Train, or go on where a run in `folder` was stopped, and leave the model there.

    With a dev set the weights of the best look at it are kept, without one the average at the end.

    Raises:
        ConfigurationError: a folder is not a model's, the device can't be used, or the run in `folder` began with other options
            or inputs.
        InvalidInput: `folder` is a model that is read.
    """
    _check_apart(folder, inputs)
    state, options = folder / STATE_FOLDER, dev_options or DevOptions()
    beginning, digests = Beginning(state), _digests(inputs, options)
    plan = beginning.continued(plan, digests)
    scorer = _scorer(inputs, plan, compute)
    dev = DevSet(inputs.dev, options.questions, options.depth, options.max_tokens) if inputs.dev else None
    teacher = _opened(inputs.teacher, plan, compute).frozen() if inputs.teacher else None
    fitting = Fitting(scorer, _maker(inputs, plan), plan, state, schedule, dev, teacher)
    beginning.keep(plan, digests)
    log = _Log(state / "log.jsonl", report)
    keep = _Keeper(scorer, inputs.start, folder, card, plan, dev)
    fitting.run(log, lambda figures: keep(figures, None))
    keep.spent = log.tokens()
    with fitting.average.in_place():
        if dev is None:
            keep(None, None)
        elif (figures := dev.figures(logits := dev.logits(scorer))).alone >= fitting.best:
            keep(figures, calibration(dev.lists, logits))
        else:
            keep.describe_kept(folder, dev, inputs, compute)


class _Keeper:
    """Writes the model, its fusion weight and its card."""

    def __init__(
        self,
        scorer: Scorer,
        start: Path,
        folder: Path,
        card: CardFacts,
        plan: TrainingPlan,
        dev: DevSet | None,
    ) -> None:
        self._scorer, self._start, self._folder, self._card, self._plan = scorer, start, folder, card, plan
        self._looked_at = LookedAt.of(dev.lists) if dev else None
        self.spent: int | None = None

    def __call__(self, figures: DevFigures | None, levels: Calibration | None) -> None:
        save_scorer(self._scorer, self._folder, self._start)
        self._describe(figures, levels)

    def describe_kept(self, folder: Path, dev: DevSet, inputs: Inputs, compute: Compute) -> None:
        """An earlier look was the best: its weights are in the folder, and are judged as they are there."""
        scorer = _opened(folder, self._plan, compute)
        logits = dev.logits(scorer)
        self._describe(dev.figures(logits), calibration(dev.lists, logits))

    def _describe(self, figures: DevFigures | None, levels: Calibration | None) -> None:
        if figures:
            recommend_fusion(self._folder, Fusion("linear", weight=figures.fusion_weight))
        measured = measured_sections(figures, levels, self._looked_at)
        text = model_card(self._card, self._scorer.model.config, self._plan, measured, self.spent)
        (self._folder / CARD_FILE).write_text(text, encoding="utf-8")


class _Log:
    """Every step that is reported, as JSONL beside the state."""

    def __init__(self, path: Path, report: Callable[[Progress], None]) -> None:
        self._path, self._report = path, report

    def tokens(self) -> int | None:
        """That the run has spent, None where the log doesn't say: it is removed, or a kill has left half a line."""
        try:
            return int(json.loads(self._path.read_text(encoding="utf-8").splitlines()[-1])["tokens"])
        except (OSError, ValueError, LookupError):
            return None

    def __call__(self, progress: Progress) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(progress.as_json()) + "\n")
        self._report(progress)


def _check_apart(folder: Path, inputs: Inputs) -> None:
    for source in (inputs.start, inputs.teacher):
        if source:
            check_apart(folder, source)


def _digests(inputs: Inputs, options: DevOptions) -> dict[str, str | None]:
    """By the options that give them."""
    dev, teacher = inputs.dev, inputs.teacher
    return {
        "--from": digest_of_model(inputs.start),
        "--layers": digest_of(inputs.layers) if inputs.layers else None,
        "--teacher": digest_of_model(teacher) if teacher else None,
        "--passages": digest_of_passages(inputs.train),
        "--pairs or --clicks": digest_of_pairs(inputs.train),
        "--text": digest_of(inputs.paragraphs) if inputs.paragraphs else None,
        "--scenes": digest_of_scenes(inputs.scenes) if inputs.scenes else None,
        "--dev-passages": digest_of_passages(dev) if dev else None,
        "--dev-pairs": digest_of_pairs(dev) if dev else None,
        "--dev-questions": digest_of((options.questions, options.depth, options.max_tokens)) if dev else None,
    }


def _scorer(inputs: Inputs, plan: TrainingPlan, compute: Compute) -> Scorer:
    if compute.threads:
        torch.set_num_threads(compute.threads)
    torch.manual_seed(plan.seed)  # a new head is drawn
    return _opened(inputs.start, plan, compute, inputs.layers)


def _opened(folder: Path, plan: TrainingPlan, compute: Compute, layers: Sequence[int] = ()) -> Scorer:
    try:
        device = torch.device(compute.device)
    except RuntimeError as error:
        raise ConfigurationError(f"device {compute.device!r}: {error}; give cpu, cuda, mps or auto") from None
    scorer = open_scorer(folder, plan.max_tokens, layers)
    try:
        return scorer.on(device, torch.bfloat16 if compute.bf16 else None)
    except (RuntimeError, AssertionError) as error:
        # There is no driver, no such GPU or no memory on it; a torch without CUDA asserts that it has it
        reason = str(error).partition("\n")[0]
        raise ConfigurationError(
            f"device {compute.device!r} can't be used: {reason}; give --device cpu"
        ) from error


def _maker(inputs: Inputs, plan: TrainingPlan) -> GroupMaker:
    kinds: list[tuple[float, Synthetic]] = []
    if plan.fact_share:
        kinds.append((plan.fact_share, synthetic_fact))
    if plan.cloze_share and inputs.paragraphs:
        kinds.append((plan.cloze_share, ClozeMaker(inputs.paragraphs)))
    if plan.scene_share and inputs.scenes:
        kinds.append((plan.scene_share, SceneMaker(inputs.scenes)))
    return GroupMaker(inputs.train, plan.seed, kinds)
