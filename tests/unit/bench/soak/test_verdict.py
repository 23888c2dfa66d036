"""What the soak holds against a sidecar."""

from __future__ import annotations

import asyncio
import os

import pytest

from bench.soak.__main__ import mistakes
from bench.soak.hostile import Harmless
from bench.soak.samples import MORE_FILES, MORE_THREADS, Sample, growth
from bench.soak.tally import MOST_EXAMPLES, Tally

FLAT = [Sample(float(second), 300_000_000, 120, 9) for second in range(40)]


def test_what_stays_as_it_is_is_flat_whatever_the_warm_up_took() -> None:
    warming = [Sample(0.0, 100_000_000, 10, 2)] * 10
    assert growth(FLAT) == growth([*warming, *FLAT[10:]]) == growth(FLAT[:3]) == []


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (Sample(40.0, 331_000_000, 120, 9), "resident_bytes grew from 300000000 to 331000000"),
        (Sample(40.0, 300_000_000, 121 + MORE_FILES, 9), "files grew from 120 to 141"),
        (Sample(40.0, 300_000_000, 120, 10 + MORE_THREADS), "threads grew from 9 to 12"),
    ],
)
def test_what_grows_is_named(late: Sample, said: str) -> None:
    assert growth([*FLAT, *[late] * 14]) == [said]
    assert growth([*FLAT, late]) == [], "an attack comes and goes"


def test_a_little_more_is_no_growth() -> None:
    late = Sample(40.0, 329_000_000, 120 + MORE_FILES, 9 + MORE_THREADS)
    assert growth([*FLAT, *[late] * 14]) == []


def test_a_sample_is_of_a_process() -> None:
    sample = Sample.of(os.getpid(), 1.5)
    assert sample.second == 1.5
    assert sample.resident_bytes > 10_000_000
    assert sample.files >= 3
    assert sample.threads >= 1


def test_refusals_are_no_failures_and_percentiles_are_of_the_last_while() -> None:
    tally = Tally()
    tally.refuse("texts", "429")
    for took_s in (0.1, 0.2, 0.3):
        tally.answer("texts", "complete", took_s)
    p50, p99 = tally.percentiles_ms()
    assert p50 == pytest.approx(200)
    assert p99 > 290
    assert tally.percentiles_ms() == (0.0, 0.0)
    for number in range(2 * MOST_EXAMPLES):
        tally.fail("wire", str(number))
    assert (tally.failures, len(tally.examples)) == (2 * MOST_EXAMPLES, MOST_EXAMPLES)
    assert (tally.answered.total(), tally.refused.total()) == (3, 1)


def test_an_attacker_who_ended_before_it_was_stopped_is_a_fault() -> None:
    ended = [None, asyncio.CancelledError(), Harmless("turned away with 401")]
    assert mistakes(ended) == ["an attacker ended: Harmless('turned away with 401')"]
