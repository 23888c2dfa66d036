"""A real sidecar under load, and stopped in the middle of it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.bench.load.driver import open_loop
from jrerank.bench.load.record import Record
from jrerank.bench.load.requests import RequestMaker
from jrerank.bench.load.sizes import Size
from jrerank.bench.load.targets import SidecarTarget, http_session
from jrerank.bench.report.schema import read_json
from sidecars import RunningSidecar, running_sidecar

pytestmark = pytest.mark.alone

RATE, SECONDS, STALL_S = 10, 6, 2.0


async def test_a_sidecar_that_stops_for_two_seconds_in_the_middle_shows_in_the_tail(tmp_path: Path) -> None:
    with running_sidecar(tmp_path) as sidecar:
        record = await stalled(sidecar)
    assert record.outcomes.total() == RATE * SECONDS
    assert record.percentile_ms(99.9) >= 900 * STALL_S
    assert record.outcomes["error"] == 0


async def stalled(sidecar: RunningSidecar) -> Record:
    """Stopped in the middle of the run."""
    maker = RequestMaker()
    stopped_at = (SECONDS - STALL_S) / 2
    state = {"stopped": False}

    def tick(at: float) -> None:
        if at >= stopped_at and not state["stopped"]:
            sidecar.process.send_signal(signal.SIGSTOP)
            state["stopped"] = True
        elif at >= stopped_at + STALL_S:
            sidecar.process.send_signal(signal.SIGCONT)

    async with http_session() as session:
        target = SidecarTarget(session, sidecar.url, 10_000, ())
        times = [number / RATE for number in range(RATE * SECONDS)]
        return await open_loop(target, times, (maker.make(Size(1, 20)) for _ in times), 10.0, tick)


def test_the_command_writes_a_report_of_a_running_sidecar(tmp_path: Path) -> None:
    file = tmp_path / "load.json"
    with running_sidecar(tmp_path) as sidecar:
        line = [
            "bench",
            "load",
            "--url",
            sidecar.url,
            "--rate",
            "8",
            "--seconds",
            "2",
            "--documents",
            "2",
            "--chars",
            "30",
        ]
        line += ["--pid", str(sidecar.process.pid), "--json", str(file), "--arrivals", "constant"]
        result = CliRunner().invoke(app, line)
    assert result.exit_code == 0, result.output
    figures = {figure.name: figure.value for figure in read_json(file).systems[0].figures}
    assert sum(figures[name] for name in ("complete", "partial", "passthrough", "refused")) == 16
    assert figures["memory"] > 10_000_000
