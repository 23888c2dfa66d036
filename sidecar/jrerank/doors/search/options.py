"""What a caller says of reranking: the body's `rerank` section, and `ext.jrerank` as the plugin takes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from jrerank.doors.native import LinearFusionBody, RrfFusionBody
from jrerank.doors.search.merge import Unread
from jrerank.doors.search.passages import PassageFrom
from jrerank.doors.search.url_parameters import SearchParameters
from jrerank.doors.search.window import MAX_WINDOW

# Every path is looked for in every hit, whose keys may hold dots themselves
MAX_PATH_CHARS, MAX_PATH_PARTS, MAX_PASSAGE_FIELDS = 500, 20, 50


def _check_path(path: str) -> str:
    if path.count(".") >= MAX_PATH_PARTS:
        raise ValueError(f"a path has at most {MAX_PATH_PARTS} parts")
    return path


def _check_count(fields: object) -> object:
    """Before they are looked at: each that is wrong would be an error of its own."""
    if isinstance(fields, (list, tuple)) and len(fields) > MAX_PASSAGE_FIELDS:
        raise ValueError(f"at most {MAX_PASSAGE_FIELDS} fields are read")
    return fields


def _check_has_id(pit: dict[str, Any]) -> dict[str, Any]:
    """Without one an engine would be asked for a search of no index, which is one of all that there are."""
    if not isinstance(pit.get("id"), str):
        raise ValueError("id is needed, as this door gave it")
    return pit


TimeoutMs = Annotated[int, Field(ge=1, le=86_400_000)]
Window = Annotated[int, Field(ge=1, le=MAX_WINDOW)]
MaxTokens = Annotated[int, Field(ge=1, le=10**9)]
MinScore = Annotated[float, Field(allow_inf_nan=False)]
FieldName = Annotated[
    str,
    Field(pattern=r"^[^*]*[^*\s][^*]*$", max_length=MAX_PATH_CHARS, description="one field, no pattern"),
    AfterValidator(_check_path),
]
PassageFields = Annotated[
    tuple[FieldName, ...],
    BeforeValidator(_check_count),
    Field(strict=False, max_length=MAX_PASSAGE_FIELDS),
]
_OVERRIDES = (
    "window",
    "passage_fields",
    "passage_from",
    "fusion",
    "max_tokens_per_doc",
    "unread",
    "min_score",
)


class ExtSection(BaseModel):
    """`ext.jrerank` of a search body; null is as good as nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: str | None = None
    enabled: bool | None = None
    timeout_ms: TimeoutMs | None = None
    hit_details: bool | None = None
    window: Window | None = None
    passage_fields: PassageFields | None = None
    passage_from: PassageFrom | None = None
    fusion: Annotated[LinearFusionBody | RrfFusionBody | None, Field(discriminator="method")] = None
    max_tokens_per_doc: MaxTokens | None = None
    unread: Unread | None = None
    min_score: MinScore | None = None


class ExtBody(BaseModel):
    """`ext` of a search body; what isn't ours is the engine's."""

    model_config = ConfigDict(extra="allow")

    jrerank: ExtSection = ExtSection()


class RerankSection(BaseModel):
    """How the search is to be reranked."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = True
    window: Annotated[Window, Field(description="this many hits are reranked")] = 100
    passage_fields: Annotated[
        PassageFields | None,
        Field(description="the text of a document; by default the store's fields"),
    ] = None
    passage_from: Annotated[
        PassageFrom, Field(description="all fields as one text, each value of a field, or the highlights")
    ] = "fields"
    store: Annotated[str | None, Field(description="a store that has the texts, by the hits' ids")] = None
    query: Annotated[str | None, Field(description="what was searched for")] = None
    query_text_path: Annotated[
        Annotated[str, Field(max_length=MAX_PATH_CHARS), AfterValidator(_check_path)] | None,
        Field(description="where in the body that is"),
    ] = None
    timeout_ms: Annotated[TimeoutMs | None, Field(description="for the search and for reranking")] = None
    fusion: Annotated[LinearFusionBody | RrfFusionBody | None, Field(discriminator="method")] = None
    max_tokens_per_doc: MaxTokens | None = None
    unread: Annotated[Unread, Field(description="hits that the model has not read")] = "below"
    min_score: Annotated[MinScore | None, Field(description="hits below it are left out")] = None
    hit_details: Annotated[bool, Field(description="on each hit: first score, first rank")] = False
    on_failure: Annotated[Literal["keep", "error"], Field(description="keep: the first stage's order")] = (
        "keep"
    )

    def with_ext(self, ext: ExtSection) -> RerankSection:
        """Both together: what `ext` says goes first, but the shorter time counts, and either may switch off."""
        times = [time for time in (self.timeout_ms, ext.timeout_ms) if time is not None]
        return self.model_copy(
            update={
                "query": ext.query if ext.query and ext.query.strip() else self.query,
                "enabled": self.enabled and ext.enabled is not False,
                "hit_details": self.hit_details or ext.hit_details is True,
                "timeout_ms": min(times, default=None),
            }
            | {name: value for name in _OVERRIDES if (value := getattr(ext, name)) is not None}
        )

    def fields(self, of_store: tuple[str, ...]) -> tuple[str, ...]:
        """What is read of a hit: nothing where a store has the texts, unless it is said."""
        if self.passage_fields is not None:
            return self.passage_fields
        return () if self.store is not None else of_store


class SearchBody(BaseModel):
    """An engine's own search body, with a `rerank` section."""

    model_config = ConfigDict(extra="allow")

    rerank: RerankSection = RerankSection()
    ext: ExtBody = ExtBody()
    from_: Annotated[int, Field(alias="from", ge=0, le=2**31 - 1)] = 0
    size: Annotated[int, Field(ge=0, le=2**31 - 1)] = 10

    pit: Annotated[
        Annotated[dict[str, Any], AfterValidator(_check_has_id)] | None,
        Field(description="with an `id` that was opened at this door"),
    ] = None

    def options(self) -> RerankSection:
        """All that is said of reranking."""
        return self.rerank.with_ext(self.ext.jrerank)

    def with_parameters(self, parameters: SearchParameters) -> SearchBody:
        """The same, but for what its URL says of it."""
        return self.model_copy(update=parameters.for_body())

    def for_engine(self) -> dict[str, Any]:
        """The body without what is ours."""
        page = self.model_dump(include={"from_", "size"}, exclude_unset=True, by_alias=True)
        pit = {} if self.pit is None else {"pit": self.pit}
        ext = self.ext.model_extra
        return {**(self.model_extra or {}), **page, **pit, **({"ext": ext} if ext else {})}
