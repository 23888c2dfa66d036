"""What is written on a card is read from it again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jrerank.training.card_text import card_text, commands, front, made_by, table, table_row

LINES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20)


@given(data=LINES, licence=LINES, first=LINES, second=LINES)
def test_rows_and_commands_are_read_back(data: str, licence: str, first: str, second: str) -> None:
    card = card_text(
        front("mean", "A model."),
        table({"trained on": data, "licence": licence}),
        made_by(first),
        made_by(second, "Made by (second)"),
    )
    assert (table_row(card, "trained on"), table_row(card, "licence")) == (data, licence)
    assert commands(card) == [("Made by", first), ("Made by (second)", second)]


def test_a_command_of_many_lines_is_read_whole() -> None:
    assert commands(made_by("train \\\n  run")) == [("Made by", "train \\\n  run")]


def test_a_card_without_a_table_says_nothing() -> None:
    assert table_row("# mean\n", "licence") is None
    assert commands("# mean\n") == []
