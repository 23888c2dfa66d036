"""Processes that tokenize passages ahead of the scheduler, whose own process has enough to do where a GPU scores."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from tokenizers import Tokenizer

from jrerank.cpu import usable_cores
from jrerank.domain import ServiceInfo
from jrerank.telemetry import logger
from jrerank.tokenization.text_tokenizer import TextTokenizer
from jrerank.tokenization.windows import Tokenization

_LOG = logger(__name__)
# Some milliseconds of work, beside which sending texts there and ids back costs little
_CHARS_AT_ONCE = 65_536
# Room for the ids of all passages that are tokenized ahead
IDS_AHEAD_BYTES = 64 * 1024 * 1024
# More would only wait for one device
_MOST_PROCESSES = 8


def default_processes(info: ServiceInfo) -> int:
    """None beside workers that need every core; on a GPU, whose precisions are half ones, as many as there are cores to spare."""
    is_on_gpu = info.engine == "torch_packed" and info.precision in {"fp16", "bf16"}
    return min(_MOST_PROCESSES, max(1, usable_cores() - 1)) if is_on_gpu else 0


class Tokenizers:
    """A pool whose ids go into the cache that tokenization reads: what is not there is tokenized as ever.

    So scores are the same with any number of processes, also with none, and when one is killed.
    """

    def __init__(self, tokenization: Tokenization, processes: int) -> None:
        """Start `processes` when they are first needed."""
        self._tokenization = tokenization
        tokenization.id_cache.make_room(IDS_AHEAD_BYTES)
        self._pool = ProcessPoolExecutor(
            processes,
            multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(tokenization.tokenizer_json(),),
        )
        self._is_broken = False

    async def prepare(self, texts: Sequence[str]) -> None:
        """Have the ids of these texts in the cache, the long ones apart, which are read in slices."""
        cache = self._tokenization.id_cache
        short = list(dict.fromkeys(text for text in texts if not self._tokenization.is_long(text)))
        unknown = [text for text, ids in zip(short, cache.get(short), strict=True) if ids is None]
        await asyncio.gather(*map(self._prepare, _slices(unknown)))

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _prepare(self, texts: list[str]) -> None:
        if self._is_broken:
            return
        try:
            made = await asyncio.get_running_loop().run_in_executor(self._pool, _ids, texts)
        except BrokenProcessPool:
            self._is_broken = True
            _LOG.warning("tokenizers_lost", action="tokenizing in this process")
        else:
            self._tokenization.id_cache.put(texts, unpacked(*made))


def unpacked(lengths: bytes, ids: bytes) -> Iterator[array[int]]:
    """The ids of each text, out of those of all."""
    all_ids = array("i", ids)
    begin = 0
    for length in array("i", lengths):
        yield all_ids[begin : begin + length]
        begin += length


def packed(ids: Sequence[array[int]]) -> tuple[bytes, bytes]:
    """The lengths, and all ids, as 32-bit integers: a list of numbers would take ten times as long to send."""
    together = array("i")
    for some in ids:
        together.extend(some)
    return array("i", map(len, ids)).tobytes(), together.tobytes()


def _slices(texts: Sequence[str]) -> Iterator[list[str]]:
    some: list[str] = []
    chars = 0
    for text in texts:
        some.append(text)
        chars += len(text)
        if chars >= _CHARS_AT_ONCE:
            yield some
            some, chars = [], 0
    if some:
        yield some


# In a process of the pool

_tokenizer: TextTokenizer


def _start(tokenizer_json: str) -> None:
    global _tokenizer  # noqa: PLW0603  of this process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _tokenizer = TextTokenizer(Tokenizer.from_str(tokenizer_json))


def _end_with_parent() -> None:
    """A parent that is killed closes nothing: without this its processes would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ids(texts: list[str]) -> tuple[bytes, bytes]:
    return packed(_tokenizer.ids(texts))
