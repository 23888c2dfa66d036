"""Processes that tokenize: the ids are those of this process, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from array import array
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import tiny_config, write_checkpoint
from bulk_rows import command, reranked, write_rows
from jrerank.bulk.tokenizers import Tokenizers, default_processes, packed, unpacked
from jrerank.domain import ServiceInfo
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from jrerank.models.source import open_checkpoint
from jrerank.tokenization.text_tokenizer import TextTokenizer
from jrerank.tokenization.windows import Tokenization

ODD = ["", " ", "</s>", "<s>[CLS]富士山[SEP]", "今日は\ud83d晴れ", "ﾊﾝｶｸ", "\u2581\0\u3000", "富士山は" * 400]
LONG = "富士山は" * 600


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(write_checkpoint(tmp_path_factory.mktemp("model"), tiny_config()), "tiny")


@pytest.fixture
def tokenization(checkpoint: Checkpoint) -> Tokenization:
    return Tokenization(checkpoint, 256, 10**7)


@pytest.fixture
def tokenizers(tokenization: Tokenization) -> Iterator[Tokenizers]:
    pool = Tokenizers(tokenization, 1)
    yield pool
    pool.close()


async def test_the_ids_are_those_of_this_process(
    checkpoint: Checkpoint, tokenization: Tokenization, tokenizers: Tokenizers
) -> None:
    await tokenizers.prepare([*ODD, *ODD, LONG])
    assert tokenization.id_cache.get(ODD) == TextTokenizer(checkpoint.tokenizer).ids(ODD)
    assert tokenization.id_cache.get([LONG]) == [None], "read in slices, as ever"


async def test_so_are_those_of_a_large_vocabulary() -> None:
    checkpoint = open_checkpoint("bundled")
    tokenization = Tokenization(checkpoint, 256, 10**7)
    pool = Tokenizers(tokenization, 1)
    try:
        await pool.prepare(ODD)
    finally:
        pool.close()
    assert tokenization.id_cache.get(ODD) == TextTokenizer(checkpoint.tokenizer).ids(ODD)


async def test_a_process_that_is_killed_costs_nothing_but_time(
    checkpoint: Checkpoint, tokenization: Tokenization, tokenizers: Tokenizers
) -> None:
    await tokenizers.prepare(["空"])
    for child in active_children():
        child.kill()
    await tokenizers.prepare(["山"])
    await tokenizers.prepare(["海"])
    assert tokenization.id_cache.get(["空"]) == TextTokenizer(checkpoint.tokenizer).ids(["空"])
    assert tokenization.id_cache.get(["海"]) == [None]


@given(st.lists(st.lists(st.integers(0, 2**31 - 1))))
def test_ids_are_packed_and_unpacked(texts: list[list[int]]) -> None:
    ids = [array("i", text) for text in texts]
    assert list(unpacked(*packed(ids))) == ids


@pytest.mark.parametrize(
    ("engine", "precision", "some"),
    [("onnx_cpu", "int8", False), ("torch_packed", "fp32", False), ("torch_packed", "fp16", True)],
)
def test_only_a_gpu_has_them_unasked(engine: str, precision: str, some: bool) -> None:
    info = ServiceInfo("1", "m", "f", precision, engine, 1, 512)
    assert (default_processes(info) > 0) is some


async def test_the_output_is_the_same_with_and_without_them(tiny_folder: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 30)
    await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "without.jsonl")
    report = await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "with.jsonl", tokenizers=2)
    assert (report.rows, report.wrong_rows, report.incomplete_rows) == (30, 0, 0)
    assert (tmp_path / "with.jsonl").read_bytes() == (tmp_path / "without.jsonl").read_bytes()
    assert not active_children()


def test_none_of_them_outlives_a_run_that_is_killed(tiny_folder: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 2_000)
    output = tmp_path / "out.jsonl"
    arguments, variables = command(tiny_folder, tmp_path / "in.jsonl", output)
    run = subprocess.Popen(
        [*arguments, "--tokenizers", "2"],
        env=os.environ | variables,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: output.exists() and output.stat().st_size > 0)
    assert run.poll() is None
    run.send_signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: not group_lives(run.pid))


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)
