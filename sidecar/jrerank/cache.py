"""The score cache: key of a pair -> what the model said of it."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable

from jrerank.domain import Scored

# A 16-byte key, a Scored with its float and int, and a slot of the dictionary: measured with tracemalloc on CPython 3.11
ENTRY_BYTES = 320
# To make them anew takes some 30 ms in all
_MOST_YOUNG = 20_000


class ScoreCache:
    """Holds `max_bytes` of scores and drops those that were asked for longest ago. 0 bytes: it holds nothing.

    The keys stand for model, query and passage, so an entry is never stale. It lives on the event loop, without a lock; only
    `in` may be asked from other threads.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_entries = max_bytes // ENTRY_BYTES
        self._entries: OrderedDict[bytes, Scored] = OrderedDict()
        self._young: deque[bytes] = deque(maxlen=_MOST_YOUNG)

    def __contains__(self, key: bytes) -> bool:
        """Whether a pair's score is known; asking is no use of it.

        It may be called from any thread: it is one look-up by `bytes` in a dictionary, which runs no Python code within
        which the event loop could change the entries. What it says may be out of date at once.
        """
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def used_bytes(self) -> int:
        """Memory taken, about."""
        return len(self._entries) * ENTRY_BYTES

    def get(self, key: bytes) -> Scored | None:
        """What is known of a pair."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def known(self, keys: Iterable[bytes]) -> dict[bytes, Scored]:
        """What is known of each of several pairs; a pair of which nothing is known is left out."""
        return {key: scored for key in keys if (scored := self.get(key))}

    def put(self, key: bytes, scored: Scored) -> None:
        """Remember a score; the least recently used goes when there is no room."""
        if key not in self._entries:
            self._young.append(key)
        self._entries[key] = scored
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            dropped, _ = self._entries.popitem(last=False)
            if self._young and self._young[0] is dropped:
                self._young.popleft()

    def compact(self, most: int) -> bool:
        """Make up to so many entries anew of those that were put since the last time, and tell whether there are more.

        CPython gives memory back by the megabyte, once nothing in it is in use. What was put while large requests were in memory
        lies among their values, and would keep most of what they took; anew, it lies close together.
        """
        for _ in range(min(most, len(self._young))):
            key = self._young.popleft()
            scored = self._entries.pop(key, None)
            if scored is not None:
                self._entries[bytes(memoryview(key))] = Scored(
                    scored.logit * 1.0, scored.tokens + 0, scored.truncated
                )
        return bool(self._young)
