"""Which store's engine a request at the search door is for, and which searches it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from fastapi import Request

from jrerank.doors.http.context import caller_of, service_of, share_of
from jrerank.doors.http.large_bodies import beside_if
from jrerank.doors.http.searching import Searching
from jrerank.doors.search.sealed_ids import IdSeal
from jrerank.errors import UnknownStore
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.stores.opaque_id import HEADER

_Lines = TypeVar("_Lines")


def searching_of(http: Request, store: str) -> Searching:
    """The request's way to the engine of `store`.

    Raises:
        UnknownStore: there is none of that name, or it is not open.
    """
    service = service_of(http)
    engine = service.searches.get(store)
    if engine is None:
        known = ", ".join(service.searches) or "none is open"
        raise UnknownStore(f"there is no store {store!r} to search ({known})", field="store")
    seals: dict[str, IdSeal] = http.app.state.seals
    opaque_id = http.headers.get(HEADER, "")
    return Searching(service, engine, caller_of(http), share_of(http), seals[store], opaque_id)


async def lines_read(
    http: Request,
    read: Callable[..., _Lines],
    allowed: Sequence[str],
    default: str | None = None,
    body: bytes | None = None,
) -> _Lines:
    """What `read_searches`, or its like, reads of a request's lines; beside the event loop where they are large."""
    content = await http.body() if body is None else body
    work = partial(read, content, allowed, share_of(http).take_values, default)
    return await beside_if(len(content) > WHOLE_BYTES, http, work)
