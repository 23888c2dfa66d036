"""Rows through a cluster, and back in their order."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jrerank.bulk.answers import unlimited
from jrerank.bulk.on_ray.layout import READER_SHARE, Layout, Machine, layout
from jrerank.bulk.outputs.output import Output, check_nothing_new, open_output
from jrerank.bulk.outputs.run_note import check_store, run_of
from jrerank.bulk.report import BulkReport, Progress
from jrerank.bulk.sources.source import Source
from jrerank.errors import ConfigurationError, JrerankError, Unavailable
from jrerank.settings import Settings

# Ray complains of what Ray Data does; what goes wrong is raised
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
try:
    import ray
    import ray.data

    from jrerank.bulk.on_ray.actors import Model, Scorer, Tokenizer, model_of_cluster
    from jrerank.bulk.on_ray.rows import RowSource
except ImportError:
    raise ConfigurationError("--ray needs Ray Data: pip install 'jrerank[ray]'") from None

# Rows go from stage to stage in blocks of about so much: small enough that every machine has some
_BLOCK_BYTES = 256 * 1024
_ROWS_AT_ONCE = 32
# With a scorer at the same time: while it ends one, the next is there
_BATCHES_AT_ONCE = 3
_WRITE_EVERY_S = 0.5
_CONNECT_TIMEOUT_S = 10


def rerank_on_ray(
    address: str,
    settings: Settings,
    source: Source,
    output_path: Path,
    store: str | None,
    progress: Progress,
) -> BulkReport:
    """Rerank every row on the cluster at `address`; go on behind what `output_path` holds already.

    Source and output are read and written where this runs, which is a machine of the cluster.

    Raises:
        InvalidInput: the input cannot be read, or there is no such store, or the output is of another run.
        ConfigurationError: the model or the engine cannot be opened, or machines differ.
        Unavailable: the cluster is not there, or was lost.
    """
    check_store(store, settings)
    with _connected(address), errors_as_ours():
        machines = layout(_machines())
        scoring = unlimited(settings)
        if scoring.workers is None and not machines.scorer_gpus:
            scoring = scoring.model_copy(update={"workers": machines.workers})
        model = _model(scoring, machines)
        with open_output(output_path, run_of(source, model.run, store)) as output:
            check_nothing_new(output, source, output_path)
            run = Taker(output, progress)
            if not output.is_finished:
                rows = _stages(source, output, scoring, store, model, machines)
                run.take(rows.iter_batches(batch_size=None, batch_format="pyarrow"), source.size)
                output.finish()
            return run.finished(source.size)


class Taker:
    """Writes what comes back from the cluster."""

    def __init__(self, output: Output, progress: Progress) -> None:
        self._output, self._progress = output, progress
        self._report = BulkReport(output.done)
        self._lines: list[dict[str, object]] = []
        self._written_at = self._started = time.monotonic()

    def take(self, batches: Any, size: int) -> None:
        """Write batches of `SCORED` as they come.

        Raises:
            Unavailable: a row is lacking, or comes twice; those before it are written.
        """
        for batch in batches:
            for row in batch.to_pylist():
                self._check_number(row["number"])
                self._lines.append(json.loads(row["line"]))
                self._count(row)
            if time.monotonic() - self._written_at > _WRITE_EVERY_S:
                self._write()
                self._progress(row["position"], size, self._report)
        self._write()

    def finished(self, size: int) -> BulkReport:
        """What became of the rows, once all are there."""
        self._progress(size, size, self._report)
        return self._report

    def _check_number(self, number: int) -> None:
        expected = self._output.done.rows + self._report.rows + 1
        if number != expected:
            self._write()
            raise Unavailable(
                f"the Ray cluster gave row {number} in place of row {expected}: the same command goes on"
            )

    def _count(self, row: dict[str, Any]) -> None:
        self._report.rows += 1
        self._report.pairs += row["pairs"]
        self._report.tokens += row["tokens"]
        self._report.incomplete_rows += row["incomplete"]
        if row["wrong"] is not None:
            self._report.count_wrong(row["wrong"])

    def _write(self) -> None:
        self._output.append(self._lines)
        self._lines = []
        self._written_at = time.monotonic()
        self._report.seconds = self._written_at - self._started


def _stages(
    source: Source, output: Output, settings: Settings, store: str | None, model: Model, machines: Layout
) -> Any:
    here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
    rows = ray.data.read_datasource(
        RowSource(source, output.done),
        override_num_blocks=1,
        num_cpus=READER_SHARE,
        label_selector=here,
    )
    tokenized = rows.map_batches(
        Tokenizer,
        fn_constructor_args=(settings,),
        compute=ray.data.ActorPoolStrategy(size=machines.tokenizers),
        num_cpus=machines.tokenizer_cpus,
        batch_size=_ROWS_AT_ONCE,
        batch_format="pyarrow",
    )
    return tokenized.map_batches(
        Scorer,
        fn_constructor_args=(settings, store, model),
        compute=ray.data.ActorPoolStrategy(
            size=machines.scorers,
            max_tasks_in_flight_per_actor=_BATCHES_AT_ONCE + 1,
            max_concurrent_calls_per_actor=_BATCHES_AT_ONCE,
            enable_true_multi_threading=True,
        ),
        num_cpus=machines.scorer_cpus,
        num_gpus=machines.scorer_gpus,
        batch_size=_ROWS_AT_ONCE,
        batch_format="pyarrow",
    )


def _model(settings: Settings, machines: Layout) -> Model:
    """What a machine serves that has all that a scorer needs."""

    def opened() -> Model:
        return asyncio.run(model_of_cluster(settings))

    task = ray.remote(opened).options(
        num_cpus=machines.scorer_cpus, num_gpus=machines.scorer_gpus, max_retries=0
    )
    found: Model = ray.get(task.remote())
    return found


def _machines() -> list[Machine]:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [Machine(int(node.get("CPU", 0)), int(node.get("GPU", 0))) for node in nodes]


@contextmanager
def _connected(address: str) -> Iterator[None]:
    _check_reachable(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise Unavailable(f"there is no Ray cluster at {address}: {_in_one_line(error)}") from None
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.target_max_block_size = _BLOCK_BYTES
    context.target_min_block_size = 1
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), _CONNECT_TIMEOUT_S).close()
        except (OSError, OverflowError) as error:
            raise Unavailable(f"there is no Ray cluster at {address}: {error}") from None


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """What was raised on another machine comes back in wrappers."""
    try:
        yield
    except Exception as error:
        raise _ours(error) or Unavailable(f"the Ray cluster failed: {_in_one_line(error)}") from error


def _ours(error: BaseException | None) -> JrerankError | None:
    while error is not None:
        # Ray's wrapper is of the wrapped one's class too, and says all that the other machine's stack had to say
        if isinstance(error, JrerankError) and not isinstance(error, ray.exceptions.RayError):
            return error
        error = getattr(error, "cause", None) or error.__cause__
    return None


def _in_one_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
