"""The key of a pair's score: a digest of all that it depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jrerank.domain import PairResult
from jrerank.scheduling.texts import FIRST, PairText, QueryPassages, QueryText
from jrerank.tokenization.normalization import clean
from jrerank.tokenization.windows import Tokenization

_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class KeyedPairs:
    """The key of each query's each passage, and the texts by their keys, in first-stage order."""

    keys: Sequence[Sequence[bytes]]
    texts: Mapping[bytes, PairText]

    def results(self, of: Mapping[bytes, PairResult]) -> list[list[PairResult | None]]:
        """The results by keys as the queries have their passages; None where there is none."""
        return [[of.get(key) for key in keys] for keys in self.keys]


def keyed(tokenization: Tokenization, queries: Sequence[QueryPassages], model: int = FIRST) -> KeyedPairs:
    """All pairs, each once; several queries may have the same long passage, which is digested once.

    Args:
        tokenization: that of the `model` which reads them.
    """
    digests, keys = _Digests(), []
    texts: dict[bytes, PairText] = {}
    for query in queries:
        own = _keys(tokenization, query, digests)
        text = QueryText(query.query, query.reading, model)
        max_tokens = tokenization.most_tokens(query.reading, len(query.query))
        pairs = (PairText(text, passage, max_tokens) for passage in query.passages)
        texts.update(zip(own, pairs, strict=True))
        keys.append(own)
    return KeyedPairs(keys, texts)


class _Digests(dict[str, bytes]):
    """Of passages as they are read, each made once."""

    def __missing__(self, passage: str) -> bytes:
        self[passage] = digest = hashlib.blake2b(clean(passage).encode(), digest_size=_KEY_BYTES).digest()
        return digest


def _keys(tokenization: Tokenization, query: QueryPassages, digests: Mapping[str, bytes]) -> list[bytes]:
    prefix = hashlib.blake2b(digest_size=_KEY_BYTES)
    reading = f"{tokenization.window_tokens} {query.reading!r}"
    for part in (tokenization.fingerprint, reading, clean(query.query)):
        encoded = part.encode()
        prefix.update(len(encoded).to_bytes(8) + encoded)
    return [_key(prefix, digests[passage]) for passage in query.passages]


def _key(prefix: hashlib.blake2b, passage: bytes) -> bytes:
    digest = prefix.copy()
    digest.update(passage)
    return digest.digest()
