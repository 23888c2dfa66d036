"""A pair's key in the cache: a digest of all that its score depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from jrerank.tokenization.normalization import clean
from jrerank.tokenization.windows import Reading

_KEY_BYTES = 16


def pair_keys(fingerprint: str, query: str, passages: Sequence[str], reading: Reading) -> list[bytes]:
    """A key for each passage. `fingerprint` is the checkpoint's."""
    prefix = hashlib.blake2b(digest_size=_KEY_BYTES)
    for part in (fingerprint.encode(), repr(reading).encode(), clean(query).encode()):
        prefix.update(len(part).to_bytes(8) + part)
    return [_key(prefix, passage) for passage in passages]


def _key(prefix: hashlib.blake2b, passage: str) -> bytes:
    digest = prefix.copy()
    digest.update(clean(passage).encode())
    return digest.digest()
