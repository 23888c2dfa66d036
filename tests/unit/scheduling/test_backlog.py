"""A caller's open work by when it is due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jrerank.scheduling.backlog import Backlog


def test_what_is_due_later_does_not_come_before() -> None:
    backlog = Backlog()
    for due, tokens in ((1.0, 10), (2.0, 20), (3.0, 40)):
        backlog.add(backlog.open(due), tokens)
    assert [backlog.due_by(due) for due in (0.5, 1.0, 2.5, 9.0)] == [0, 10, 30, 70]
    assert (backlog.tokens, backlog.requests) == (70, 3)


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1000), st.booleans()), max_size=100))
def test_it_counts_like_a_list(requests: list[tuple[float, int, bool]]) -> None:
    backlog, model = Backlog(), {}
    for due, tokens, closes in requests:
        slot = backlog.open(due)
        backlog.add(slot, tokens)
        model[slot] = (due, tokens)
        if closes:
            closed = min(model)
            backlog.close(closed)
            del model[closed]
        assert backlog.tokens == sum(tokens for _, tokens in model.values())
        assert backlog.requests == len(model)
        assert backlog.due_by(50.0) == sum(tokens for due, tokens in model.values() if due <= 50.0)


def test_it_knows_when_the_last_of_those_is_due_that_still_needs_something() -> None:
    backlog = Backlog()
    for due, tokens in ((1.0, 5), (2.0, 5), (3.0, 0), (4.0, 5)):
        backlog.add(backlog.open(due), tokens)
    backlog.add(backlog.open(2.5, fits=False), 5)
    assert [backlog.last_due(due) for due in (0.5, 1.0, 3.5, 9.0)] == [0.0, 1.0, 2.0, 4.0]


def test_it_knows_the_tokens_of_what_cannot_be_done_in_time() -> None:
    backlog = Backlog()
    backlog.add(backlog.open(1.0), 7)
    unfit = backlog.open(2.0, fits=False)
    backlog.add(unfit, 5)
    assert backlog.unfit_tokens == 5
    backlog.close(unfit)
    assert backlog.unfit_tokens == 0
