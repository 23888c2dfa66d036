"""Every token once, every row covered, and nothing but the bucket's tail beyond."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import window
from jrerank.domain import Window
from jrerank.engines.torch_packed.packing import Bucket, Buckets, PackedBatch, inputs_size, pack

BUCKETS = Buckets(tokens=(64, 128, 256), longest=(32, 64))
RECTANGULAR = Buckets(tokens=(64, 128, 256), longest=(16, 32, 64), rectangular=True)
lengths_lists = st.lists(st.integers(1, 64), min_size=1, max_size=20)


def windows(lengths: list[int]) -> list[Window]:
    return [window(range(1, length + 1), passage_start=length // 2) for length in lengths]


def parts(batch: PackedBatch) -> tuple[np.ndarray, ...]:
    rows = batch.bucket.tokens
    starts = (0, rows, 2 * rows, 3 * rows)
    return tuple(batch.inputs[start : min(start + rows, len(batch.inputs))] for start in starts)


def test_windows_stand_behind_each_other_and_dummies_cover_the_rest() -> None:
    batch = pack(
        [window([7, 8, 9], 1), window([4, 5], 2)], Bucket(tokens=10, windows=5, longest=3), passage_type=1
    )
    ids, positions, types, offsets = parts(batch)
    assert ids.tolist() == [7, 8, 9, 4, 5, 0, 0, 0, 0, 0]
    assert positions.tolist() == [0, 1, 2, 0, 1, 0, 1, 2, 0, 1]
    assert types.tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert offsets.tolist() == [0, 3, 5, 8, 10, 10]
    assert (batch.windows, batch.tokens) == (2, 5)


@given(lengths=lengths_lists)
def test_runs_hold_every_window_once_and_no_more_tokens_than_they_may(lengths: list[int]) -> None:
    runs = BUCKETS.split(windows(lengths), 100)
    assert sorted(place for run in runs for place in run) == list(range(len(lengths)))
    assert all(sum(lengths[place] for place in run) <= 100 for run in runs)


@given(lengths=lengths_lists, buckets=st.sampled_from([BUCKETS, RECTANGULAR]))
def test_a_run_fits_its_bucket_whatever_its_lengths(lengths: list[int], buckets: Buckets) -> None:
    everything = windows(lengths)
    for run in buckets.split(everything, 256):
        chosen = [everything[place] for place in run]
        bucket = buckets.fitting(chosen)
        batch = pack(chosen, bucket, 0)
        _, positions, _, offsets = parts(batch)
        assert bucket in buckets.all
        assert len(batch.inputs) == inputs_size(bucket)
        assert offsets[0] == 0
        assert offsets[-1] == bucket.tokens
        assert np.diff(offsets).min() >= 0
        assert np.diff(offsets).max() <= bucket.longest
        assert np.count_nonzero(positions == 0) == np.count_nonzero(np.diff(offsets))


@pytest.mark.parametrize(
    ("lengths", "bucket"),
    [
        ([10], Bucket(64, 6, 32)),
        ([40], Bucket(64, 5, 64)),
        ([30, 30, 30], Bucket(128, 12, 32)),
        ([300], Bucket(300, 1, 300)),
    ],
)
def test_the_smallest_bucket_is_taken_and_an_exact_one_beyond_the_largest(
    lengths: list[int], bucket: Bucket
) -> None:
    assert BUCKETS.fitting(windows(lengths)) == bucket


def test_without_buckets_nothing_is_added() -> None:
    chosen = windows([3, 50, 7])
    assert Buckets().fitting(chosen) == Bucket(60, 3, 50)


def test_a_window_longer_than_a_run_may_be_runs_alone() -> None:
    assert Buckets().split(windows([500, 20, 700]), 100) == [[1], [0], [2]]


def test_a_rectangle_has_at_most_three_times_the_rows_that_it_spreads() -> None:
    assert all(bucket.windows * bucket.longest <= 3 * bucket.tokens for bucket in RECTANGULAR.all)
