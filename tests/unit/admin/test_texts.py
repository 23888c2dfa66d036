"""Foreign text in a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.admin.texts import plain


@pytest.mark.parametrize("text", ["[bold]a[/bold]", "[/nothing]", "[link=x]", "富士山 🗻"])
def test_brackets_are_no_markup(text: str) -> None:
    assert (plain(text).plain, plain(text).spans) == (text, [])


@given(st.text())
def test_nothing_but_letters_and_spaces_reaches_the_terminal(text: str) -> None:
    shown = plain(text).plain
    assert len(shown) == len(text)
    assert shown.isprintable()
