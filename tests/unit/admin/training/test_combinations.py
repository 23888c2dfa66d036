"""Which options of `train` make sense together, as far as test_command.py doesn't show it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from jrerank.admin.training.combinations import check_not_ignored, check_plan, check_taught
from jrerank.errors import InvalidInput
from jrerank.training.plan import TrainingPlan

PLAN = TrainingPlan(tokens=1)


def test_what_has_its_default_or_says_nothing_is_not_refused() -> None:
    assert checked([]) == "nothing is ignored"
    assert checked(["--cloze", "0"]) == "nothing is ignored"
    assert checked(["--text", "a", "--cloze", "0.2"]) == "nothing is ignored"
    assert checked(["--distillation", "kl", "--teacher", "bundled"]) == "nothing is ignored"
    assert checked(["--distillation", "kl"], scores=[{}, {1: 0.5}]) == "nothing is ignored"


def test_the_field_of_what_is_refused_is_the_option() -> None:
    assert checked(["--cloze", "0.1"]) == "cloze"
    assert checked(["--scene-share", "0.2"]) == "scene-share"
    assert checked(["--patience", "2"]) == "patience"
    assert checked(["--distillation", "kl"], scores=[{}]) == "distillation"


def test_shares_leave_some_questions_to_the_pairs() -> None:
    check_plan(replace(PLAN, fact_share=0.9, cloze_share=0.05))
    with pytest.raises(InvalidInput, match=r"are 0\.97 of the questions together") as refused:
        check_plan(replace(PLAN, fact_share=0.5, cloze_share=0.25, scene_share=0.22))
    assert refused.value.field == "facts"


def test_who_never_mines_needs_no_candidates() -> None:
    check_plan(replace(PLAN, hard_negatives=20, mined_from=1.0))
    with pytest.raises(InvalidInput, match=r"--mined-candidates 10 are fewer"):
        check_plan(replace(PLAN, hard_negatives=20))


def checked(line: list[str], scores: list[dict[int, float]] | None = None) -> str:
    app = typer.Typer()

    @app.command()
    def command(
        context: typer.Context,
        patience: int | None = None,
        dev_pairs: str | None = None,
        cloze: float = 0.1,
        text: str | None = None,
        scene_share: float = 0.2,
        scenes: str | None = None,
        distillation: str = "kl",
        teacher: str | None = None,
    ) -> None:
        try:
            check_not_ignored(context)
            check_taught(context, scores or [])
        except InvalidInput as error:
            print(error.field)
        else:
            print("nothing is ignored")

    return CliRunner().invoke(app, line).output.strip()
