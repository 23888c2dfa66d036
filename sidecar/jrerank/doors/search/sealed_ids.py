"""Sealed ids of scrolls and points in time: such an id names the indexes that it reads, so only ids that were opened here count."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from jrerank.errors import InvalidInput

Json = dict[str, Any]
# Keys of requests and answers under which such an id stands, or a list of them
_KEYS = ("scroll_id", "_scroll_id", "pit_id", "id")
_MAC_BYTES = 18


class IdSeal:
    """Of one store. Sidecars with the same API keys take each other's ids; without keys each takes its own."""

    def __init__(self, store: str, keys: Sequence[str]) -> None:
        secret = "\0".join(keys).encode() if keys else secrets.token_bytes(32)
        self._key = hashlib.sha256(b"jrerank sealed ids\0" + store.encode() + b"\0" + secret).digest()

    def sealed(self, identifier: str) -> str:
        """The id as it goes out."""
        return f"{self._mac(identifier)}{identifier}"

    def opened(self, sealed: str, field: str) -> str:
        """The engine's own id.

        Raises:
            InvalidInput: it was not opened here; it names `field`.
        """
        length = len(self._mac(""))
        identifier = sealed[length:]
        if not hmac.compare_digest(sealed[:length].encode(), self._mac(identifier).encode()):
            raise InvalidInput(f"{field}: was not opened at this door, or for another store", field=field)
        return identifier

    def seal_in(self, answer: Any) -> Any:
        """An answer with every id in it sealed, also those of `pits`."""
        if not isinstance(answer, dict):
            return answer
        answer = _replaced(answer, lambda value, _: self.sealed(value))
        pits = answer.get("pits")
        return {**answer, "pits": [self.seal_in(pit) for pit in pits]} if isinstance(pits, list) else answer

    def open_in(self, body: Json, place: str = "") -> Json:
        """A body with every id in it as the engine knows it.

        Raises:
            InvalidInput: one was not opened here; its name follows `place`.
        """
        return _replaced(body, self.opened, place)

    def _mac(self, identifier: str) -> str:
        digest = hmac.digest(self._key, identifier.encode("utf-8", "surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(digest[:_MAC_BYTES]).decode()


def _replaced(body: Json, replace: Callable[[str, str], str], place: str = "") -> Json:
    found = {name: body[name] for name in _KEYS if name in body}
    return {**body, **{name: _each(value, f"{place}{name}", replace) for name, value in found.items()}}


def _each(value: Any, field: str, replace: Callable[[str, str], str]) -> Any:
    if isinstance(value, str):
        return replace(value, field)
    if isinstance(value, list):
        return [_each(one, field, replace) for one in value]
    raise InvalidInput(f"{field}: must be a text", field=field)
