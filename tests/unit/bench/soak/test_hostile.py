"""An attacker at the PostgreSQL wire knows whether what it sends is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest

from bench.soak import hostile
from bench.soak.honest import Target
from bench.soak.hostile import Harmless
from unit.bench.fixed_door import fixed_door
from wire import packet

OK, KEPT = packet(b"R", b"\0\0\0\0"), packet(b"1")
WELCOME = OK + packet(b"K", b"\0" * 8) + packet(b"Z", b"I")


def said(sqlstate: str) -> bytes:
    return packet(b"E", f"C{sqlstate}\0Mno\0".encode() + b"\0")


@pytest.fixture(autouse=True)
def no_hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hostile, "HOLD_S", 0.0)
    yield


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        (WELCOME + KEPT, nullcontext()),
        (WELCOME + said("53000"), nullcontext()),
        (WELCOME + said("42601"), pytest.raises(Harmless, match="to be kept")),
        (said("28P01"), pytest.raises(Harmless, match="turned away with 28P01")),
        (said("53300"), pytest.raises(EOFError, match="53300")),
    ],
    ids=["kept", "no room", "not understood", "wrong key", "too many connections"],
)
async def test_what_became_of_a_hoard(replies: bytes, outcome: AbstractContextManager[object]) -> None:
    async with fixed_door(replies) as port:
        with outcome:
            await hostile.wire_hoard(Target("http://127.0.0.1:1", port, "", {}))
