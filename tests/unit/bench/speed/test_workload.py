from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.bench.speed.workload import WorkloadMaker
from jrerank.models.source import open_checkpoint


@pytest.fixture(scope="module")
def maker() -> WorkloadMaker:
    return WorkloadMaker(open_checkpoint("bundled"), 512)


def test_lengths_are_as_real_passages_have_them(maker: WorkloadMaker) -> None:
    work = maker.mixed(200)
    lengths = sorted(map(len, work.windows))
    assert work.tokens / 200 == pytest.approx(186, rel=0.1)
    assert lengths[0] >= 20
    assert lengths[-1] <= 512
    assert lengths[100] < work.tokens / 200, "more short ones than long ones"


@pytest.mark.parametrize("tokens", [32, 128, 512])
def test_even_lengths_are_about_what_was_asked(maker: WorkloadMaker, tokens: int) -> None:
    work = maker.even(4, tokens)
    assert all(len(window) == pytest.approx(tokens, rel=0.15) for window in work.windows)


def test_texts_and_windows_are_the_same_pairs(maker: WorkloadMaker) -> None:
    work = maker.mixed(10).head(3)
    assert len(work.passages) == len(work.windows) == 3
    assert len(set(work.passages)) == 3


def test_it_is_the_same_work_each_time(maker: WorkloadMaker) -> None:
    assert maker.mixed(20) == maker.mixed(20)


def test_a_model_with_a_shorter_window_bounds_the_lengths(tmp_path: Path) -> None:
    short = WorkloadMaker(open_checkpoint("bundled"), 64)
    assert short.max_tokens == 64
    assert all(len(window) <= 64 for window in short.mixed(20).windows)
