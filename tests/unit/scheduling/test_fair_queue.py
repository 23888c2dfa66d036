"""Callers share fairly, whatever each of them sends."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jrerank.scheduling.fair_queue import FairQueue


def served(queue: FairQueue[tuple[str, float]], count: int) -> list[tuple[str, float]]:
    """Items of (caller, cost), each charged as it is served."""
    items = []
    for _ in range(count):
        item = queue.pop()
        if item is None:
            break
        queue.charge(item[0], item[1])
        items.append(item)
    return items


def filled(**items: list[float]) -> FairQueue[tuple[str, float]]:
    queue: FairQueue[tuple[str, float]] = FairQueue()
    for caller, costs in items.items():
        for number, cost in enumerate(costs):
            queue.push(caller, 0.0, number, (caller, cost))
    return queue


def test_within_a_caller_what_is_due_first_comes_first() -> None:
    queue: FairQueue[str] = FairQueue()
    for number, (due, item) in enumerate([(3.0, "c"), (1.0, "a"), (1.0, "b")]):
        queue.push("me", due, number, item)
    order = []
    while next_item := queue.pop():
        queue.charge("me", 1.0)
        order.append(next_item)
    assert order == ["a", "b", "c"]


def test_one_item_beside_twenty_is_second_at_the_latest() -> None:
    queue = filled(many=[100.0] * 20, single=[100.0])
    assert ("single", 100.0) in served(queue, 2)


def test_cost_counts_not_items() -> None:
    queue = filled(big=[100.0] * 10, small=[10.0] * 100)
    spent: Counter[str] = Counter()
    for caller, cost in served(queue, 44):
        spent[caller] += int(cost)
    assert abs(spent["big"] - spent["small"]) <= 100


def test_who_comes_back_has_saved_nothing_up_and_is_not_punished() -> None:
    queue = filled(early=[10.0] * 50)
    served(queue, 40)
    for number in range(20):
        queue.push("late", 0.0, 100 + number, ("late", 10.0))
    callers = [caller for caller, _ in served(queue, 10)]
    assert Counter(callers) == {"early": 5, "late": 5}


def test_who_comes_while_the_only_waiting_item_is_served_is_before_the_next_of_its_caller() -> None:
    queue = filled(busy=[200.0])
    served(queue, 1)
    queue.push("busy", 0.0, 1, ("busy", 200.0))
    for number in range(5):
        queue.push("new", 0.0, 10 + number, ("new", 15.0))
    assert [caller for caller, _ in served(queue, 6)] == ["new"] * 5 + ["busy"]


def test_once_nothing_is_left_to_serve_nobody_pays_for_what_was_served_before() -> None:
    queue = filled(busy=[200.0])
    served(queue, 1)
    queue.end_busy_period()
    queue.push("busy", 0.0, 1, ("busy", 200.0))
    queue.push("new", 0.0, 2, ("new", 15.0))
    assert [caller for caller, _ in served(queue, 2)] == ["busy", "new"]


def test_a_caller_whose_first_item_is_not_eligible_keeps_its_turn() -> None:
    queue = filled(a=[1.0], b=[1.0])
    assert queue.pop_eligible(lambda item: item[0] == "b") == ("b", 1.0)
    queue.charge("b", 1.0)
    assert queue.pop_eligible(lambda item: item[0] == "b") is None
    assert queue.first_due("a") == 0.0
    assert queue.pop() == ("a", 1.0)


def test_who_is_passed_over_is_not_looked_at_again_until_something_has_changed() -> None:
    names = [f"caller {number}" for number in range(1_000)]
    queue = filled(**{name: [1.0] for name in names})
    eligible, looks = set[str](), 0

    def is_eligible(item: tuple[str, float]) -> bool:
        nonlocal looks
        looks += 1
        return item[0] in eligible

    assert [queue.pop_eligible(is_eligible) for _ in range(100)] == [None] * 100
    for name in names[500:600]:
        queue.look_again(name)
        assert queue.pop_eligible(is_eligible) is None
    eligible.update(names[:2])
    queue.look_again(names[1])
    assert queue.pop_eligible(is_eligible) == (names[1], 1.0)
    assert looks == 1_000 + 100 + 1
    queue.charge(names[1], 1.0)
    queue.push(names[0], -1.0, -1, (names[0], 1.0))
    assert queue.pop_eligible(is_eligible) == (names[0], 1.0)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["push", "toggle", "pop", "pop eligible"])))
)
def test_who_is_eligible_has_the_turn_that_looking_at_everybody_would_give(
    events: list[tuple[str, str]],
) -> None:
    queue, all_looked_at = filled(a=[1.0], b=[2.0]), filled(a=[1.0], b=[2.0])
    eligible = set("ab")

    def is_eligible(item: tuple[str, float]) -> bool:
        return item[0] in eligible

    for number, (caller, event) in enumerate(events, start=10):
        if event == "push":
            for each in (queue, all_looked_at):
                each.push(caller, 0.0, number, (caller, 1.0 + number % 3))
        elif event == "toggle":
            eligible.symmetric_difference_update({caller})
            queue.look_again(caller)
        else:
            for name in "abcd":
                all_looked_at.look_again(name)
            items = [
                each.pop() if event == "pop" else each.pop_eligible(is_eligible)
                for each in (queue, all_looked_at)
            ]
            assert items[0] == items[1]
            if items[0] is not None:
                queue.charge(*items[0])
                all_looked_at.charge(*items[0])


def test_callers_that_are_through_are_forgotten() -> None:
    queue: FairQueue[tuple[str, float]] = FairQueue()
    for number in range(1000):
        queue.push(f"caller {number}", 0.0, number, (f"caller {number}", 1.0))
        served(queue, 1)
        queue.end_busy_period()
    assert queue.callers < 10


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(1, 100), st.booleans()), min_size=1, max_size=200)
)
def test_nobody_who_waits_is_behind_by_more_than_an_item_of_each(
    events: list[tuple[str, float, bool]],
) -> None:
    """While two callers both wait, what they are charged differs by no more than their largest items together."""
    queue: FairQueue[tuple[str, float]] = FairQueue()
    waiting: Counter[str] = Counter()
    charged = dict.fromkeys("abc", 0.0)
    since: dict[frozenset[str], dict[str, float]] = {}
    for number, (caller, cost, serves) in enumerate(events):
        queue.push(caller, 0.0, number, (caller, cost))
        waiting[caller] += 1
        for item in served(queue, 1) if serves else []:
            charged[item[0]] += item[1]
            waiting[item[0]] -= 1
        for pair in map(frozenset, ("ab", "bc", "ac")):
            if all(waiting[name] for name in pair):
                start = since.setdefault(pair, dict(charged))
                gained = [charged[name] - start.get(name, 0.0) for name in sorted(pair)]
                assert abs(gained[0] - gained[1]) <= 2 * 100
            else:
                since.pop(pair, None)


def test_the_first_is_the_one_that_is_taken_next() -> None:
    queue = filled(a=[3.0, 1.0], b=[2.0])
    while (first := queue.first()) is not None:
        assert served(queue, 1) == [first]
    assert len(queue) == 0


def test_its_length_is_what_waits() -> None:
    queue = filled(a=[1.0] * 3, b=[1.0])
    assert len(queue) == 4
    served(queue, 2)
    assert len(queue) == 2
