"""A cluster of two nodes makes of the same rows what one process makes of them, and goes on where that was cut off."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.exceptions import RayError, RayTaskError

from bulk_rows import command, lines, reranked, write_rows
from jrerank.admin.ports import free_port
from jrerank.bulk.on_ray.run import errors_as_ours, rerank_on_ray
from jrerank.bulk.sources.files import open_file
from jrerank.errors import ModelNotFound, Unavailable
from tiny import tiny_settings

PAGE = (Path(__file__).parents[3] / "docs" / "bulk.md").read_text(encoding="utf-8")


def node() -> dict[str, object]:
    """Its ports are chosen here: Ray would wait 15 seconds at most for its own processes to choose, and then fail."""
    ports = ("metrics_agent_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
    chosen = {name: free_port() for name in ports}
    return {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False, **chosen}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    # Ray's workers would step back behind whatever else runs on the machine
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args=node())
        try:
            cluster.add_node(**node())
            yield cluster.address
        finally:
            cluster.shutdown()


def on_ray(folder: Path, source: Path, output: Path, address: str) -> subprocess.CompletedProcess[str]:
    arguments, variables = command(folder, source, output)
    return subprocess.run(
        [*arguments, "--ray", address],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_output_is_that_of_one_process_also_where_it_goes_on(
    address: str, tiny_folder: Path, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write_rows(source, 150)
    with source.open("a") as file:
        file.write('{"id": "wrong", "query": "空"}\n')
    asyncio.run(reranked(tiny_folder, source, output))
    undisturbed = output.read_bytes()
    output.write_bytes(undisturbed[: len(undisturbed) // 3])
    done = on_ray(tiny_folder, source, output, address)
    assert done.returncode == 1, done.stderr
    assert "rows were done before; 1 rows were wrong\nrow wrong: line 151 of in.jsonl: hits" in done.stderr
    assert output.read_bytes() == undisturbed


def test_the_command_of_the_page(address: str, tmp_path: Path) -> None:
    """`auto` is the cluster of this machine, or the one that `RAY_ADDRESS` names."""
    (line,) = re.findall(r"^jrerank-admin .*--ray auto$", PAGE, re.MULTILINE)
    write_rows(tmp_path / "questions.jsonl", 3)
    done = subprocess.run(
        [sys.executable, "-m", "jrerank.admin", *shlex.split(line)[1:]],
        env=os.environ | {"RAY_ADDRESS": address},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3 rows, 60 pairs" in done.stderr
    assert len(lines(tmp_path / "reranked.jsonl")) == 3


def test_what_goes_wrong_on_another_machine_is_said_as_if_it_were_here() -> None:
    cause = ModelNotFound("there is no such model")
    from_there = RayTaskError("work", "a long traceback", cause).as_instanceof_cause()
    with pytest.raises(ModelNotFound, match=r"^there is no such model$"), errors_as_ours():
        raise from_there
    with pytest.raises(Unavailable, match="the Ray cluster failed: a node is gone"), errors_as_ours():
        raise RayError("many lines\na node is gone\n")


def test_a_cluster_that_is_not_there_is_named_at_once(tiny_folder: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=f"no Ray cluster at {address}"):
            rerank_on_ray(
                address,
                tiny_settings(tiny_folder),
                open_file(tmp_path / "in.jsonl"),
                tmp_path / "out.jsonl",
                None,
                lambda *_: None,
            )
