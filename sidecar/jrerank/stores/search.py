"""What a search engine is: it takes search bodies of its own dialect, and answers in its own shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

Json = dict[str, Any]
DEFAULT_MAX_RESULT_WINDOW = 10_000


@dataclass(frozen=True, slots=True)
class EngineReply:
    """What the engine answered: its status, and its body as parsed, or as text where that isn't JSON; and how large it was."""

    status: int
    body: Any
    size_bytes: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """What the searched indexes can give: a search that asks for more than that fails, and it must not because of us."""

    max_result_window: int = DEFAULT_MAX_RESULT_WINDOW
    keeps_source: bool = True
    field_types: Mapping[str, str] = field(
        default_factory=dict
    )  # by dotted path; empty where they are not known


@runtime_checkable
class SearchEngine(Protocol):
    """Searches the indexes that the operator has allowed."""

    @property
    def indexes(self) -> tuple[str, ...]:
        """Their names."""
        ...

    @property
    def product(self) -> str:
        """`opensearch` or `elasticsearch`: what its clients take it for."""
        ...

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields of a document that are its passage."""
        ...

    async def search(self, index: str, body: Json, parameters: Mapping[str, str]) -> EngineReply:
        """Run one search; what the engine refuses comes back as its reply. `index` is empty where a point in time names it.

        Raises:
            StoreError: the engine cannot be reached, or did not answer in time.
        """
        ...

    async def msearch(
        self, searches: Sequence[tuple[Json, Json]], parameters: Mapping[str, str]
    ) -> EngineReply:
        """Run searches, each a header and a body, in one request; raises as `search` does."""
        ...

    async def ask(
        self, method: str, path: Sequence[str], body: Json | None, parameters: Mapping[str, str]
    ) -> EngineReply:
        """Make a request of another kind, `path` in its parts; raises as `search` does."""
        ...

    async def limits(self, index: str, timeout_s: float) -> IndexLimits:
        """What the indexes can give; the defaults where the engine does not say, or not within `timeout_s`."""
        ...

    def forget_limits(self, index: str) -> None:
        """Ask anew next time: the engine has refused what it was said to give."""
        ...


def engine_words(body: object) -> str | None:
    """The engine's own words for what is wrong."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return f"{error.get('type')}: {error.get('reason')}"
    return None if error is None else str(error)
