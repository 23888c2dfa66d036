"""Puts a run together from what the command line says, and shows how it goes. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from jrerank.admin.training.data import read_corpus, read_paragraphs, read_scenes
from jrerank.errors import InvalidInput
from jrerank.models.source import checkpoint_folder
from jrerank.training import run
from jrerank.training.card import CardFacts
from jrerank.training.fitting import Progress as Step
from jrerank.training.fitting import Schedule
from jrerank.training.plan import TrainingPlan

_LOSS_OF_STEPS = 20


@dataclass(frozen=True, slots=True)
class Looks:
    """How often the run looks at the dev set, at how much of it, and saves itself."""

    patience: int | None
    every_tokens: int
    questions: int
    save_every_s: float


def inputs(
    passages: Path,
    pairs: Path | None,
    clicks: Path | None,
    start: str,
    layers: str,
    teacher: str | None,
    dev_passages: Path | None,
    dev_pairs: Path | None,
    text: Sequence[Path],
    scenes: Sequence[Path],
) -> run.Inputs:
    """Read all files.

    Raises:
        InvalidInput, ModelNotFound: see `read_corpus`, `checkpoint_folder`.
    """
    return run.Inputs(
        start=checkpoint_folder(start),
        train=read_corpus(passages, pairs, clicks),
        dev=read_corpus(dev_passages, dev_pairs) if dev_passages else None,
        paragraphs=[paragraph for file in text for paragraph in read_paragraphs(file)],
        scenes=[scene for file in scenes for scene in read_scenes(file)],
        teacher=checkpoint_folder(teacher) if teacher else None,
        layers=_layers(layers),
    )


def compute(device: str, precision: str, threads: int | None) -> run.Compute:
    """`auto` becomes what this machine does best.

    Raises:
        InvalidInput: another precision.
    """
    if precision not in {"auto", "bf16", "fp32"}:
        raise InvalidInput(f"precision {precision!r}: it is auto, bf16 or fp32", field="precision")
    chosen = run.best_device() if device == "auto" else device
    faster = chosen.startswith("cuda") or (chosen == "cpu" and run.bf16_is_faster())
    return run.Compute(chosen, precision == "bf16" or (precision == "auto" and faster), threads)


def train(
    folder: Path,
    *,
    inputs: run.Inputs,
    plan: TrainingPlan,
    epochs: float | None,
    compute: run.Compute,
    looks: Looks,
    card: CardFacts,
) -> None:
    """Train with a progress bar, and say at the end what came of it."""
    if epochs is not None:
        plan = replace(plan, tokens=run.tokens_of(inputs, plan, epochs))
    console = Console()
    console.print(
        f"{len(inputs.train.pairs):,} pairs, {len(inputs.train.passages):,} passages; {plan.tokens:,} tokens on "
        f"{compute.device} in {'bf16' if compute.bf16 else 'fp32'}"
    )
    schedule = Schedule(looks.save_every_s, looks.every_tokens, looks.patience)
    with _shown(console, plan.tokens) as report:
        run.train(
            inputs,
            plan,
            folder,
            compute=compute,
            schedule=schedule,
            report=report,
            card=card,
            dev_options=run.DevOptions(looks.questions),
        )
    console.print(f"The model is in {folder}: jrerank-admin serve --model {folder}")


@contextmanager
def _shown(console: Console, tokens: int) -> Iterator[Callable[[Step], None]]:
    columns = (BarColumn(), TextColumn("{task.percentage:.0f} %  {task.description}"), TimeRemainingColumn())
    losses: list[float] = []
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("begins", total=tokens)

        def report(step: Step) -> None:
            losses.append(step.loss)
            recent = losses[-_LOSS_OF_STEPS:]
            loss = sum(recent) / len(recent)
            text = f"step {step.step}  loss {loss:.3f}  {step.tokens_per_s:,.0f} tokens/s"
            bar.update(task, completed=step.tokens, description=text)
            if figures := step.figures:
                bar.console.print(
                    f"after {step.tokens:,} tokens, dev nDCG@10: BM25 {figures.first_stage:.4f}, alone "
                    f"{figures.alone:.4f}, fused {figures.fused:.4f} (weight {figures.fusion_weight:g}); loss {loss:.3f}"
                )

        yield report


def _layers(given: str) -> tuple[int, ...]:
    try:
        return tuple(int(layer) for layer in given.split(",") if layer.strip())
    except ValueError:
        raise InvalidInput(
            f"layers {given!r}: give numbers and commas, such as 0,2,4", field="layers"
        ) from None
