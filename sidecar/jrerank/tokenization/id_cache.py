"""The cache of token ids: text -> ids, so that a passage that comes back is not tokenized again."""

from __future__ import annotations

import hashlib
import threading
from array import array
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

_KEY_BYTES = 16
# A 16-byte key, an array without its content, and a slot of the dictionary: measured with tracemalloc on CPython 3.11
ENTRY_BYTES = 304
_MOST_YOUNG = 20_000


class IdCache:
    """Holds `max_bytes` of ids and drops those that were asked for longest ago. 0 bytes: it holds nothing.

    Of one tokenizer: a text's key is a digest of the text alone. Its methods may be called from any thread.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._used_bytes = 0
        self._entries: OrderedDict[bytes, array[int]] = OrderedDict()
        self._young: deque[bytes] = deque(maxlen=_MOST_YOUNG)
        self._lock = threading.Lock()

    @property
    def is_off(self) -> bool:
        """Whether it holds nothing, ever."""
        return self._max_bytes <= 0

    @property
    def used_bytes(self) -> int:
        """Memory taken, about."""
        return self._used_bytes

    def make_room(self, max_bytes: int) -> None:
        """Hold at least so much from now on."""
        self._max_bytes = max(self._max_bytes, max_bytes)

    def get(self, texts: Sequence[str]) -> list[array[int] | None]:
        """The ids of each text, where they are known. They are shared: nobody may change them."""
        keys = list(map(_key, texts))
        with self._lock:
            found = [self._entries.get(key) for key in keys]
            for key, ids in zip(keys, found, strict=True):
                if ids is not None:
                    self._entries.move_to_end(key)
        return found

    def put(self, texts: Iterable[str], ids: Iterable[array[int]]) -> None:
        """Remember ids; the least recently used go when there is no room."""
        if self.is_off:
            return
        new = [(_key(text), some) for text, some in zip(texts, ids, strict=True)]
        with self._lock:
            for key, some in new:
                if key not in self._entries:
                    self._entries[key] = some
                    self._young.append(key)
                    self._used_bytes += _size(some)
            while self._used_bytes > self._max_bytes:
                key, dropped = self._entries.popitem(last=False)
                self._used_bytes -= _size(dropped)
                if self._young and self._young[0] is key:
                    self._young.popleft()

    def compact(self, most: int) -> bool:
        """Make up to so many entries anew of those that were put since the last time, and tell whether there are more.

        As in the cache of scores, so that what was put lies close together, and not among what was in memory then.
        """
        with self._lock:
            for _ in range(min(most, len(self._young))):
                key = self._young.popleft()
                ids = self._entries.pop(key, None)
                if ids is not None:
                    self._entries[bytes(memoryview(key))] = ids[:]
            return bool(self._young)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


def _size(ids: array[int]) -> int:
    return ENTRY_BYTES + len(ids) * ids.itemsize
