"""Ids of passages that come back: the same, and never more of them than there is room for."""

from __future__ import annotations

import threading
import tracemalloc
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import tiny_config, write_checkpoint
from jrerank.models.checkpoint import load_checkpoint
from jrerank.tokenization.id_cache import ENTRY_BYTES, IdCache
from jrerank.tokenization.windows import Reading, Tokenization, Windows


def ids(*numbers: int) -> array[int]:
    return array("i", numbers)


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    cache = IdCache(2 * (ENTRY_BYTES + 4))
    cache.put(["a", "b"], [ids(1), ids(2)])
    assert cache.get(["a"]) == [ids(1)]
    cache.put(["c"], [ids(3)])
    assert cache.get(["a", "b", "c"]) == [ids(1), None, ids(3)]


@given(
    st.lists(st.tuples(st.text(max_size=3), st.integers(0, 300)), max_size=50),
    st.integers(0, 20_000),
)
def test_it_never_holds_more_than_it_may_and_never_another_texts_ids(
    puts: list[tuple[str, int]], max_bytes: int
) -> None:
    cache = IdCache(max_bytes)
    for text, length in puts:
        cache.put([text], [array("i", [len(text)]) * length])
        assert cache.used_bytes <= max_bytes
        for known, found in zip((text, "absent text"), cache.get([text, "absent text"]), strict=True):
            assert found is None or set(found) <= {len(known)}


def test_a_text_that_is_there_twice_counts_once() -> None:
    cache = IdCache(10_000)
    cache.put(["a", "a"], [ids(1), ids(1)])
    cache.put(["a"], [ids(1)])
    assert cache.used_bytes == ENTRY_BYTES + 4


def test_memory_is_as_it_says() -> None:
    cache = IdCache(2_000_000)
    tracemalloc.start()
    for number in range(10_000):
        cache.put([f"text {number}"], [array("i", range(165))])
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.8 * cache.used_bytes < taken < 1.2 * cache.used_bytes


def test_threads_may_use_it_at_the_same_time() -> None:
    cache = IdCache(20_000)
    failures: list[object] = []

    def work(seed: int) -> None:
        for number in range(500):
            text = str((number * seed) % 97)
            cache.put([text], [array("i", [int(text)] * 10)])
            (found,) = cache.get([text])
            if found is not None and set(found) != {int(text)}:
                failures.append((text, found))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert 0 < cache.used_bytes <= 20_000


@pytest.mark.parametrize("reading", [Reading(), Reading(truncation="left"), Reading(5), Reading(60)])
def test_windows_are_the_same_with_and_without_it(reading: Reading, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_checkpoint(tmp_path, tiny_config()), "tiny")
    plain, caching = Tokenization(checkpoint, 32), Tokenization(checkpoint, 32, 100_000)
    texts = ["富士山は高い。" * 9, "今日は\ud83d晴れ", "", "空", "富士山は高い。" * 9]
    made = plain.passages(plain.query("空", reading), texts, reading)
    for _ in range(2):
        query = caching.query("空", reading)
        assert caching.passages(query, texts, reading) == made
    assert all(isinstance(windows, Windows) for windows in made)
    assert caching.id_cache.get(texts)[3] is not None


def test_a_passage_that_comes_back_is_not_tokenized_again(tmp_path: Path) -> None:
    tokenization = Tokenization(
        load_checkpoint(write_checkpoint(tmp_path, tiny_config()), "tiny"), 64, 10_000
    )
    query = tokenization.query("空", Reading())
    tokenization.id_cache.put(["晴れ"], [ids(7, 8, 9)])
    (windows,) = tokenization.passages(query, ["晴れ"], Reading())
    assert isinstance(windows, Windows)
    assert windows.windows[0].ids[len(query.ids) :][:3] == ids(7, 8, 9)


def test_room_can_be_made_but_not_taken_away() -> None:
    cache = IdCache(0)
    cache.make_room(ENTRY_BYTES + 4)
    cache.make_room(0)
    cache.put(["a"], [ids(1)])
    assert cache.get(["a"]) == [ids(1)]


def test_what_was_put_of_late_is_made_anew_and_stays_what_it_was() -> None:
    cache = IdCache(100_000)
    cache.put(["a", "b", "c"], [ids(1), ids(2), ids(3)])
    used, before = cache.used_bytes, list(cache._entries.items())
    assert [cache.compact(2) for _ in range(3)] == [True, False, False]
    after = list(cache._entries.items())
    assert (after, cache.used_bytes) == (before, used)
    assert not any(
        new is old for pairs in zip(after, before, strict=True) for new, old in zip(*pairs, strict=True)
    )
