"""An answer in as few writes as it takes."""

from __future__ import annotations

import asyncio
from typing import Any

from jrerank.doors.http.whole_answers import WholeAnswers


class Writes(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.all: list[bytes] = []
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.all.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


async def test_a_head_and_a_body_are_one_write_and_what_follows_is_not_kept() -> None:
    transport = Writes()
    answers = WholeAnswers(transport)
    for part in (b"head", b"body", b"more"):
        answers.write(part)
    assert transport.all == [b"headbody", b"more"]
    await asyncio.sleep(0)
    assert len(transport.all) == 2


async def test_a_head_whose_body_takes_time_goes_before_it() -> None:
    transport = Writes()
    answers = WholeAnswers(transport)
    answers.write(b"head")
    await asyncio.sleep(0)
    answers.write(b"body")
    assert transport.all == [b"head", b"body"]


async def test_nothing_is_lost_where_the_connection_is_closed_behind_it() -> None:
    transport = Writes()
    answers = WholeAnswers(transport)
    answers.write(b"head")
    answers.close()
    assert (transport.all, answers.is_closing()) == ([b"head"], True)
