"""`train`: fine-tune a reranker, or distil one into a smaller one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.admin.training.combinations import check_not_ignored, check_plan, check_sources, check_taught
from jrerank.admin.training.command_line import command_line, published_name
from jrerank.errors import ConfigurationError
from jrerank.training.plan import Distillation, TrainingPlan, token_limits

_DEFAULTS = TrainingPlan(tokens=1)


def train(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="where the model goes; a run that was stopped there goes on")],
    passages: Annotated[Path, typer.Option(exists=True, help="JSONL: id, text, perhaps title")],
    pairs: Annotated[Path | None, typer.Option(exists=True, help="JSONL: question, passage_id")] = None,
    clicks: Annotated[Path | None, typer.Option(exists=True, help="JSONL: query, hits (id, clicked)")] = None,
    start: Annotated[str, typer.Option("--from", help="bundled, a folder or a hub id: where training begins")] = "bundled",
    layers: Annotated[str, typer.Option(help="keep these of its layers, such as 0,2,4,6,8,10")] = "",
    teacher: Annotated[str | None, typer.Option(help="a model whose scores are learned in place of the labels")] = None,
    distillation: Annotated[Distillation, typer.Option(help="how they are learned")] = "kl",
    dev_passages: Annotated[Path | None, typer.Option(exists=True, help="of the dev set; as --passages")] = None,
    dev_pairs: Annotated[Path | None, typer.Option(exists=True, help="of the dev set; as --pairs")] = None,
    text: Annotated[list[Path] | None, typer.Option(exists=True, help="paragraphs, one a line, for --cloze")] = None,
    scenes: Annotated[list[Path] | None, typer.Option(exists=True, help="JSONL: items (questions, answers, decoys)")] = None,
    epochs: Annotated[float, typer.Option(min=0.01, help="passes over the pairs, about; made-up questions take a share")] = 2.0,
    tokens: Annotated[int | None, typer.Option(min=1, help="the budget in tokens, in place of --epochs")] = None,
    learning_rate: Annotated[float, typer.Option(min=0)] = _DEFAULTS.learning_rate,
    questions_per_step: Annotated[int, typer.Option(min=1)] = _DEFAULTS.questions_per_step,
    hard_negatives: Annotated[int, typer.Option(min=1, help="a question, of BM25's list")] = _DEFAULTS.hard_negatives,
    mined_candidates: Annotated[int, typer.Option(min=1, help="later: scored, the hardest kept")] = _DEFAULTS.mined_candidates,
    mined_from: Annotated[float, typer.Option(min=0, max=1, help="from this share of the budget on")] = _DEFAULTS.mined_from,
    skip_loss: Annotated[float, typer.Option(min=0, help="later: of a question that is left out as learned")] = _DEFAULTS.skip_loss,
    max_chars: Annotated[int, typer.Option(min=20, help="about, of an excerpt of a passage")] = _DEFAULTS.max_chars,
    long_max_chars: Annotated[int, typer.Option(min=20, help="in the last two fifths of the budget")] = _DEFAULTS.long_max_chars,
    facts: Annotated[float, typer.Option(min=0, max=0.9, help="share of one-sentence facts with distractors")] = 0.0,
    cloze: Annotated[float, typer.Option(min=0, max=0.9, help="share of questions made of --text")] = _DEFAULTS.cloze_share,
    scene_share: Annotated[float, typer.Option(min=0, max=0.9, help="share of questions of --scenes")] = 0.2,
    freeze_embeddings: Annotated[bool, typer.Option(help="leave the vocabulary as it is")] = True,
    seed: Annotated[int, typer.Option()] = _DEFAULTS.seed,
    patience: Annotated[int | None, typer.Option(min=1, help="stop after so many looks without gain")] = None,
    evaluate_every_tokens: Annotated[int, typer.Option(min=1)] = 500_000,
    dev_questions: Annotated[int, typer.Option(min=1, help="of the dev set that are looked at")] = 200,
    save_every_s: Annotated[float, typer.Option(min=0, help="how much a kill may cost")] = 120.0,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto")] = "auto",
    precision: Annotated[str, typer.Option(help="bf16, fp32 or auto: what is faster here")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="of torch [default: one a core]")] = None,
    licence: Annotated[str, typer.Option(help="of the model, for its card")] = "not stated",
    data: Annotated[str, typer.Option(help="what it is trained on, for its card [default: names of the files]")] = "",
) -> None:  # fmt: skip
    """Fine-tune a reranker on question-passage pairs; negatives come from BM25, later from the model itself.

    Every two minutes the whole state is saved: the same command goes on after a kill, to the same losses. The folder has a model
    card, and is opened by --model, by transformers and by sentence-transformers' CrossEncoder.

    Example: jrerank-admin train my-reranker --passages passages.jsonl --pairs pairs.jsonl
    """
    with plain_errors():
        check_sources(pairs, clicks, dev_passages, dev_pairs)
        check_not_ignored(context)
        try:
            from jrerank.admin.training import running
            from jrerank.training.card import CardFacts
        except ImportError as error:
            raise ConfigurationError(f"{error.name} is needed: pip install 'jrerank[train]'") from None
        max_tokens, long_max_tokens = token_limits(max_chars, long_max_chars)
        plan = TrainingPlan(
            tokens=tokens or 1, seed=seed, questions_per_step=questions_per_step, hard_negatives=hard_negatives,
            mined_candidates=mined_candidates, mined_from=mined_from, skip_loss=skip_loss, max_chars=max_chars,
            long_max_chars=long_max_chars, max_tokens=max_tokens, long_max_tokens=long_max_tokens, learning_rate=learning_rate,
            fact_share=facts, cloze_share=cloze, freeze_embeddings=freeze_embeddings, distillation=distillation,
            scene_share=scene_share if scenes else 0.0,
        )  # fmt: skip
        check_plan(plan if text else replace(plan, cloze_share=0.0))
        inputs = running.inputs(
            passages, pairs, clicks, start, layers, teacher, dev_passages, dev_pairs, text or [], scenes or []
        )
        check_taught(context, [pair.scores for pair in inputs.train.pairs])
        running.train(
            folder,
            inputs=inputs,
            plan=plan,
            epochs=None if tokens else epochs,
            compute=running.compute(device, precision, threads),
            looks=running.Looks(patience, evaluate_every_tokens, dev_questions, save_every_s),
            card=CardFacts(
                folder.name,
                published_name(start),
                data or _file_names(passages, pairs, clicks, *(text or []), *(scenes or [])),
                licence,
                command_line(context),
            ),
        )


def _file_names(*files: Path | None) -> str:
    return ", ".join(file.name for file in files if file)
