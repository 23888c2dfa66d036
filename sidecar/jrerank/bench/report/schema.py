"""The report: what is in the JSON file, field by field. docs/bench-report.md is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jrerank.errors import InvalidInput

SCHEMA = "jrerank-bench/1"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(_Part):
    """One number, with its uncertainty."""

    name: Annotated[str, Field(description="what is measured, such as nDCG@10 or pairs/s")]
    value: float
    unit: Annotated[str, Field(description="ms, s, pairs/s, bytes, ...; empty for a measure from 0 to 1")] = (
        ""
    )
    better: Annotated[
        Literal["higher", "lower"] | None, Field(description="null: neither, it only describes")
    ] = None
    low: Annotated[float | None, Field(description="of the 95 % interval")] = None
    high: Annotated[float | None, Field(description="of the 95 % interval")] = None
    samples: Annotated[
        tuple[float, ...],
        Field(
            description="what `value` sums up: one per query (see `sample_ids`), round, second or part of a run"
        ),
    ] = ()
    relative_samples: Annotated[
        tuple[float, ...],
        Field(
            description="speed only: the same in units of the report's yardstick, which was timed beside it; what --compare reads"
        ),
    ] = ()


class System(_Part):
    """Something that was measured."""

    name: str
    description: str = ""
    figures: tuple[Figure, ...] = ()

    def figure(self, name: str) -> Figure | None:
        """The figure of that name."""
        return next((figure for figure in self.figures if figure.name == name), None)


class Difference(_Part):
    """Two systems on the same queries."""

    figure: str
    baseline: str
    system: str
    difference: Annotated[float, Field(description="mean of system minus baseline")]
    low: Annotated[float, Field(description="of the 95 % interval, by bootstrap over queries")]
    high: float
    p: Annotated[float, Field(description="two-sided, by paired randomization")]
    p_adjusted: Annotated[
        float, Field(description="the same, with Holm's correction over all differences of the report")
    ]
    wins: Annotated[int, Field(description="queries for which the system is better")]
    losses: int
    ties: int


class Point(_Part):
    """Of a curve."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Series(_Part):
    """One line of a plot."""

    name: str
    points: tuple[Point, ...]


class Curve(_Part):
    """A plot."""

    title: str
    x_label: str
    y_label: str
    logarithmic: Annotated[bool, Field(description="whether x is best drawn so")] = False
    series: tuple[Series, ...]


class Hit(_Part):
    """Of an example."""

    id: str
    text: Annotated[str, Field(description="its beginning")]
    gain: int = 0


class Example(_Part):
    """A query that a system won or lost against the baseline."""

    query: str
    system: str
    figure: str
    before: float
    after: float
    hits_before: tuple[Hit, ...]
    hits_after: tuple[Hit, ...]


class Setting(_Part):
    """What to set, and why."""

    variable: str
    value: str
    reason: str


class Machine(_Part):
    """Where it was measured."""

    cpu: str
    cores: int
    features: str
    memory_bytes: int
    system: str
    python: str
    load_average: Annotated[
        float, Field(description="of the last minute, before the run: what else the machine did")
    ]
    packages: dict[str, str] = Field(default_factory=dict)


class Report(_Part):
    """What a run of `jrerank-admin bench` found."""

    schema_version: Annotated[
        str, Field(description="of this form; a reader refuses another", pattern=f"^{SCHEMA}$")
    ] = SCHEMA
    kind: Literal["quality", "speed", "load"]
    title: str
    created: Annotated[str, Field(description="ISO 8601, UTC")]
    version: Annotated[str, Field(description="of jrerank")]
    machine: Machine
    parameters: Annotated[dict[str, str], Field(description="what the run was told")] = Field(
        default_factory=dict
    )
    yardstick: Annotated[
        str, Field(description="speed: the fixed computation that `relative_samples` are multiples of")
    ] = ""
    sample_ids: Annotated[
        tuple[str, ...], Field(description="quality: the query of each of a figure's samples")
    ] = ()
    systems: tuple[System, ...] = ()
    differences: tuple[Difference, ...] = ()
    curves: tuple[Curve, ...] = ()
    examples: tuple[Example, ...] = ()
    advice: tuple[Setting, ...] = ()
    notes: tuple[str, ...] = ()


def write_json(report: Report, path: Path) -> None:
    """Write it, whole or not at all.

    Raises:
        InvalidInput: the file can't be written.
    """
    try:
        temporary = path.with_name(f".{path.name}.part")
        temporary.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror}", field="json") from None


def read_json(path: Path) -> Report:
    """A report that was written before.

    Raises:
        InvalidInput: the file can't be read, or is not a report of this version's form.
    """
    try:
        return Report.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can't be read: {error}", field="compare") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise InvalidInput(
            f"{path} is not a report of the form {SCHEMA}: {place}: {first['msg']}", field="compare"
        ) from None
