"""SCRAM-SHA-256 as PostgreSQL speaks it: the password is an API key, the user name does not matter.

Source: RFC 5802 and RFC 7677; libpq sends an empty user name in the exchange (`n=`), as its own server does not read it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from jrerank.doors.pgwire.messages import ProtocolViolation
from jrerank.errors import NotAuthorized

MECHANISM = "SCRAM-SHA-256"
# What RFC 7677 asks for at least, and what PostgreSQL uses
_ITERATIONS = 4096


@dataclass(frozen=True, slots=True)
class Verifier:
    """What proves that somebody knows a key. `caller` is whom the scheduler is fair to; `secret` is what `proof` is made of."""

    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)
    caller: str
    secret: bytes = field(repr=False)


class Verifiers:
    """Of all keys, made once: each takes milliseconds. They share a salt, so that one exchange fits every key."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.salt = os.urandom(16)
        self.all = tuple(self._verifier(key) for key in keys)

    def _verifier(self, key: str) -> Verifier:
        password = unicodedata.normalize("NFKC", key).encode()
        salted = hashlib.pbkdf2_hmac("sha256", password, self.salt, _ITERATIONS)
        client_key = _hmac(salted, b"Client Key")
        caller = "key-" + hashlib.sha256(key.encode()).hexdigest()[:8]
        stored_key = hashlib.sha256(client_key).digest()
        return Verifier(stored_key, _hmac(salted, b"Server Key"), caller, secret_of(key))


def secret_of(key: str) -> bytes:
    """What both sides know of a key when they prove later on that they do."""
    return hashlib.sha256(key.encode()).digest()


def proof(secret: bytes, nonce: str) -> str:
    """What only somebody who knows the key can answer to a nonce. PostgreSQL has no HMAC without an extension."""
    return hashlib.sha256(secret + hashlib.sha256(secret + nonce.encode()).digest()).hexdigest()


class Exchange:
    """One client's login: `challenge`, then `conclude`."""

    def __init__(self, verifiers: Verifiers) -> None:
        self._verifiers = verifiers
        self._gs2_header = b""
        self._so_far = b""
        self._nonce = b""

    def challenge(self, client_first: bytes) -> bytes:
        """The server's first message.

        Raises:
            ProtocolViolation: the client's is broken, or asks for channel binding.
        """
        flag, found, rest = client_first.partition(b",")
        identity, found_too, bare = rest.partition(b",")
        if not found or not found_too or flag not in {b"n", b"y"}:
            raise ProtocolViolation("SCRAM without channel binding is spoken here")
        self._gs2_header = flag + b"," + identity + b","
        attributes = _attributes(bare)
        client_nonce = attributes.get(b"r", b"")
        if not client_nonce or b"m" in attributes:
            raise ProtocolViolation("the SCRAM message has no nonce, or an extension that is not spoken")
        self._nonce = client_nonce + base64.b64encode(os.urandom(18))
        salt = base64.b64encode(self._verifiers.salt)
        server_first = b"r=%s,s=%s,i=%d" % (self._nonce, salt, _ITERATIONS)
        self._so_far = bare + b"," + server_first
        return server_first

    def conclude(self, client_final: bytes) -> tuple[bytes, Verifier]:
        """The server's last message, and whose key it was.

        Every key is tried, each in constant time, so that the time taken tells nothing.

        Raises:
            ProtocolViolation: the client's message is broken.
            NotAuthorized: it proves no key.
        """
        without_proof, _, _ = client_final.rpartition(b",p=")
        sent = _attributes(client_final)
        expected = base64.b64encode(self._gs2_header)
        if sent.get(b"c") != expected or sent.get(b"r") != self._nonce or not without_proof:
            raise ProtocolViolation("the SCRAM messages do not belong together")
        proof = _decoded(sent.get(b"p", b""))
        if len(proof) != hashlib.sha256().digest_size:
            raise NotAuthorized
        message = self._so_far + b"," + without_proof
        proven = [one for one in self._verifiers.all if _proves(proof, one, message)]
        if not proven:
            raise NotAuthorized
        return b"v=" + base64.b64encode(_hmac(proven[0].server_key, message)), proven[0]


def _proves(proof: bytes, verifier: Verifier, message: bytes) -> bool:
    signature = _hmac(verifier.stored_key, message)
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), verifier.stored_key)


def _attributes(message: bytes) -> dict[bytes, bytes]:
    return {part[:1]: part[2:] for part in message.split(b",") if part[1:2] == b"="}


def _decoded(proof: bytes) -> bytes:
    try:
        return base64.b64decode(proof, validate=True)
    except binascii.Error:
        raise ProtocolViolation("the SCRAM proof is not base64") from None


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
