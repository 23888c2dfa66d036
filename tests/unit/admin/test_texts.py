"""Foreign text in a terminal."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.admin.texts import json_line, plain, replace_what_cannot_be_shown


@pytest.mark.parametrize("text", ["[bold]a[/bold]", "[/nothing]", "[link=x]", "富士山 🗻"])
def test_brackets_are_no_markup(text: str) -> None:
    assert (plain(text).plain, plain(text).spans) == (text, [])


@given(st.text())
def test_nothing_but_letters_and_spaces_reaches_the_terminal(text: str) -> None:
    shown = plain(text).plain
    assert len(shown) == len(text)
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "富士山🗻"), ("cp932", "富士山?"), ("ascii", "????")]
)
def test_what_a_terminal_lacks_is_no_traceback(encoding: str, shown: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    replace_what_cannot_be_shown(stream)
    print("富士山🗻", end="", file=stream, flush=True)
    assert raw.getvalue().decode(encoding) == shown


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
@given(text=st.text())
def test_json_stays_what_it_is_whatever_the_terminal(encoding: str, text: str) -> None:
    line = json_line({"text": text}, io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert json.loads(line.encode(encoding).decode(encoding)) == {"text": text}
