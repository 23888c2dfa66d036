"""The score cache is bounded in bytes and forgets what was used longest ago."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from jrerank.cache import ENTRY_BYTES, ScoreCache
from jrerank.domain import Scored


def test_a_score_that_was_put_is_found() -> None:
    cache = ScoreCache(10 * ENTRY_BYTES)
    cache.put(b"a", Scored(1.0, 5))
    assert cache.get(b"a") == Scored(1.0, 5)
    assert cache.get(b"b") is None


def test_the_least_recently_used_goes_first() -> None:
    cache = ScoreCache(2 * ENTRY_BYTES)
    cache.put(b"a", Scored(1.0, 1))
    cache.put(b"b", Scored(2.0, 1))
    cache.get(b"a")
    cache.put(b"c", Scored(3.0, 1))
    assert cache.get(b"b") is None
    assert cache.get(b"a") is not None


def test_zero_bytes_switch_it_off() -> None:
    cache = ScoreCache(0)
    cache.put(b"a", Scored(1.0, 1))
    assert cache.get(b"a") is None


@given(st.lists(st.binary(min_size=1, max_size=2)), st.integers(0, 20))
def test_it_never_outgrows_its_bytes(keys: list[bytes], entries: int) -> None:
    cache = ScoreCache(entries * ENTRY_BYTES)
    for key in keys:
        cache.put(key, Scored(0.0, 1))
        assert cache.used_bytes <= entries * ENTRY_BYTES
    assert len(cache) == min(entries, len(set(keys)))


def test_other_threads_may_ask_what_is_known_while_it_changes() -> None:
    cache, is_over = ScoreCache(100 * ENTRY_BYTES), threading.Event()

    def ask() -> int:
        found = 0
        while not is_over.is_set():
            found += b"first" in cache
        return found

    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(ask) for _ in range(2)]
        for number in range(50_000):
            cache.put(b"first", Scored(0.0, 1))
            cache.put(b"%d" % number, Scored(0.0, 1))
        is_over.set()
        assert all(one.result() > 0 for one in asked)
