"""SCRAM-SHA-256 with API keys, against a client written from the RFC."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.pgwire.auth import Exchange, Verifiers, proof, secret_of
from jrerank.doors.pgwire.messages import ProtocolViolation
from jrerank.errors import NotAuthorized
from wire import ScramClient

KEYS = Verifiers(["first key", "二つ目", "=,="])


def log_in(password: str, verifiers: Verifiers = KEYS, flag: bytes = b"n") -> tuple[ScramClient, bytes, str]:
    client, exchange = ScramClient(password, flag), Exchange(verifiers)
    final, verifier = exchange.conclude(client.final(exchange.challenge(client.first())))
    return client, final, verifier.caller


@pytest.mark.parametrize("key", ["first key", "二つ目", "=,="])
@pytest.mark.parametrize("flag", [b"n", b"y"])
def test_whoever_knows_a_key_comes_in_and_the_server_proves_that_it_knows_it_too(
    key: str, flag: bytes
) -> None:
    client, final, _ = log_in(key, flag=flag)
    assert final == client.expected


def test_callers_are_told_apart_by_their_key_and_not_by_their_login() -> None:
    assert log_in("first key")[2] == log_in("first key")[2]
    assert log_in("first key")[2] != log_in("二つ目")[2]
    assert "first" not in log_in("first key")[2]


def test_a_proof_is_of_this_key_and_of_this_nonce() -> None:
    proofs = {proof(secret_of(key), nonce) for key in ("first key", "二つ目") for nonce in ("a", "b")}
    assert len(proofs) == 4
    assert proof(secret_of("first key"), "a") in proofs
    assert "first key" not in repr(KEYS.all)


@pytest.mark.parametrize("key", ["", "first", "first key ", "FIRST KEY", "second"])
def test_whoever_knows_none_does_not(key: str) -> None:
    with pytest.raises(NotAuthorized):
        log_in(key)


def test_a_key_is_normalized_as_a_client_does_it() -> None:
    assert log_in("ｋｅｙ".replace("ｋｅｙ", "key"), Verifiers(["ｋｅｙ"]))[2]


def test_every_server_salts_anew_and_every_login_has_its_own_nonce() -> None:
    assert Verifiers(["a"]).salt != Verifiers(["a"]).salt
    first = ScramClient("a").first()
    assert Exchange(KEYS).challenge(first) != Exchange(KEYS).challenge(first)


def test_an_old_answer_proves_nothing_in_a_new_exchange() -> None:
    client, exchange = ScramClient("first key"), Exchange(KEYS)
    final = client.final(exchange.challenge(client.first()))
    exchange.conclude(final)
    later = Exchange(KEYS)
    later.challenge(client.first())
    with pytest.raises(ProtocolViolation, match="belong together"):
        later.conclude(final)


@pytest.mark.parametrize(
    "first",
    [b"", b"n", b"n,,", b"n,,n=,r=", b"p=tls-server-end-point,,n=,r=abc", b"n,,m=1,n=,r=abc", b"x,,n=,r=abc"],
)
def test_a_broken_first_message_breaks_the_protocol(first: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        Exchange(KEYS).challenge(first)


@pytest.mark.parametrize("change", ["c=biws", "r=", ",p="])
def test_a_changed_last_message_breaks_the_protocol(change: str) -> None:
    client, exchange = ScramClient("first key"), Exchange(KEYS)
    final = client.final(exchange.challenge(client.first()))
    with pytest.raises(ProtocolViolation):
        exchange.conclude(final.replace(change.encode(), b"x" + change.encode()[1:]))


@pytest.mark.parametrize("proof", [b"", bytes(31), bytes(32), bytes(33)])
def test_a_proof_of_any_length_is_only_wrong(proof: bytes) -> None:
    client, exchange = ScramClient("first key"), Exchange(KEYS)
    without, _, _ = client.final(exchange.challenge(client.first())).rpartition(b",p=")
    with pytest.raises(NotAuthorized):
        exchange.conclude(without + b",p=" + base64.b64encode(proof))


def test_a_right_proof_with_more_behind_it_is_wrong() -> None:
    client, exchange = ScramClient("first key"), Exchange(KEYS)
    without, _, proof = client.final(exchange.challenge(client.first())).rpartition(b",p=")
    longer = base64.b64encode(base64.b64decode(proof) + b"!")
    with pytest.raises(NotAuthorized):
        exchange.conclude(without + b",p=" + longer)


@given(st.binary(), st.binary())
def test_any_bytes_are_refused(first: bytes, final: bytes) -> None:
    exchange = Exchange(KEYS)
    try:
        exchange.challenge(first)
    except ProtocolViolation:
        exchange.challenge(ScramClient("first key").first())
    with pytest.raises((ProtocolViolation, NotAuthorized)):
        exchange.conclude(final)
