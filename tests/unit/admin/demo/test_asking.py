"""A demo asks as many questions as it has time for."""

from __future__ import annotations

from itertools import count

import pytest

from jrerank.admin.demo.asking import LEAST, Asking
from jrerank.evaluation.dataset import Dataset, Question, load_dataset


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset()


def asked(dataset: Dataset, questions: int, seconds: float) -> list[Question]:
    """On a machine that answers one question a second."""
    ticks = count()
    return list(Asking(questions, seconds).of(dataset, clock=lambda: float(next(ticks))))


def test_who_has_time_asks_all_of_the_sample(dataset: Dataset) -> None:
    assert sorted(one.text for one in asked(dataset, 250, 1e9)) == sorted(
        one.text for one in dataset.sample(250)
    )


def test_who_has_not_asks_the_first_of_the_same_order(dataset: Dataset) -> None:
    few, more = asked(dataset, 250, 40), asked(dataset, 250, 90)
    assert LEAST < len(few) < len(more) < 250
    assert more[: len(few)] == few


def test_some_are_asked_whatever_the_time(dataset: Dataset) -> None:
    assert len(asked(dataset, 250, 0)) == LEAST
    assert len(asked(dataset, 5, 0)) == 5


def test_what_has_been_asked_is_spread_over_the_set(dataset: Dataset) -> None:
    place = {one: i for i, one in enumerate(dataset.questions)}
    places = sorted(place[one] for one in asked(dataset, 250, 60))
    quarters = [
        sum(low <= p < low + len(place) / 4 for p in places) for low in (len(place) * i / 4 for i in range(4))
    ]
    assert min(quarters) > len(places) / 8
