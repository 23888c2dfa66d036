"""API keys, as bearer tokens, as `ApiKey` or password as engines' clients send them, or in a header of their own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from fastapi import Request

from jrerank.errors import NotAuthorized

# What clients of the APIs that we speak send a key in, beside a bearer token
KEY_HEADERS = ("api-key", "x-api-key")
_KEY_SCHEMES = ("bearer", "apikey")  # the latter is what engines' clients make of an API key


def authorize(request: Request, keys: Sequence[str]) -> None:
    """Let the request through if it brings one of `keys`, and note whose it is; without keys everybody may.

    Every key is compared, each in constant time, so that the time taken tells nothing.

    Raises:
        NotAuthorized: no key, or a wrong one.
    """
    request.scope["jrerank.authorized"] = not keys
    if not keys:
        return
    given = _given(request)
    matches = [hmac.compare_digest(given, key.encode()) for key in keys]
    if not any(matches):
        raise NotAuthorized
    request.scope["jrerank.authorized"] = True
    request.scope["jrerank.caller"] = "key-" + hashlib.sha256(given).hexdigest()[:8]


def _given(request: Request) -> bytes:
    """The key as it was sent: headers are read as Latin-1, which gives back the bytes."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() in _KEY_SCHEMES:
        return token.strip().encode("latin-1")
    sent = next((request.headers[name] for name in KEY_HEADERS if name in request.headers), "")
    if not sent and scheme.lower() == "basic":
        return _password(token)
    return sent.strip().encode("latin-1")


def _password(token: str) -> bytes:
    """Of basic authorization, whoever the user: what engines' clients know beside API keys."""
    try:
        return base64.b64decode(token.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
