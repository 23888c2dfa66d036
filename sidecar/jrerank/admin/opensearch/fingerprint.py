"""Whether a connector is as it should be, though a cluster never shows the key that it has been given."""

from __future__ import annotations

import hashlib
import json
import re
import secrets

from jrerank.admin.cluster.request import Json

_FORM = re.compile(r"\[([0-9a-f]{16})\.([0-9a-f]{32})\]$")
_SCRYPT_COST = 2**14


def fingerprint(body: Json, salt: str | None = None) -> str:
    """`[salt.digest]` of the body, key included. Slow on purpose: a weak key must not be guessed from it."""
    salt = salt or secrets.token_hex(8)
    text = json.dumps(body, sort_keys=True, ensure_ascii=False).encode()
    digest = hashlib.scrypt(text, salt=bytes.fromhex(salt), n=_SCRYPT_COST, r=8, p=1, dklen=16)
    return f"[{salt}.{digest.hex()}]"


def is_of(description: str, body: Json) -> bool:
    """Whether the description ends with the fingerprint of this body."""
    found = _FORM.search(description)
    return found is not None and fingerprint(body, found[1]) == found[0]
