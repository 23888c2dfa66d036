"""A small report of each kind of part, for tests of what reads reports."""

from __future__ import annotations

from jrerank.bench.report.schema import (
    Curve,
    Difference,
    Example,
    Figure,
    Hit,
    Machine,
    Point,
    Report,
    Series,
    Setting,
    System,
)

MACHINE = Machine(
    cpu="Some CPU",
    cores=2,
    features="x86_64",
    memory_bytes=8_000_000_000,
    system="Linux",
    python="3.11",
    load_average=0.25,
)


def ndcg(*samples: float) -> Figure:
    return Figure(
        name="nDCG@10", value=sum(samples) / len(samples), better="higher", low=0.1, high=0.9, samples=samples
    )


def quality_report(*samples: float, name: str = "model <b>") -> Report:
    return Report(
        kind="quality",
        title="Quality on <script>alert(1)</script>",
        created="2026-11-26T00:00:00+00:00",
        version="0.1.0",
        machine=MACHINE,
        parameters={"depth": "20"},
        sample_ids=tuple(f"q{number}" for number in range(len(samples))),
        systems=(
            System(name="first stage", figures=(ndcg(*(0.5 for _ in samples)),)),
            System(name=name, figures=(ndcg(*samples),)),
        ),
        differences=(
            Difference(
                figure="nDCG@10", baseline="first stage", system=name, difference=0.12345678, low=0.0123, high=0.2345,
                p=0.00321, p_adjusted=0.00642, wins=7, losses=3, ties=11,
            ),
        ),
        curves=(
            Curve(title="by depth", x_label="hits", y_label="nDCG@10",
                  series=(Series(name=name, points=(Point(x=0, y=0.515), Point(x=10, y=0.6171, low=0.5, high=0.7))),)),
            Curve(title="by cost", x_label="ms", y_label="nDCG@10", logarithmic=True,
                  series=(Series(name=name, points=(Point(x=1.5, y=0.52), Point(x=210.25, y=0.63))),)),
        ),
        examples=(
            Example(query="富士山の高さ", system=name, figure="nDCG@10", before=0.25, after=1.0,
                    hits_before=(Hit(id="a", text="味噌汁"),), hits_after=(Hit(id="b", text="3776 m", gain=1),)),
        ),
        advice=(Setting(variable="fusion.weight", value="0.6", reason="best"),),
        notes=("3 queries have no labels",),
    )  # fmt: skip


def speed_report(*pairs_per_s: float, yardstick: float = 1.0) -> Report:
    """`yardstick`: how fast the machine was."""
    samples = tuple(value * yardstick for value in pairs_per_s)
    figure = Figure(
        name="pairs/s",
        value=samples[0],
        unit="pairs/s",
        better="higher",
        samples=samples,
        relative_samples=pairs_per_s,
    )
    return quality_report(0.5).model_copy(
        update={
            "kind": "speed",
            "sample_ids": (),
            "systems": (System(name="int8", figures=(figure,)),),
            "yardstick": "fixed work/1",
        }
    )
