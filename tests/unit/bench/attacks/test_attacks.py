"""An attack that is turned away at the door is none."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from bench.attacks import attacks
from bench.attacks.attacks import check_hits
from bench.connection import HttpAnswer
from bench.soak import hostile
from bench.soak.honest import Target
from bench.soak.hostile import Attack, Harmless
from unit.bench.fixed_door import fixed_door

TARGET = Target("http://127.0.0.1:1", 1, "key", {"1": "富士山は日本一高い。"})


class Door:
    """A connection on which every request gets an answer of one status."""

    def __init__(self, status: int) -> None:
        self._answer = HttpAnswer(status, b"", b"no")

    async def get(self, _: str) -> HttpAnswer:
        return self._answer

    async def post(self, _: str, __: bytes) -> HttpAnswer:
        return self._answer

    def close(self) -> None:
        """Nothing is open."""


def answer_all(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    async def opened(_: Target) -> Door:
        return Door(status)

    monkeypatch.setattr(attacks, "_opened", opened)


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize(
    "attack",
    [
        attacks.readiness,
        attacks.deep_and_wide,
        attacks.huge_replies,
        attacks.search_options,
        attacks.many_callers,
        attacks.hanging_up,
    ],
)
async def test_who_is_turned_away_has_hit_nothing(
    monkeypatch: pytest.MonkeyPatch, attack: Attack, status: int
) -> None:
    answer_all(monkeypatch, status)
    with pytest.raises(Harmless, match=f"turned away with {status}: b'no'"):
        await attack(TARGET)


@pytest.mark.parametrize("status", [200, 400, 413, 429, 503])
async def test_any_other_answer_is_one_of_what_is_attacked(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    answer_all(monkeypatch, status)
    await attacks.readiness(TARGET)
    await attacks.search_options(TARGET)


def test_a_connection_that_is_closed_or_slow_is_a_defence() -> None:
    check_hits([None, ConnectionResetError(), TimeoutError(), EOFError(), HttpAnswer(200, b"", b"")])


async def test_a_mistake_in_an_attack_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def mistaken(_: Target) -> None:
        raise AttributeError("no such thing")

    monkeypatch.setattr(hostile, "pipelining", mistaken)
    with pytest.raises(AttributeError, match="no such thing"):
        await attacks.pipelining(TARGET)


@pytest.mark.parametrize("attack", [hostile.unread_answers, hostile.wrong_bodies, hostile.hanging_up])
@pytest.mark.parametrize(("status", "is_hit"), [(401, False), (404, False), (200, True), (413, True)])
async def test_who_never_reads_notices_all_the_same_that_it_was_turned_away(
    monkeypatch: pytest.MonkeyPatch, attack: Attack, status: int, is_hit: bool
) -> None:
    monkeypatch.setattr(hostile, "HOLD_S", 0.2)
    async with fixed_door(b"HTTP/1.1 %d Something\r\ncontent-length: 0\r\n\r\n" % status) as port:
        target = Target(f"http://127.0.0.1:{port}", 1, "key", TARGET.passages)
        outcome = nullcontext() if is_hit else pytest.raises(Harmless, match=f"turned away with {status}")
        with outcome:
            await attack(target)
