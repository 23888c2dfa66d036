"""The score cache is bounded in bytes and forgets what was used longest ago."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
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
        assert all(found.result() > 0 for found in asked)


def objects(cache: ScoreCache) -> list[object]:
    entries = cache._entries.items()
    return [part for key, scored in entries for part in (key, scored, scored.logit, scored.tokens)]


def test_what_was_put_of_late_is_made_anew_and_stays_what_it_was() -> None:
    cache = ScoreCache(100 * ENTRY_BYTES)
    put = {bytes([number] * 16): Scored(-number / 3, 300 + number, number % 2 == 0) for number in range(9)}
    for key, scored in put.items():
        cache.put(key, scored)
    before = objects(cache)
    assert [cache.compact(4) for _ in range(4)] == [True, True, False, False]
    assert dict(cache._entries) == put
    assert not any(new is old for new, old in zip(objects(cache), before, strict=True))


def test_what_has_been_dropped_is_not_made_anew() -> None:
    cache = ScoreCache(2 * ENTRY_BYTES)
    for key in (b"a", b"b", b"c"):
        cache.put(key, Scored(1.0, 1))
    assert list(cache._young) == [b"b", b"c"]
    assert not cache.compact(10)
    assert list(cache._entries) == [b"b", b"c"]


# In a process of its own, whose memory nothing else has
_REMEMBERED_AMONG_VALUES = """
from jrerank.allocator import resident_bytes
from jrerank.cache import ScoreCache
from jrerank.domain import Scored
from jrerank.server import _WHOLE, _return_unused

cache, values, before = ScoreCache(10**6), [], resident_bytes()
for number in range(200):
    cache.put(number.to_bytes(16, "big"), Scored(number / 3, 1_000 + number))
    values.append([{} for _ in range(5_000)])
values.clear()
_return_unused(_WHOLE)
uncompacted = resident_bytes() - before
cache.compact(1_000)
_return_unused(_WHOLE)
print(uncompacted, resident_bytes() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell otherwise what is resident")
def test_what_is_remembered_keeps_little_memory_around_it() -> None:
    command = [sys.executable, "-c", _REMEMBERED_AMONG_VALUES]
    uncompacted, after = map(
        int, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    )
    assert uncompacted > 30_000_000
    assert after < 15_000_000
