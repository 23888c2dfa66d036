"""API keys as bearer tokens."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from fastapi import Request

from jrerank.errors import NotAuthorized


def authorize(request: Request, keys: Sequence[str]) -> None:
    """Let the request through if it brings one of `keys`, and note whose it is; without keys everybody may.

    Every key is compared, each in constant time, so that the time taken tells nothing.

    Raises:
        NotAuthorized: no key, or a wrong one.
    """
    if not keys:
        return
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    # headers are read as Latin-1, which gives back the bytes that were sent
    given = sent.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
    matches = [hmac.compare_digest(given, key.encode()) for key in keys]
    if not any(matches):
        raise NotAuthorized
    request.scope["jrerank.caller"] = "key-" + hashlib.sha256(given).hexdigest()[:8]
